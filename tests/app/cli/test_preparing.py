"""Tests of `fettle export` with a version that must be proven, and of the question of `fettle optimize` about
preparation."""

import dataclasses
import io
from pathlib import Path
from typing import Any

import pytest
from finished_run import FASTER, NOW, finished_folder, finished_run, write_part
from records import described
from spaces import opened_space

from app.cli.export import export_run
from app.cli.optimize import _ask_preparation
from app.cli.output import OK, Globals, Output
from app.domain.job import ExportRecord
from app.domain.variant import Measurement, Screening, Variant
from app.services.after.exporting import Exported, ExportRequest
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts
from app.services.run.figures import with_figures
from workers.contracts.bundles import ExportResult
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DescribeResult
from workers.contracts.specs import DescribedTarget, Recipe, RecipeStep

HUB = DescribedTarget(
    id="hub", title="Hub folder", available=True, runtimes=("onnxruntime-cpu",),
    settings=("num_threads", "graph_optimization", "constants"),
)  # fmt: skip
ONNX = Recipe(title="Graph", runtime="onnxruntime-cpu", steps=(RecipeStep(technique="graph_optimize"),))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a data folder with a run that recommends a version in OpenVINO and measured the one in ONNX Runtime only
    once. That one is a row of the database alone."""
    with opened_space(finished_folder(tmp_path) / "data") as space:
        measured_once(space, recipe=ONNX, title=ONNX.title, runtime=ONNX.runtime)
    return tmp_path / "data"


def measured_once(space: Workspace, **changes: Any) -> None:
    """Change version v2 to one with a first measurement and without a verdict."""
    first_look = Measurement(latency_p50_ms=2.5, latency_mean_ms=2.5, n=320, speedup=1.6, sets=1)
    look = {"state": "measured", "measurement": first_look, "judgement": None, "screening": Screening(n=20)}
    space.repositories.variants.update(dataclasses.replace(space.repositories.variants.get("v2"), **look, **changes))


def exported(home: Path, **options: Any) -> tuple[str, str]:
    """Return what the command writes to standard output and to standard error."""
    out, err = io.StringIO(), io.StringIO()
    bundle, output = home.parent / f"{len(options)}.zip", Output(Globals(data_dir=home, json=True), out, err)
    assert export_run(output, "r1", target="hub", out=bundle, **options) == OK
    return out.getvalue(), err.getvalue()


def nothing_written(_space: Workspace, facts: RunFacts, request: ExportRequest) -> Flow[Exported]:
    """Export the original without a bundle."""
    yield from ()
    version = facts.baseline
    result = ExportResult(path="b.zip", sha256="ab" * 32, size_bytes=1, files=1, selftest=(), card_text="")
    record = ExportRecord("e", facts.run.id, version.id, request.target, str(request.out), result.sha256, 1, NOW, "{}")
    return Exported(request.out, result, record, HUB)


def describe() -> Flow[DescribeResult]:
    """Describe a computer that can write a hub folder."""
    yield from ()
    return described(HUB)


@pytest.mark.whole
def test_export_names_the_version_that_could_be_proven(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a recommended version that the hub folder cannot take, when it is exported, then one line names the faster
    version that fits and the option that proves it. An export of a named version prints no such line."""
    monkeypatch.setattr("app.cli.export.export", nothing_written)
    monkeypatch.setattr("app.cli.export.describe", describe)
    lines = [line for line in exported(home)[1].splitlines() if "--prove" in line]
    assert len(lines) == 1 and "“Graph”" in lines[0] and "looked faster" in lines[0]
    assert "--prove" not in exported(home, variant="v0")[1]


@pytest.mark.slow
def test_export_names_the_version_that_could_be_proven_and_proves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a recommended version that the hub folder cannot take, when it is exported with --prove, then the bundle
    holds the version that one line had named before."""
    monkeypatch.setenv("FETTLE_WAIT_FOR_QUIET_S", "0")
    monkeypatch.setattr("app.services.run.prove_other.FINAL_SETS", 1)
    home = tmp_path / "data"
    with opened_space(home) as space:
        finished_run(space, write_part(tmp_path / "some.npz", 0, 420), FASTER, ONNX)
        measured_once(space)
    out, err = exported(home)
    (line,) = [line for line in err.splitlines() if "--prove" in line]
    assert '"variant": "v0"' in out and "“Graph”" in line

    def made_up(*given: Any, **more: Any) -> Variant:
        one = with_figures(*given, **more)
        found = dataclasses.replace(one.measurement, speedup=1.5, speedup_low=1.45, under_load=False, p90_speedup=1.5)
        return dataclasses.replace(one, measurement=found)

    monkeypatch.setattr("app.services.run.prove_other.with_figures", made_up)
    out, err = exported(home, prove=True)
    assert '"variant": "v2"' in out and "--prove" not in err


FACTS = {"best": "channels=bgr", "best_words": "BGR", "chosen": "channels=rgb"}
MISFIT = ErrorInfo(code="prepared_wrongly", title="Wrong", detail="BGR fits.", hint="Use it.", facts={**FACTS})


class Terminal(io.StringIO):
    """Standard input of a user who types one line."""

    def isatty(self) -> bool:
        """Return that a person can press a key."""
        return True


@pytest.mark.parametrize(
    ("typed", "spec"), [("1\n", "channels=bgr"), ("2\n", "channels=rgb"), ("\n", None), ("", None)]
)
def test_answer_at_terminal_decides_preparation(monkeypatch: pytest.MonkeyPatch, typed: str, spec: str | None) -> None:
    """Given a terminal, then 1 uses the better preparation, 2 keeps the present one, and anything else stops the run."""
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    err = io.StringIO()
    assert _ask_preparation(Output(Globals(), io.StringIO(), err), MISFIT) == spec
    assert "BGR" in err.getvalue()


def test_preparation_is_not_asked_without_terminal_or_with_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given --json, a pipe or another error, then there is no question and the run stops."""
    other = MISFIT.model_copy(update={"code": "other"})
    monkeypatch.setattr("sys.stdin", Terminal("1\n"))
    assert _ask_preparation(Output(Globals(json=True), io.StringIO(), io.StringIO()), MISFIT) is None
    assert _ask_preparation(Output(Globals(), io.StringIO(), io.StringIO()), other) is None
    monkeypatch.setattr("sys.stdin", io.StringIO("1\n"))
    assert _ask_preparation(Output(Globals(), io.StringIO(), io.StringIO()), MISFIT) is None
