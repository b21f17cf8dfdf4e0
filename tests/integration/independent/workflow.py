"""A finished workflow: optimized, compared, exported, unpacked where only its requirements are."""

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fettle_command import Fettle
from model_cases import PATIENCE, ROOT, ModelCase, Raw, Source
from short_runs import AS_A_PERSON
from sides import Side

from workers.export.fresh_environment import make_environment
from workers.export.selftest import run_in

PATIENCE_S = 900 * PATIENCE
AT_ONCE = 100
"""Inputs of one call of run.py."""


@dataclass(frozen=True)
class Bundle:
    """An unpacked bundle and the interpreter that has its requirements alone."""

    archive: Path
    folder: Path
    python: Path

    @property
    def pipeline(self) -> dict[str, Any]:
        """Return the content of pipeline.json."""
        found: dict[str, Any] = json.loads((self.folder / "pipeline.json").read_text(encoding="utf-8"))
        return found

    def answers(self, raws: Sequence[Raw]) -> list[dict[str, Any]]:
        """What `run.py` answers to them as they are: files, or texts."""
        found: list[dict[str, Any]] = []
        for start in range(0, len(raws), AT_ONCE):
            part = raws[start : start + AT_ONCE]
            arguments = [
                word for raw in part for word in (("--text", raw.argument) if raw.is_text else (raw.argument,))
            ]
            done = run_in(self.python, self.folder, ["run.py", *arguments, "--json"])
            assert done.returncode == 0, done.stderr[-2000:]
            found += json.loads(done.stdout)["answers"]
        assert [row["input"] for row in found] == [raw.argument for raw in raws]
        return found

    def class_number(self, name: str) -> int:
        """The class that run.py names."""
        classes: list[str] | None = self.pipeline["classes"]
        return classes.index(name) if classes is not None else int(name.removeprefix("class "))


@dataclass(frozen=True)
class Workflow:
    """`document` is what `fettle compare --json` prints, `version` its VARIANT that lies in the bundle; `seconds` is how
    long the optimization took.

    `raws` are the examples to test with in their order, prepared by hand; `is_proof`: the figures are those of
    `fettle prove`, which had no examples to calibrate with.
    """

    case: ModelCase
    document: dict[str, Any]
    version: dict[str, Any]
    raws: list[Raw]
    bundle: Bundle
    fettle: Fettle
    folder: Path
    seconds: float
    is_proof: bool = False

    @property
    def is_recommended(self) -> bool:
        return bool(self.version["id"] == self.document["recommended"])

    def judged(self, version: dict[str, Any]) -> slice:
        """On which of the examples a version was judged: the first ones, or of vectors without examples to calibrate
        with the last ones, since those before them are searched in."""
        (row,) = (row for row in self.document["judged"] if row["variant"] == version["id"])
        n = int(row["n"])
        return slice(len(self.raws) - n, None) if self.is_proof and self.case.report == "embedding" else slice(n)

    def original(self, name: str) -> Side:
        """A live process of the original, with the threads that Fettle gave it."""
        requested = {"kind": self.case.original, "path": str(ROOT / self.case.model), "links": self.case.links}
        return Side({**requested, "threads": threads()}, self.folder / name)

    def exported(self, name: str) -> Side:
        """A live process of the bundle."""
        requested = {"kind": "bundle", "path": str(self.bundle.folder), "links": self.case.links}
        return Side({**requested, "threads": threads()}, self.folder / name, str(self.bundle.python))


def threads() -> int:
    """All cores that this process may use, as Fettle's baseline does."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_workflow(case: ModelCase, folder: Path, *, prove: bool = False) -> Workflow:
    """By the commands of anybody, on its own data folder. With `prove`, or where the run had no time to judge, the
    figures are those of `fettle prove` on the bundle and all examples."""
    model = ROOT / case.model
    assert model.exists(), f"{case.model} is not in FETTLE_MODELS_DIR"
    data = ROOT / case.data
    if case.make_data is not None:
        data = case.make_data(data, model, folder)
    # on a machine that others use as well speed does not settle: what it answers is judged after one round
    fettle = Fettle(folder / "home", more=AS_A_PERSON if PATIENCE == 1 else {})
    budget = ("--time-budget", str(case.budget_s * PATIENCE))
    done = fettle("optimize", model, "--data", data, *budget, "--json", *case.options, timeout_s=PATIENCE_S)
    assert done.code in (0, 4), done.err
    report = fettle("compare", done.document["run_id"], "--json")
    assert report.code == done.code, report.err
    document, version = report.document, chosen(report.document)
    bundle = export(fettle, document["run_id"], version, folder)
    is_proof = prove or version["agreement"] is None
    if is_proof:
        document = proven(Fettle(folder / "proof", more=fettle.more), model, bundle.archive, data, case.options)
        (version,) = document["variants"]
    inspected = fettle("inspect", model, "--json", *(word for word in case.options if word == "--allow-code"))
    names = document["items"]
    prepared = folder / "prepared"
    prepared.mkdir()
    raws = case.read(Source(model, data, prepared, inspected.document), names)
    assert len(raws) == len(names) >= 10, done.err
    return Workflow(case, document, version, raws, bundle, fettle, folder, done.document["seconds"], is_proof)


def proven(fettle: Fettle, model: Path, other: Path, data: Path, options: Sequence[str] = ()) -> dict[str, Any]:
    """What `fettle compare --json` prints of the proof of `other` compared with `model` on all of the data."""
    done = fettle("prove", model, other, "--data", data, *options, timeout_s=PATIENCE_S)
    assert done.code in (0, 4), done.err
    found = re.search(r"\(run (\w+)\)", done.out)
    assert found is not None, done.out
    report = fettle("compare", found[1], "--json")
    assert report.code in (0, 4), report.err  # 4 also where only its speed is not settled
    return report.document


def chosen(document: dict[str, Any]) -> dict[str, Any]:
    """The recommended version; where there is none the fastest that was judged, else the smallest that can be exported
    and was not refused, so that figures are always compared."""
    rows: list[dict[str, Any]] = [row for row in document["variants"] if row["artifact"]]
    recommended = next((row for row in rows if row["id"] == document["recommended"]), None)
    judged = [row for row in rows if row["agreement"] is not None and row["speedup"] is not None]
    assert rows, f"nothing was made in its time: {[row['notes'] for row in document['variants']]}"
    if recommended or judged:
        return recommended or max(judged, key=lambda row: float(row["speedup"]))
    return min(rows, key=lambda row: (row["verdict"] == "regressed", int(row["size_bytes"])))


def export(fettle: Fettle, run_id: str, version: dict[str, Any], folder: Path) -> Bundle:
    """Export a version, unpack its bundle, and make an environment of the bundle's requirements."""
    out = folder / "bundle.zip"
    safe = version["verdict"] in ("safe", "not_enough_data")
    accept = () if safe else ("--accept-regression", "a test of its figures")
    words = ("export", run_id, "--variant", version["id"], "--target", "python", "--out", out, *accept)
    done = fettle(*words, timeout_s=PATIENCE_S)
    assert done.code == 0, done.err
    unpacked = folder / "bundle"
    shutil.unpack_archive(out, unpacked)
    requirements = (unpacked / "requirements.txt").read_text(encoding="utf-8").split()
    return Bundle(out, unpacked, make_environment(folder / "environment", requirements))
