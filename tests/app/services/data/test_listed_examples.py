"""The list of a set's examples."""

import json
from pathlib import Path

import pytest

from app.services.data.examples import SHOWN_CHARS, read_items
from workers.contracts.data.reading import FETTLES_OWN, IN_A_ROW


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('[{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]', "Why? – So."),
        ('["a", "b"]', '["a", "b"]'),
        ("[Aside] he left", "[Aside] he left"),
        ("[]", "[]"),
        ("12", "12"),
        ('{"content": "a"}', '{"content": "a"}'),
        ("x" * 1000, "x" * SHOWN_CHARS),
        (None, ""),
    ],
)
def test_dialogues_are_listed_as_people_read_them(tmp_path: Path, text: str | None, shown: str) -> None:
    """Given a dialogue in JSON or another text, Then the messages of a dialogue are listed, and other texts as they are."""
    row = {"source": "row 1", "text": text, "labels": [], "facts": {}}
    (tmp_path / "data.json").write_text(json.dumps({"classes": None, "test": [row], "calibration": []}))
    assert [item.text for item in read_items(tmp_path)] == [shown]


def test_conversations_that_fettle_added_are_not_listed(tmp_path: Path) -> None:
    """Given a person's text, a row of their texts and a dialogue of Fettle's own, Then the person's text is listed alone."""
    facts = ({FETTLES_OWN: 1.0}, {IN_A_ROW: 20.0}, {"tokens": 3.0})
    rows = [{"source": str(at), "text": "x", "labels": [], "facts": one} for at, one in enumerate(facts)]
    (tmp_path / "data.json").write_text(json.dumps({"classes": None, "test": rows, "calibration": []}))
    assert [item.source for item in read_items(tmp_path)] == ["2"]
