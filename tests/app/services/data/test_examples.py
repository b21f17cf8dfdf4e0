"""The list of a set's examples."""

import json
from pathlib import Path

import pytest

from app.services.data.examples import SHOWN_CHARS, read_items


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('[{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]', "Why? – So."),
        ('["a", "b"]', '["a", "b"]'),
        ("[Aside] he left", "[Aside] he left"),
        ("x" * 1000, "x" * SHOWN_CHARS),
        (None, ""),
    ],
)
def test_dialogues_are_listed_as_people_read_them(tmp_path: Path, text: str | None, shown: str) -> None:
    """Given a dialogue in JSON or another text, Then the messages of a dialogue are listed, and other texts as they are."""
    row = {"source": "row 1", "text": text, "labels": []}
    (tmp_path / "data.json").write_text(json.dumps({"classes": None, "test": [row], "calibration": []}))
    assert [item.text for item in read_items(tmp_path)] == [shown]
