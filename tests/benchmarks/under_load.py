"""Runs while other programs are busy against a quiet run: what is recommended under load must be faster when quiet, too.

    python -m tests.benchmarks.under_load MODELS_DIR [--runs 10] [--budget SECONDS] [--loads a b c d] [--only NAME …]
    python -m tests.benchmarks.under_load MODELS_DIR --pairs [--runs 10] [--loads …] [--only NAME …]

The loads are `stress-ng` with (a) 30 % of a core, (b) one core, (c) two cores, (d) all cores for 3 of 10 seconds.
`--case NAME=MODEL,DATA` adds a model (paths below MODELS_DIR, or absolute ones).

The quiet part comes first and needs a quiet computer: it reports how busy it was, and marks a result under load as
worth nothing. It makes one quiet run of each model, then `--runs` runs beside each load, which measure all of it again
in the same data folder, so that the versions are the same ones. Two verdicts for each row of the table:

- a version that the quiet run does not call faster (lower bound above 1) is never recommended;
- where the quiet run recommends a version that is 1.3 times as fast, 9 of 10 runs beside (a) and (d) and 7 of 10 beside
  (b) recommend one that is.

`--pairs` skips the search: the model answers two inputs at once in turn with one at a time, four in turn with three, and
one in turn with itself, each `--runs` times in a final run's sets and blocks under load. `--recordings FOLDER` keeps the
times and loads, and judges those that are there already: so a changed rule is tried on the same measurements. Each run
takes up to its budget, each pair some 20 s.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.choose import FASTER_UNDER_LOAD, FASTER_UNDISTURBED, WORSE_TAIL
from app.domain.outcome import Ending
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.quiet import OtherPrograms
from app.services.flow.steps import Flow, Measured, MeasuredVariant, MeasureStep
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.opening.opening import OpenedModel, ReadData, open_model, read_data
from app.services.run.costs import FINAL_SETS, IN_TURN
from presets.sample import sample_paths
from tests.benchmarks.bench_space import bench_space
from tests.fixtures.recording import RecordingContext
from workers.contracts.disturbed import BUSY_SHARE
from workers.contracts.jobs import DataParams, MeasureParams, OpenParams, SpeedSummary, SummarizeParams
from workers.contracts.measured.sizes import GAIN
from workers.contracts.process.allowance import usable_cores
from workers.jobs.summarize import run as summarize

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 900
FAST = 1.3
BURSTS = f"while :; do stress-ng --quiet --timeout 3s --cpu {os.cpu_count() or 1}; sleep 7; done"
LOADS = {
    "a": ("stress-ng", "--quiet", "--cpu", "1", "--cpu-load", "30"),
    "b": ("stress-ng", "--quiet", "--cpu", "1"),
    "c": ("stress-ng", "--quiet", "--cpu", "2"),
    "d": ("sh", "-c", BURSTS),
}
LEAST_SHARE = {"a": 0.9, "b": 0.7, "c": 0.0, "d": 0.9}
"""Share of the runs beside each load that must recommend a version that is `FAST` when quiet."""

PAIRS = {"2 times": (2, 1), "1.3 times": (4, 3), "the same": (1, 1)}
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
def load(name: str) -> Iterator[None]:
    """Run the programs of this load."""
    stress = subprocess.Popen(LOADS[name], process_group=0)
    try:
        time.sleep(0.5)
        yield
    finally:
        os.killpg(stress.pid, signal.SIGTERM)
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
    def fast(self) -> set[str]:
        """Titles of those that are `FAST`."""
        return {title for title in self.faster if by_title(self.document)[title]["speedup"] >= FAST}


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


def loaded_runs(
    case: Case, quiet: Quiet, models: Path, home: Path, runs: int, budget_s: float, name: str
) -> tuple[str, bool]:
    """Run the same versions under load; return a row of the table, and whether both verdicts hold."""
    wrong = fast = undecided = 0
    for number in range(runs):
        began_s = time.monotonic()
        with load(name):
            document = optimized(case, models, home, budget_s, fresh=True)
        chosen = recommended(document)
        title = chosen["title"] if chosen is not None else None
        wrong += title is not None and title not in quiet.faster
        fast += title in quiet.fast
        undecided += document["reason"] == Ending.BUSY
        took_s = time.monotonic() - began_s
        log_line(f"{case.name}, {name}, run {number + 1}: {described(chosen)}, {document['reason']}, {took_s:.0f} s")
    is_fast = quiet.best is not None and quiet.best["title"] in quiet.fast
    holds = wrong == 0 and (not is_fast or fast >= LEAST_SHARE[name] * runs) and quiet.was_quiet
    note = "" if quiet.was_quiet else ", worth nothing: the quiet run was under load"
    cells = (
        case.name,
        name,
        described(quiet.best),
        f"{fast} of {runs}",
        f"{wrong}",
        f"{undecided}",
        verdict(holds) + note,
    )
    return row_of(cells), holds


def row_of(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


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
        versions_of(model, data, batches), title="Final run", sets=FINAL_SETS, pace=IN_TURN, threads=usable_cores()
    )


def final_of(
    model: OpenedModel, data: ReadData, batches: Sequence[int], recording: Path | None = None
) -> Flow[SpeedSummary]:
    """Return the figures of the second tool, from an earlier `recording` of its times and loads if there is one."""
    if recording is not None and recording.exists():
        params = SummarizeParams.model_validate_json(recording.read_bytes())
    else:
        measured: Measured = yield one_round(model, data, batches)
        params = SummarizeParams(latencies_ms=measured.latencies_ms, loads=measured.loads)
    if recording is not None:
        recording.write_text(params.model_dump_json(exclude={"rule"}))
    summary = summarize(params, RecordingContext(Path())).rows[1]
    if summary is None:
        raise RuntimeError("it could not be measured")
    return summary


def opened(case: Case, models: Path) -> Flow[tuple[OpenedModel, ReadData]]:
    model = yield from open_model(OpenParams(path=str(models / case.model)))
    data = yield from read_data(DataParams(model_dir=str(model.folder), path=str(models / case.data)))
    return model, data


def is_called_faster(summary: SpeedSummary) -> bool:
    """By the rule of `app.domain.choose.is_faster`, over the figures alone."""
    if (summary.speedup_low or 0.0) <= GAIN:
        return False
    if (summary.undisturbed or not summary.under_load) and (summary.p90_speedup or 0.0) < 1 / WORSE_TAIL:
        return False
    least = FASTER_UNDISTURBED if summary.undisturbed else FASTER_UNDER_LOAD
    return not summary.under_load or (summary.agreed_low or 0.0) > least


def pairs(
    case: Case, models: Path, space: Workspace, runs: int, load_name: str, recordings: Path | None
) -> tuple[str, bool]:
    """All pairs, `runs` times each under load; return a row of the table, and whether all verdicts hold."""
    model, data = run_to_end(Driver(space, opened(case, models), ignore))
    calls: dict[str, list[bool]] = {name: [] for name in PAIRS}
    for number in range(runs):
        for name, batches in PAIRS.items():
            file = recordings and recordings / f"{case.name}-{load_name}-{name}-{number}.json"
            with load(load_name):
                found = run_to_end(Driver(space, final_of(model, data, batches, file), ignore))
            calls[name].append(is_called_faster(found))
            low, agreed = found.speedup_low or 0.0, found.agreed_low or 0.0
            log_line(
                f"{case.name}, {load_name}, {name}, run {number + 1}: {found.speedup:.2f} (over {low:.2f}), processor time"
                f" {found.cpu_speedup or 0.0:.2f}, agreed {agreed:.2f}, under load {found.under_load}, undisturbed"
                f" {found.undisturbed}: {'faster' if calls[name][-1] else 'not called faster'}"
            )
    found_fast = (sum(called) >= LEAST_SHARE[load_name] * runs for name, called in calls.items() if name != "the same")
    holds = not any(calls["the same"]) and all(found_fast)
    return row_of((case.name, load_name, *(f"{sum(one)} of {runs}" for one in calls.values()), verdict(holds))), holds


def case_of(text: str) -> Case:
    """Return the model of `NAME=MODEL,DATA`."""
    name, _, paths = text.partition("=")
    return Case(name, *paths.split(","))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--budget", type=float, default=120.0)
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES])
    parser.add_argument("--homes", type=Path)
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--loads", nargs="+", choices=LOADS, default=list(LOADS))
    parser.add_argument("--recordings", type=Path)
    parser.add_argument("--case", action="append", default=[], type=case_of)
    requested = parser.parse_args()
    results: list[tuple[str, bool]] = []
    with tempfile.TemporaryDirectory() as scratch:
        homes, models, runs = requested.homes or Path(scratch), requested.models, requested.runs
        cases = [case for case in CASES if requested.only is None or case.name in requested.only] + requested.case
        for case in cases:
            if requested.pairs:
                with bench_space(homes / case.name) as space:
                    results += [
                        pairs(case, models, space, runs, name, requested.recordings) for name in requested.loads
                    ]
            else:
                how = (models, homes / case.name, runs, requested.budget)
                quiet = quiet_run(case, models, homes / case.name, requested.budget)
                results += [loaded_runs(case, quiet, *how, name) for name in requested.loads]
    columns = (*PAIRS, "") if requested.pairs else ("when quiet", f"{FAST} times found", "wrong", "undecided", "")
    log_line("\n".join([row_of(("model", "load", *columns)), row_of(["---"] * (2 + len(columns)))]))
    log_line("\n".join(row for row, _ in results))
    log_line(f"all cases: {verdict(all(holds for _, holds in results))}")
    return 0 if all(holds for _, holds in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
