"""Check the log of decisions in a bundle against the number of entries in its manifest."""

import json
from pathlib import Path

import pytest

from workers.contracts.decisions import DECISIONS_FILE, Decision, log_text
from workers.pipeline.trust import check_decisions

CUT = [f"{DECISIONS_FILE} was changed: its last entries were cut off or added."]


def decisions(count: int) -> list[Decision]:
    made: list[Decision] = []
    for number in range(1, count + 1):
        previous = made[-1].sha256 if made else "0" * 64
        made.append(Decision(number=number, at="t", who="kim", kind="released", previous=previous).sealed())
    return made


def bundle(folder: Path, manifest: dict[str, object], kept: int | None) -> None:
    """Write a manifest and a log of `kept` decisions; None writes no log."""
    (folder / "manifest.json").write_text(json.dumps(manifest))
    if kept is not None:
        (folder / DECISIONS_FILE).write_text(log_text(decisions(kept)))


END = {"decisions": {"count": 3, "sha256": decisions(3)[-1].sha256}}
OLDER: dict[str, object] = {"files": {}}


@pytest.mark.parametrize(
    ("manifest", "kept", "problems"),
    [
        (END, 3, []),
        (END, None, [f"{DECISIONS_FILE} is missing."]),
        (OLDER, 0, []),
        (OLDER, 1, []),
        (OLDER, 3, []),
        ({"decisions": {"count": 0, "sha256": ""}}, None, []),
    ],
)
def test_check_decisions_log_is_whole_or_missing(
    manifest: dict[str, object], kept: int | None, problems: list[str], tmp_path: Path
) -> None:
    """Given a log that fits its manifest, none for a bundle without decisions, or a manifest of 0.1.0 without their number,
    Then there is no problem; a log that the manifest names must exist."""
    bundle(tmp_path, manifest, kept)
    assert check_decisions(tmp_path) == problems


@pytest.mark.parametrize("kept", [0, 1, 2, 4])
def test_check_decisions_entries_cut_off_or_added_at_the_end_are_noticed(kept: int, tmp_path: Path) -> None:
    """Given a log with another number of valid entries than the manifest states, Then it was changed."""
    bundle(tmp_path, END, kept)
    assert check_decisions(tmp_path) == CUT
