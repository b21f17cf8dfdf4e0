"""What a quiet computer calls faster: equal versions never, a version of half the time always.

    python -m tests.benchmarks.quiet_pairs MODELS_DIR [--runs 10] [--only NAME …]

Each run measures in turn, as a final run does (five sets, five more for what looks like a gain that is not shown):

- A/A: the model and three copies of it; any that is called faster is wrong. Of N runs, at most one in twenty may be;
- twofold: the model with two inputs in a request in turn with one, about half of the time; it has to be called faster in all.

It reports how busy the computer was; a run under load is shown and not counted. A version that really does not take half of
the time (batches pay off there) is reported with its speedup.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import stdev

from app.domain.choose import CLEAR_GAIN, MOST_SETS, MOST_SETS_OF_CLEAR
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.steps import Flow, Measured
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from app.services.opening.opening import OpenedModel, ReadData
from app.services.run.version_steps import summarize
from tests.benchmarks.bench_space import bench_space
from tests.benchmarks.under_load import CASES, Case, is_called_faster, log_line, one_round, opened, verdict
from workers.contracts.jobs import SpeedSummary
from workers.contracts.measured.sizes import GAIN

COPIES = 3
MOST_WRONG = 0.05


def final_run(model: OpenedModel, data: ReadData, batches: Sequence[int]) -> Flow[list[SpeedSummary]]:
    """Figures of all but the first, by as many rounds as a run takes."""
    measured: Measured = yield one_round(model, data, batches)
    looks = 1
    while True:
        summaries = yield from summarize(measured, looks=looks)
        found = [one for one in summaries[1:] if one is not None]
        best = max((one.speedup for one in found if not is_called_faster(one)), default=0.0)
        most = MOST_SETS_OF_CLEAR if best >= CLEAR_GAIN else MOST_SETS
        if best <= GAIN or len(measured.latencies_ms[0]) >= most:
            return found
        more: Measured = yield one_round(model, data, batches)
        measured, looks = joined(measured, more), looks + 1


def joined(first: Measured, second: Measured) -> Measured:
    """Both as one measurement."""
    return Measured(
        latencies_ms=tuple(a + b for a, b in zip(first.latencies_ms, second.latencies_ms, strict=True)),
        results=tuple(a + b for a, b in zip(first.results, second.results, strict=True)),
        loads=tuple(a + b for a, b in zip(first.loads, second.loads, strict=True)),
        failures=first.failures,
        busy_share=second.busy_share,
    )


def described(found: SpeedSummary) -> str:
    medians = found.set_p50_ms
    spread = stdev(medians) / found.latency.p50_ms if len(medians) > 1 else 0.0
    called = "faster" if is_called_faster(found) else "not called faster"
    low = found.speedup_low or 0.0
    return f"{found.speedup:.3f} times (over {low:.3f}), {len(medians)} sets that differ by {spread:.1%}, {called}"


def case_holds(case: Case, models: Path, space: Workspace, runs: int) -> bool:
    model, data = run_to_end(Driver(space, opened(case, models), ignore))
    wrong = kept = equal_runs = twofold_runs = 0
    for number in range(runs):
        for name, batches in (("A/A", (1,) * (1 + COPIES)), ("twofold", (2, 1))):
            found = run_to_end(Driver(space, final_run(model, data, batches), ignore))
            is_loaded = any(one.under_load for one in found)
            for one in found:
                log_line(
                    f"{case.name}: {name}, run {number + 1}: {described(one)}{', under load' if is_loaded else ''}"
                )
            if is_loaded:
                continue
            if name == "A/A":
                equal_runs += 1
                wrong += any(map(is_called_faster, found))
            else:
                twofold_runs += 1
                kept += all(map(is_called_faster, found))
    clean = wrong <= MOST_WRONG * equal_runs or wrong <= 1 < equal_runs < 1 / MOST_WRONG
    log_line(f"{case.name}: equal versions called faster in {wrong} of {equal_runs} quiet runs: {verdict(clean)}")
    log_line(
        f"{case.name}: twofold called faster in {kept} of {twofold_runs} quiet runs: {verdict(kept == twofold_runs)}"
    )
    return clean and kept == twofold_runs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES])
    requested = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as homes:
        for case in CASES:
            if requested.only is None or case.name in requested.only:
                with bench_space(Path(homes) / case.name) as space:
                    results.append(case_holds(case, requested.models, space, requested.runs))
    log_line(f"all cases: {verdict(all(results))}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
