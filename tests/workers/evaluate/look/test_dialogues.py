"""Dialogues as people write them down."""

import json

from workers.evaluate.look.dialogues import in_one_line, written

SAID = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Write a haiku\nabout rain."},
    {"role": "assistant", "content": "Soft drops on the roof. "},
]


def test_a_dialogue_tells_who_says_what():
    report = "Beforehand: Be brief.\nYou: Write a haiku\nabout rain.\nModel: Soft drops on the roof."
    assert written(json.dumps(SAID)) == report


def test_a_dialogue_is_one_line_in_a_list():
    assert in_one_line(json.dumps(SAID)) == "Be brief. – Write a haiku about rain. – Soft drops on the roof."


def test_other_texts_stay():
    """Given plain texts, some of which look like JSON, Then they stand as they are."""
    for text in ("It [rains].", "[1, 2]", '[{"role": "user"}]', "[not JSON", ""):
        assert written(text) == text and in_one_line(text) == text
    assert in_one_line("two\n lines") == "two lines"
