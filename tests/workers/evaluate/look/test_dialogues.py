"""Dialogues as text for people."""

import json

from workers.evaluate.look.dialogues import in_one_line, written

DIALOGUE = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Write a haiku\nabout rain."},
    {"role": "assistant", "content": "Soft drops on the roof. "},
]


def test_dialogue_is_written_with_speakers_or_in_one_line():
    """Given a dialogue as JSON, then it is written with its speakers, and in one line without them."""
    lines = "Beforehand: Be brief.\nYou: Write a haiku\nabout rain.\nModel: Soft drops on the roof."
    assert written(json.dumps(DIALOGUE)) == lines
    assert in_one_line(json.dumps(DIALOGUE)) == "Be brief. – Write a haiku about rain. – Soft drops on the roof."


def test_other_texts_stay_unchanged():
    """Given plain texts, some of which look like JSON, then they stay unchanged."""
    for text in ("It [rains].", "[1, 2]", '[{"role": "user"}]', "[not JSON", ""):
        assert written(text) == text and in_one_line(text) == text
    assert in_one_line("two\n lines") == "two lines"
