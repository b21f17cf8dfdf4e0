"""Whoever takes home what is not proven safe is told of in the project's log, and so in the bundle."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from finished_run import copied_space, finished_folder
from released import done

from app.domain.variant import Variant
from app.services.after.exporting import ExportRequest, export
from app.services.flow.workspace import Workspace
from app.services.records.decisions import read_decisions
from app.services.records.facts import read_facts
from app.services.release.documents import decision_words
from workers.contracts.decisions import DECISIONS_FILE


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    """A faster engine whose 48 examples are too few to prove it, and a pruned version that is worse."""
    yield from copied_space(finished_folder(tmp_path / "made"), tmp_path)


def written(space: Workspace, variant: Variant, out: Path, reason: str | None = None) -> Path:
    done(space, export(space, read_facts(space, "r1"), ExportRequest("r1", variant.id, "python", out, reason)))
    return out


def decided(space: Workspace) -> list[tuple[str, str]]:
    return [(entry.kind, entry.why) for entry in read_decisions(space.repositories, "p1").entries]


@pytest.mark.whole
def test_what_is_not_proven_is_noted_once_and_what_is_worse_each_time(space: Workspace, tmp_path: Path) -> None:
    """Given a version that is not proven, When it is exported twice, Then the log tells it once and both bundles are the
    same bytes with that entry in them; of a worse one each export is told with its reason, of the original nothing."""
    original, unproven, worse = read_facts(space, "r1").variants[:3]
    assert [one.judgement.verdict for one in (unproven, worse) if one.judgement] == ["not_enough_data", "regressed"]
    written(space, original, tmp_path / "0.zip")
    assert decided(space) == []
    first, second = (written(space, unproven, tmp_path / f"{number}.zip") for number in (1, 2))
    assert decided(space) == [("exported_unproven", "")]
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as bundle:
        assert json.loads(bundle.read(DECISIONS_FILE))["kind"] == "exported_unproven"
    (entry,) = read_decisions(space.repositories, "p1").entries
    assert decision_words(entry) == f"exported “{unproven.title}”, which was not proven to answer alike"
    why = "It only sorts holiday pictures."
    for number in (3, 4):
        written(space, worse, tmp_path / f"{number}.zip", why)
    assert decided(space)[1:] == [("exported_anyway", why)] * 2
