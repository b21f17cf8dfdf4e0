"""Measure how much two equal processes that take turns seem to differ, for several lengths of a turn.

    python -m tests.benchmarks.turn_lengths MODEL.onnx [--sets 24]

Both run the same file in ONNX Runtime with two threads on one generated request. Each form (see `FORMS`) measures 80
requests of each process in a set, and the forms take turns, too. A row has the standard deviation over the sets of
log(time of one process / time of the other), ideally 0, computed from the means of all requests, from their medians,
and as the mean over neighboring turns of the logarithms of the ratios of their means, and the seconds of a set.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median, stdev

import numpy as np

FORMS = {"2 × 40": (2, 10, 40), "4 × 20": (4, 5, 20), "8 × 10": (8, 3, 10), "16 × 5": (16, 2, 5)}
"""Turns of a set, and in each the requests to warm up and those that are timed."""

RUNNER = """
import itertools, json, sys, time
import numpy as np, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads, options.log_severity_level = 2, 3
session = onnxruntime.InferenceSession(sys.argv[1], options)
shapes = {i.name: [n if isinstance(n, int) else 1 for n in i.shape] for i in session.get_inputs()}
feeds = {name: np.random.default_rng(0).random(shape, np.float32) for name, shape in shapes.items()}
for line in itertools.chain(["[20, 1]"], sys.stdin):
    warm, count = json.loads(line)
    for _ in range(warm):
        session.run(None, feeds)
    times = []
    for _ in range(count):
        began = time.perf_counter()
        session.run(None, feeds)
        times.append(time.perf_counter() - began)
    print(json.dumps(times), flush=True)
"""


@dataclass
class Form:
    """Results of one form, one value per set: the logarithm of the ratio computed in each way, and the seconds."""

    by_means: list[float] = field(default_factory=list)
    by_medians: list[float] = field(default_factory=list)
    by_turns: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def measure(self, runners: Sequence["subprocess.Popen[str]"], turns: int, warm: int, count: int) -> None:
        """Measure one set; the processes begin a turn alternately."""
        began = time.monotonic()
        times: list[list[list[float]]] = [[], []]
        for turn in range(turns):
            for which in (0, 1) if turn % 2 == 0 else (1, 0):
                times[which].append(ask(runners[which], warm, count))
        self.seconds.append(time.monotonic() - began)
        first, second = ([one for turn in own for one in turn] for own in times)
        self.by_means.append(float(np.log(mean(first) / mean(second))))
        self.by_medians.append(float(np.log(median(first) / median(second))))
        self.by_turns.append(float(mean(np.log(mean(a) / mean(b)) for a, b in zip(*times, strict=True))))


def ask(runner: "subprocess.Popen[str]", warm: int, count: int) -> list[float]:
    """Return the seconds of each of `count` requests, after `warm` untimed ones."""
    assert runner.stdin is not None and runner.stdout is not None
    runner.stdin.write(f"{json.dumps([warm, count])}\n")
    runner.stdin.flush()
    return [float(one) for one in json.loads(runner.stdout.readline())]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--sets", type=int, default=24)
    requested = parser.parse_args()
    command = [sys.executable, "-c", RUNNER, str(requested.model)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    runners = [subprocess.Popen(command, text=True, **pipes) for _ in range(2)]
    for runner in runners:
        assert runner.stdout is not None
        runner.stdout.readline()
    found = {name: Form() for name in FORMS}
    for _ in range(requested.sets):
        for name, (turns, warm, count) in FORMS.items():
            found[name].measure(runners, turns, warm, count)
    for runner in runners:
        runner.communicate()
    for name, form in found.items():
        ways = {"means": form.by_means, "medians": form.by_medians, "neighboring turns": form.by_turns}
        spread = ", ".join(f"{stdev(values):.3f} by {way}" for way, values in ways.items())
        print(f"{name:7} {spread}, {mean(form.seconds):.2f} s a set")  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
