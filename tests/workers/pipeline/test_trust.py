"""The log of decisions in a bundle, against what the manifest tells of its end."""

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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle whose log has three entries."""
    log = decisions(3)
    end = {"count": 3, "sha256": log[-1].sha256}
    (tmp_path / "manifest.json").write_text(json.dumps({"decisions": end}))
    (tmp_path / DECISIONS_FILE).write_text(log_text(log))
    return tmp_path


def test_check_decisions_whole_log_has_no_problem(folder: Path) -> None:
    assert check_decisions(folder) == []


@pytest.mark.parametrize("kept", [0, 1, 2, 4])
def test_check_decisions_entries_cut_off_or_added_at_the_end_are_noticed(folder: Path, kept: int) -> None:
    """Given a log whose entries fit each other but are not as many, then it was changed."""
    (folder / DECISIONS_FILE).write_text(log_text(decisions(4)[:kept]))
    assert check_decisions(folder) == CUT


def test_check_decisions_log_that_is_gone_is_missing(folder: Path) -> None:
    (folder / DECISIONS_FILE).unlink()
    assert check_decisions(folder) == [f"{DECISIONS_FILE} is missing."]


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_check_decisions_manifest_of_an_older_bundle_says_nothing_of_the_end(folder: Path, kept: int) -> None:
    """Given a manifest of 0.1.0, then a log of any length whose entries fit each other is whole."""
    (folder / "manifest.json").write_text(json.dumps({"files": {}}))
    (folder / DECISIONS_FILE).write_text(log_text(decisions(3)[:kept]))
    assert check_decisions(folder) == []


def test_check_decisions_new_bundle_without_a_decision_has_no_problem(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"decisions": {"count": 0, "sha256": ""}}))
    assert check_decisions(tmp_path) == []
