"""Compare this checkout with an earlier one: time of window start, job start, the sample's whole run, and 100,000 rows.

    python -m tests.benchmarks.two_trees BASE [--rounds 5]

BASE is another checkout with an environment of its own in `.venv`. Each round runs every figure in both checkouts, one
after the other, the order alternating. Reported is the ratio of medians, this checkout over BASE, with the spread of the
ratios of single rounds. Figures of single rounds are in seconds.
"""

import argparse
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from tests.benchmarks.peers import ROOT

ROWS_TEST = "tests/benchmarks/window/test_scrolling.py"
PAINT_LIMIT_S, POLL_S = 60.0, 0.002


def _environment(tree: Path, folder: Path, **more: str) -> dict[str, str]:
    paths = os.pathsep.join((str(tree / "tests" / "window" / "probe"), str(tree)))
    return {**os.environ, "FETTLE_HOME": str(folder), "PYTHONPATH": paths, **more}


def _python(tree: Path) -> str:
    return str(tree / ".venv" / "bin" / "python")


def window_start_s(tree: Path, folder: Path) -> float:
    """Return the seconds from the spawn of the window's process to its first paint; needs a display."""
    painted = folder / "painted"
    own = {"FETTLE_TEST_PAINTED": str(painted), "FETTLE_TEST_PROBE": str(folder / "probe")}
    environment = _environment(tree, folder / "home", **own)
    (folder / "home").mkdir()
    began_s = time.monotonic()
    process = subprocess.Popen([_python(tree), "-m", "app"], env=environment, cwd=tree, stderr=subprocess.DEVNULL)
    try:
        while not (painted.exists() and painted.read_text(encoding="utf-8")):
            if process.poll() is not None or time.monotonic() - began_s > PAINT_LIMIT_S:
                raise RuntimeError(f"the window of {tree} did not open")
            time.sleep(POLL_S)
        return float(painted.read_text(encoding="utf-8")) - began_s
    finally:
        process.kill()
        process.wait(10)


def _command_s(tree: Path, folder: Path, *words: str) -> float:
    began_s = time.monotonic()
    environment = _environment(tree, folder / "home")
    subprocess.run(
        [_python(tree), "-m", "app", *words], env=environment, cwd=tree, check=True, capture_output=True, timeout=600
    )
    return time.monotonic() - began_s


def job_start_s(tree: Path, folder: Path) -> float:
    """Return the seconds of `fettle describe`, which starts a worker process for one short job."""
    return _command_s(tree, folder, "describe", "--json")


def sample_run_s(tree: Path, folder: Path) -> float:
    """Return the seconds of the whole job on the built-in sample: optimize, compare, export, verify."""
    return _command_s(tree, folder, "demo", "--out", str(folder / "bundle.zip"))


def rows_s(tree: Path, folder: Path) -> float:
    """Return the seconds of three filters and three orders of 100,000 rows, as the checkout's own benchmark prints them."""
    done = subprocess.run(
        [_python(tree), "-m", "pytest", "-q", "-s", "-n0", "-m", "slow", ROWS_TEST, "-p", "no:cacheprovider"],
        env=_environment(tree, folder),
        cwd=tree,
        capture_output=True,
        check=True,
        text=True,
        timeout=600,
    )
    line = next(line for line in done.stdout.splitlines() if "rows:" in line)
    return sum(int(value) for value in re.findall(r"(\d+) ms", line.split(";")[1])) / 1000


FIGURES: Mapping[str, Callable[[Path, Path], float]] = {
    "window start": window_start_s,
    "job start": job_start_s,
    "100,000 rows": rows_s,
    "run of the sample": sample_run_s,
}


def compare(base: Path, rounds: int, names: list[str]) -> None:
    """Print the ratio of each figure; the first round warms files up and does not count."""
    for name in names:
        times: dict[Path, list[float]] = {ROOT: [], base: []}
        for number in range(rounds + 1):
            for tree in (ROOT, base) if number % 2 else (base, ROOT):
                with tempfile.TemporaryDirectory() as folder:
                    seconds = FIGURES[name](tree, Path(folder))
                if number:
                    times[tree].append(seconds)
        ratios = sorted(here / there for here, there in zip(times[ROOT], times[base], strict=True))
        here_s, there_s = median(times[ROOT]), median(times[base])
        print(  # noqa: T201 - the figures are the point
            f"{name}: {here_s:.3f} s against {there_s:.3f} s, ratio {here_s / there_s:.3f}"
            f" (rounds {ratios[0]:.3f} to {ratios[-1]:.3f}); load {os.getloadavg()[0]:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(FIGURES))
    given = parser.parse_args()
    compare(given.base.resolve(), given.rounds, given.only)
