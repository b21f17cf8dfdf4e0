"""Load the list of starters, which claims nothing that was not tried."""

from pathlib import Path

import pytest

from presets.starters import load_starters
from presets.yaml_file import PresetRefused

WANTED = {
    "Xenova/distilbert-base-uncased-finetuned-sst-2-english",
    "Xenova/all-MiniLM-L6-v2",
    "Xenova/resnet-50",
    "Xenova/vit-base-patch16-224",
    "Xenova/yolos-tiny",
    "Xenova/opus-mt-en-de",
    "Xenova/whisper-tiny.en",
}
ROW = "- repo: a/b\n  title: T\n  task: translation\n  about: A.\n"


def test_shipped_starters_are_the_chosen_ones() -> None:
    """Given the shipped file, Then it holds the chosen models, and none is marked as confirmed."""
    starters = load_starters()
    assert {starter.repo for starter in starters} == WANTED
    assert all(starter.confirmed is None for starter in starters), "none was tried on the public hub yet"


def test_confirmed_starter_has_day_and_revision(tmp_path: Path) -> None:
    """Given a row with day and commit, then both are read."""
    file = tmp_path / "s.yaml"
    file.write_text(ROW + f"  confirmed: {{day: 2026-12-01, revision: {'a' * 40}}}\n")
    (starter,) = load_starters(file)
    assert starter.confirmed is not None and starter.confirmed.revision == "a" * 40


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ROW + ROW, "twice"),
        (ROW.replace("a/b", "../etc"), "repo"),
        (ROW.replace("a/b", "a/b/c"), "repo"),
        (ROW + "  confirmed: {day: 2026-12-01}\n", "revision"),
        (ROW + "  extra: 1\n", "extra"),
        ("[]", "at least 1"),
        (ROW.replace("translation", "file:///x"), "task"),
    ],
)
def test_faulty_starter_is_refused_with_its_fault(tmp_path: Path, text: str, words: str) -> None:
    """Given a file with a mistake, then it is refused, and the mistake is named."""
    file = tmp_path / "s.yaml"
    file.write_text(text)
    with pytest.raises(PresetRefused, match=words):
        load_starters(file)
