"""Runs while other programs are busy against a quiet run: what is recommended under load must be faster when quiet, too.

    python -m tests.benchmarks.under_load MODELS_DIR [--runs 10] [--budget SECONDS] [--only NAME …] [--homes FOLDER]
    python -m tests.benchmarks.under_load MODELS_DIR --pairs [--runs 10] [--only NAME …]

The quiet part comes first and needs a quiet computer: it reports how busy it was, and marks a result under load as
worth nothing. It makes one quiet run of each model, then `--runs` runs next to `stress-ng --cpu CORES`, which measure
all of it again in the same data folder, so that the versions are the same ones. Two verdicts a model:

- a version that the quiet run does not call faster (lower bound above 1) is never recommended;
- where the quiet run recommends a version that is twice as fast, 8 of 10 runs under load recommend one that is.

`--pairs` skips the search: the model answers two inputs at once in turn with one at a time (a version of about half
the time), and in turn with itself (one of the same time), each `--runs` times in a final run's sets and blocks under load.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.choose import FASTER_UNDER_LOAD, WORSE_TAIL
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.quiet import OtherPrograms
from app.services.flow.steps import Flow, Measured, MeasuredVariant, MeasureStep
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.opening.opening import OpenedModel, ReadData, open_model, read_data
from app.services.run.costs import BLOCK_MAX_S, FINAL_BLOCKS, FINAL_SETS, LEAST_BLOCK_S
from app.services.run.version_steps import summarize
from presets.sample import sample_paths
from tests.benchmarks.bench_space import bench_space
from workers.contracts.disturbed import BUSY_SHARE
from workers.contracts.jobs import DataParams, MeasureParams, OpenParams, SpeedSummary
from workers.contracts.measured.sizes import GAIN
from workers.contracts.process.allowance import usable_cores

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 900
TWICE, TWICE_SHARE = 2.0, 0.8
LOOK_S = 5.0
QUIET_TRIES = 3


@dataclass(frozen=True)
class Case:
    """A model and its data below MODELS_DIR."""

    name: str
    model: str
    data: str


CASES = (
    Case("sample", str(sample_paths().model), str(sample_paths().data)),
    Case("MobileNetV2", "P/P01_mobilenetv2_imagenet/derived_mobilenet_v2_op17.onnx", "DATA/imagenet_stamps"),
    Case("magika", "P/P08_magika_filetype/model.onnx", "DATA/filetypes_magika.npz"),
)


def log_line(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the figures are the point


@contextmanager
def load(programs: int) -> Iterator[None]:
    """So many programs that each keep a core busy."""
    stress = subprocess.Popen(["stress-ng", "--cpu", str(programs), "--quiet"])
    try:
        time.sleep(0.5)
        yield
    finally:
        stress.terminate()
        stress.wait()


def busy_share() -> float:
    """What other programs use now, over five seconds."""
    others = OtherPrograms()
    time.sleep(LOOK_S)
    return others.share() or 0.0


# --- whole runs


def optimized(case: Case, models: Path, home: Path, budget_s: float, *, fresh: bool) -> dict[str, Any]:
    """The document of one run. Raises RuntimeError where it was refused."""
    command = [sys.executable, "-P", "-m", "app", "optimize", str(models / case.model), "--data-dir", str(home)]
    command += ["--data", str(models / case.data), "--time-budget", str(budget_s), "--json", "--quiet"]
    command += ["--fresh"] if fresh else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode not in (0, 4):
        raise RuntimeError(f"{case.name}: {done.stderr}")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def by_title(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {variant["title"]: variant for variant in document["variants"]}


def recommended(document: dict[str, Any]) -> dict[str, Any] | None:
    return next((v for v in document["variants"] if v["id"] == document["recommended"]), None)


@dataclass(frozen=True)
class Quiet:
    """What a run found while no other program was busy."""

    document: dict[str, Any]
    was_quiet: bool

    @property
    def best(self) -> dict[str, Any] | None:
        return recommended(self.document)

    @property
    def faster(self) -> set[str]:
        """Titles of the versions that it calls faster."""
        return {title for title, v in by_title(self.document).items() if (v["speedup_low"] or 0.0) > 1.0}

    @property
    def twice(self) -> set[str]:
        """Titles of those that are twice as fast."""
        return {title for title in self.faster if by_title(self.document)[title]["speedup"] >= TWICE}


def quiet_run(case: Case, models: Path, home: Path, budget_s: float) -> Quiet:
    """Once more where other programs came in between, `QUIET_TRIES` times in all."""
    for number in range(QUIET_TRIES):
        share = busy_share()
        document = optimized(case, models, home, budget_s, fresh=number > 0)
        disturbed = [variant["title"] for variant in document["variants"] if variant["under_load"]]
        found = Quiet(document, was_quiet=share < BUSY_SHARE and not disturbed)
        log_line(
            f"{case.name}: quiet run, other programs {share:.0%}: recommended {described(found.best)}, disturbed {disturbed}"
        )
        if found.was_quiet:
            break
    return found


def loaded_runs(case: Case, quiet: Quiet, models: Path, home: Path, runs: int, budget_s: float) -> bool:
    """Run the same versions under load; return whether both verdicts hold."""
    wrong = found_twice = 0
    for number in range(runs):
        began_s = time.monotonic()
        with load(os.cpu_count() or 1):
            document = optimized(case, models, home, budget_s, fresh=True)
        chosen = recommended(document)
        title = chosen["title"] if chosen is not None else None
        wrong += title is not None and title not in quiet.faster
        found_twice += title in quiet.twice
        took_s = time.monotonic() - began_s
        log_line(
            f"{case.name}: loaded run {number + 1}: {described(chosen)}, reason {document['reason']}, {took_s:.0f} s"
        )
    best = quiet.best
    is_twice = best is not None and best["title"] in quiet.twice
    never_wrong = wrong == 0
    kept = not is_twice or found_twice >= TWICE_SHARE * runs
    note = "" if quiet.was_quiet else " (worth nothing: the quiet run was under load)"
    log_line(f"{case.name}: recommended but not faster when quiet: {wrong} of {runs}, {verdict(never_wrong)}{note}")
    if is_twice:
        log_line(f"{case.name}: twice as fast and recommended: {found_twice} of {runs}, {verdict(kept)}{note}")
    else:
        log_line(f"{case.name}: no version is twice as fast when quiet: --pairs makes one")
    return never_wrong and kept and quiet.was_quiet


def described(variant: dict[str, Any] | None) -> str:
    return "nothing" if variant is None else f"{variant['title']} ({variant['speedup']:.2f} times)"


def verdict(holds: bool) -> str:
    return "HOLDS" if holds else "FAILS"


# --- pairs


def versions_of(model: OpenedModel, data: ReadData, batches: Sequence[int]) -> tuple[MeasuredVariant, ...]:
    """The model with so many inputs in a request, for each of `batches`."""
    return tuple(
        MeasuredVariant(
            str(index),
            MeasureParams(
                model_dir=str(model.folder), data_dir=str(data.folder), runtime="onnxruntime-cpu", batch=batch
            ),
            (model.folder, data.folder),
        )
        for index, batch in enumerate(batches)
    )


def one_round(model: OpenedModel, data: ReadData, batches: Sequence[int]) -> MeasureStep:
    """Return a final run of the model with these numbers of inputs in a request; the first one is the original."""
    return MeasureStep(
        versions_of(model, data, batches), title="Final run", sets=FINAL_SETS, blocks=FINAL_BLOCKS,
        threads=usable_cores(), block_max_s=BLOCK_MAX_S, least_block_s=LEAST_BLOCK_S,
    )  # fmt: skip


def final_of(model: OpenedModel, data: ReadData, batches: Sequence[int]) -> Flow[SpeedSummary]:
    """Return the figures of the second tool."""
    measured: Measured = yield one_round(model, data, batches)
    summaries = yield from summarize(measured)
    summary = summaries[1]
    if summary is None:
        raise RuntimeError(f"it could not be measured: {measured.failures}")
    return summary


def opened(case: Case, models: Path) -> Flow[tuple[OpenedModel, ReadData]]:
    model = yield from open_model(OpenParams(path=str(models / case.model)))
    data = yield from read_data(DataParams(model_dir=str(model.folder), path=str(models / case.data)))
    return model, data


def is_called_faster(summary: SpeedSummary) -> bool:
    """By the rule of `app.domain.choose.is_faster`, over the figures alone."""
    if (summary.speedup_low or 0.0) <= GAIN:
        return False
    if not summary.under_load:
        return (summary.p90_speedup or 0.0) >= 1 / WORSE_TAIL
    return (summary.agreed_low or 0.0) > FASTER_UNDER_LOAD


def pairs(case: Case, models: Path, space: Workspace, runs: int) -> bool:
    """Both pairs, `runs` times each under load; whether both verdicts hold."""
    model, data = run_to_end(Driver(space, opened(case, models), ignore))
    calls: dict[str, list[bool]] = {"twice as fast": [], "the same": []}
    for number in range(runs):
        for name, batches in (("twice as fast", (2, 1)), ("the same", (1, 1))):
            with load(os.cpu_count() or 1):
                found = run_to_end(Driver(space, final_of(model, data, batches), ignore))
            calls[name].append(is_called_faster(found))
            low, agreed = found.speedup_low or 0.0, found.agreed_low or 0.0
            log_line(
                f"{case.name}: {name}, run {number + 1}: wall {found.speedup:.2f} (over {low:.2f}), processor time"
                f" {found.cpu_speedup or 0.0:.2f}, all agree on {agreed:.2f}, under load {found.under_load}:"
                f" {'faster' if calls[name][-1] else 'not called faster'}"
            )
    held = sum(calls["twice as fast"]) >= TWICE_SHARE * runs
    clean = not any(calls["the same"])
    log_line(f"{case.name}: twice as fast, called faster {sum(calls['twice as fast'])} of {runs}: {verdict(held)}")
    log_line(f"{case.name}: the same, called faster {sum(calls['the same'])} of {runs}: {verdict(clean)}")
    return held and clean


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--budget", type=float, default=120.0)
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES])
    parser.add_argument("--homes", type=Path)
    parser.add_argument("--pairs", action="store_true")
    requested = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        homes = requested.homes or Path(scratch)
        cases = [case for case in CASES if requested.only is None or case.name in requested.only]
        if requested.pairs:
            for case in cases:
                with bench_space(homes / case.name) as space:
                    results.append(pairs(case, requested.models, space, requested.runs))
        else:
            quiet = [quiet_run(case, requested.models, homes / case.name, requested.budget) for case in cases]
            results += [
                loaded_runs(case, found, requested.models, homes / case.name, requested.runs, requested.budget)
                for case, found in zip(cases, quiet, strict=True)
            ]
    log_line(f"all of it: {verdict(all(results))}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
