"""Test the log of decisions: it is written where they are made, and a changed, moved or missing entry is detected."""

import dataclasses
from pathlib import Path

import pytest
from documented import NOW

from app.domain.project import Project
from app.domain.run import Goal
from app.persistence import Repositories
from app.services.flow.workspace import Workspace
from app.services.projects.projects import new_run, save_data
from app.services.records.decisions import DECISION, read_decisions
from app.services.release.documents import decision_words, log_words
from workers.contracts.decisions import Decision, log_text
from workers.contracts.jobs import DataParams
from workers.pipeline.trust import DECISIONS_FILE, check_decisions

PROJECT = Project("p", "Model", "/m.onnx", "ab", NOW, NOW)


@pytest.fixture
def repositories(space: Workspace) -> Repositories:
    space.repositories.projects.add(PROJECT)
    return space.repositories


def raised(repositories: Repositories, *limits: float) -> None:
    for limit in limits:
        run = new_run(repositories, PROJECT, Goal("balanced", limit))
        repositories.runs.update(
            dataclasses.replace(run, created_at=NOW.replace(second=repositories_count(repositories)))
        )


def repositories_count(repositories: Repositories) -> int:
    return len(repositories.runs.list(project_id="p"))


def test_raised_limit_is_recorded(repositories: Repositories) -> None:
    """Given runs with limits of 1, 1, 0.5 and 2 %, Then the log has the one increase, with both limits and an
    account."""
    raised(repositories, 1.0, 1.0, 0.5, 2.0)
    (entry,) = read_decisions(repositories, "p").entries
    assert decision_words(entry) == "raised the limit from 0.5 % to 2 %" and entry.who and entry.run_id
    assert (entry.number, entry.previous) == (1, "0" * 64)


def test_changed_labels_are_counted(repositories: Repositories) -> None:
    """Given examples of which two get another label and one is left out, then one label is put back, Then the log has
    both changes; reading the same data again adds nothing."""
    project = dataclasses.replace(PROJECT, data_path="/data")
    requested = DataParams(model_dir="", path="/data")
    for changes in (
        {}, {"relabeled": {"a": "cat", "b": "dog"}, "left_out": ("c",)}, {"relabeled": {"a": "cat"}, "left_out": ("c",)}, {},
    ):  # fmt: skip
        requested = requested.model_copy(update=changes)
        save_data(repositories, project, requested)
    report = [decision_words(entry) for entry in read_decisions(repositories, "p").entries]
    assert report == [
        "changed the examples: 2 got another label, 1 left out",
        "changed the examples: 1 got their own label back",
    ]


@pytest.mark.parametrize(
    ("harm", "at"),
    [
        ("reworded", 2),
        ("resealed", 3),
        ("taken out", 2),
        ("cut off", 3),
        ("moved", 1),
        ("unreadable", 2),
        ("all gone", 1),
    ],
)
def test_changed_log_names_the_first_wrong_entry(
    repositories: Repositories, tmp_path: Path, harm: str, at: int
) -> None:
    """Given three entries, When one is reworded, removed or exchanged, or the last is cut off, Then the first wrong
    entry is named."""
    raised(repositories, 1.0, 2.0, 3.0, 4.0)
    assert read_decisions(repositories, "p").broken_at is None
    records = repositories.records
    first, second, _third = read_decisions(repositories, "p").entries
    if harm in ("reworded", "resealed"):
        other = second.model_copy(update={"who": "somebody else"})
        records.put(DECISION, "p", other.sealed() if harm == "resealed" else other, "00000002")
    elif harm == "taken out":
        records.delete(DECISION, "p", "00000002")
    elif harm == "cut off":
        records.delete(DECISION, "p", "00000003")
    elif harm == "moved":
        records.put(DECISION, "p", second, "00000001")
        records.put(DECISION, "p", first, "00000002")
    elif harm == "unreadable":
        records.put(dataclasses.replace(DECISION, shape=DataParams), "p", DataParams(model_dir=""), "00000002")
    else:
        for number in range(1, 4):
            records.delete(DECISION, "p", f"{number:08d}")
    log = read_decisions(repositories, "p")
    assert log.broken_at == at
    assert f"entry {at} " in log_words(log)
    raised(repositories, 5.0)
    assert read_decisions(repositories, "p").broken_at == at, "what comes later heals nothing"


def test_the_bundles_check_and_ours_agree(repositories: Repositories, tmp_path: Path) -> None:
    """Given a log as a bundle carries it, with any text in it, Then the bundle's own check accepts it and refuses each
    changed line."""
    entries: list[Decision] = []
    for number, why in enumerate(("Weil’s eilt – “jetzt”", 'a "quoted"\nline\u2028', "\ud83d\ude00 \\u0041"), 1):
        made = Decision(
            number=number, at="2026", who="jö", kind="released", why=why.encode("utf-16", "surrogatepass").decode("utf-16"),
            facts={"pct": 0.1 + 0.2, "list": [1, None], "zero": 0.0}, previous=entries[-1].sha256 if entries else "0" * 64,
        )  # fmt: skip
        entries.append(made.sealed())
    (tmp_path / DECISIONS_FILE).write_text(log_text(entries), encoding="utf-8")
    assert check_decisions(tmp_path) == []
    lines = log_text(entries).splitlines(keepends=True)
    for at, line in enumerate(lines):
        changed = [*lines[:at], line.replace("released", "pruned"), *lines[at + 1 :]]
        (tmp_path / DECISIONS_FILE).write_text("".join(changed), encoding="utf-8")
        assert f"entry {at + 1} " in check_decisions(tmp_path)[0]
