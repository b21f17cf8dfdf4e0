"""Runs of the same input on a quiet computer: each must end alike and recommend the same version.

    python -m tests.benchmarks.same_outcome MODELS_DIR [--runs 10] [--budget SECONDS] [--only NAME …]

Each run has a data folder of its own, so that nothing is taken from the one before. Ten runs of the sample take 8
minutes, ten of each other model 40. Reported are the ending, the recommended version, each version's figures and the time
left. A run counts for nothing and is named if other programs were busy at its start or in its final run; a first look of
50 to 180 ms is disturbed by a single tick of another program, and decides only what is measured again.
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.benchmarks.under_load import CASES, Case, busy_share, log_line, optimized, recommended, verdict
from workers.contracts.disturbed import BUSY_SHARE


def outcome(document: dict[str, Any]) -> tuple[str, str]:
    """Return how a run ended, and the title of the recommended version."""
    best = recommended(document)
    return document["outcome"]["ending"], best["title"] if best is not None else ""


def described(version: dict[str, Any]) -> str:
    """Return a version's figures in one line."""
    low, speedup = version["speedup_low"], version["speedup"]
    report = [version["verdict"], version["untested"] or ""]
    report += [f"{speedup:.3f} times" if speedup else "", f"at least {low:.3f}" if low else ""]
    return f"    {version['title']}: {', '.join(filter(None, report))}"


def all_alike(case: Case, models: Path, runs: int, budget_s: float) -> bool:
    """Run one case several times; return whether all undisturbed runs ended alike."""
    ends: Counter[tuple[str, str]] = Counter()
    for number in range(runs):
        busy = busy_share()
        with tempfile.TemporaryDirectory() as home:
            document = optimized(case, models, Path(home), budget_s, fresh=True)
        versions = document["variants"]
        compared = [version for version in versions if version["speedup_low"] is not None]
        disturbed = busy > BUSY_SHARE or any(version["under_load"] for version in compared)
        end = outcome(document)
        ends[end] += not disturbed
        left_s = budget_s - document["seconds"]
        log_line(
            f"{case.name} {number + 1}: {end[0]}, {end[1] or 'original'}, {left_s:.0f} s left{', DISTURBED' * disturbed}"
        )
        log_line("\n".join(described(version) for version in versions))
    kept = sorted((+ends).items(), key=lambda pair: -pair[1])
    log_line(f"{case.name}: {kept}: {verdict(len(kept) == 1)}")
    return len(kept) == 1


def main() -> int:
    """Run all requested cases; return 0 if each ended alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--budget", type=float, default=240.0)
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES])
    requested = parser.parse_args()
    cases = [case for case in CASES if requested.only is None or case.name in requested.only]
    results = [all_alike(case, requested.models, requested.runs, requested.budget) for case in cases]
    log_line(f"all cases: {verdict(all(results))}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
