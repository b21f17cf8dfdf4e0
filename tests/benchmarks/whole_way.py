"""From a model and its examples to a verified bundle: how long it takes, and what the time goes into.

    python -m tests.benchmarks.whole_way MODELS_DIR [NAME]

The commands of anybody (`fettle optimize`, `export`, `verify`) on a data folder of their own, then the same once more, which
the store answers. What the techniques and the measurements took is read from the history of jobs; the rest is Fettle's own.
The aim for MobileNetV2 with 180 pictures: 90 s, at most a third of it outside, and 15 s the second time.
"""

import argparse
import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from app.cli.output import Globals
from app.cli.session import workspace
from tests.benchmarks.peers import CASES, FETTLE, ROOT, Case, run

WORK = {"apply": "techniques", "answer": "answers of each version", "judge": "judging the answers", "measure": "timing"}
"""Kinds of jobs that are techniques or measurements."""

MOST_JOBS = 10_000


def go(case: Case, models: Path, home: Path, bundle: Path) -> dict[str, float]:
    """Seconds of each command."""
    environment = {**os.environ, "FETTLE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    data = ["--data", str(models / case.data)] if case.data else []
    seconds = {}
    began_s = time.monotonic()
    document = json.loads(run([*FETTLE, "optimize", str(models / case.model), *data, "--json"], environment))
    seconds["optimize"] = time.monotonic() - began_s
    for name, rest in (
        ("export", [document["run_id"], "--target", "python", "--out", str(bundle)]),
        ("verify", [str(bundle)]),
    ):
        began_s = time.monotonic()
        run([*FETTLE, name, *rest], environment)
        seconds[name] = time.monotonic() - began_s
    return seconds


def by_kind(home: Path, since: datetime | None) -> dict[str, float]:
    """Seconds of all jobs that began later, by their kind."""
    spent: dict[str, float] = defaultdict(float)
    with workspace(Globals(data_dir=home), writes=False) as space:
        for job in space.repositories.jobs.list(limit=MOST_JOBS):
            if job.started_at and job.finished_at and (since is None or job.started_at > since):
                spent[job.kind] += (job.finished_at - job.started_at).total_seconds()
    return spent


def told(title: str, seconds: dict[str, float], spent: Mapping[str, float]) -> str:
    """What went where, as lines."""
    total_s = sum(seconds.values())
    work_s = sum(spent[kind] for kind in WORK)
    commands = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    lines = [f"{title}: {total_s:.1f} s ({commands})"]
    lines += [f"  {words:26} {spent[kind]:6.1f} s" for kind, words in WORK.items()]
    lines += [
        f"  {kind:26} {value:6.1f} s"
        for kind, value in sorted(spent.items(), key=lambda entry: -entry[1])
        if kind not in WORK
    ]
    lines.append(f"  outside techniques and measurements: {total_s - work_s:.1f} s, {(total_s - work_s) / total_s:.0%}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("name", nargs="?", default="MobileNetV2")
    asked = parser.parse_args()
    case = next(case for case in CASES if case.name == asked.name)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        home, since = Path(name) / "home", None
        for title in ("The first time", "The second time"):
            seconds = go(case, asked.models, home, Path(name) / f"{title}.zip")
            print(told(title, seconds, by_kind(home, since)), flush=True)  # noqa: T201
            since = datetime.now().astimezone()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
