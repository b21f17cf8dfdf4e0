"""Explain eleven made pairs of models with a known reason, and five equal pairs twice; print what was said.

python -m tests.benchmarks.why_slower [NAME]; needs tests/fixtures and tests/workers on the path, as pytest has them.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "fixtures"), str(ROOT / "tests" / "workers"), str(ROOT / "tests/workers/explain")]

from made_pairs import Pair, measured, pairs  # noqa: E402 - after the path
from recording import RecordingContext  # noqa: E402

from workers.explain.reasoning import reasons  # noqa: E402


def explain(pair: Pair, number: int) -> bool:
    """Print the reasons of one pair and return whether the largest one is right."""
    with tempfile.TemporaryDirectory() as folder:
        facts = measured(pair, Path(folder), RecordingContext(Path(folder), threads=pair.threads))
    found = reasons(facts)
    totals = [sum(layer.ms for layer in profile.layers) for profile in (facts.first, facts.second)]
    right = tuple(reason.code for reason in found[:1]) == pair.codes[:1]
    print(f"{number}. {pair.title}: {totals[0]:.2f} → {totals[1]:.2f} ms {'right' if right else 'WRONG'}")  # noqa: T201
    for reason in found:
        saved = "" if reason.saved_ms is None else f"{reason.saved_ms:+.2f} ms"
        print(f"   {reason.code} {saved}: {reason.text} {reason.advice} [{len(reason.nodes)} nodes]")  # noqa: T201
    return right


def main() -> int:
    """Run all pairs, those with an environment of their own in a process of their own."""
    made = pairs()
    equal = [
        Pair(f"equal to itself: {pair.title}", pair.first, pair.first, ())
        for pair in made[:1] + made[2:3] + made[5:6] + made[8:9]
    ]
    equal.append(Pair("equal in 8 bits", made[7].second, made[7].second, ()))
    made += equal * 2
    if len(sys.argv) > 1:
        return 0 if explain(made[int(sys.argv[1])], int(sys.argv[1]) + 1) else 1
    right = 0
    for number, pair in enumerate(made):
        line = [sys.executable, "-m", "tests.benchmarks.why_slower", str(number)]
        right += not subprocess.run(line, env={**os.environ, **pair.environment}, cwd=ROOT, check=False).returncode
    print(f"{right} of {len(made)} right")  # noqa: T201
    return 0 if right == len(made) else 1


if __name__ == "__main__":
    raise SystemExit(main())
