"""How long the window cannot answer: the gaps between ticks of its event loop, compared with those of an empty one."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rig import Program

LIMIT_MS = 16.0
NOISE = 2.0
"""On a computer that is busy otherwise, an empty event loop has gaps as well: the window may have so many times those."""


def gaps_ms(ticks: list[float], since: float, until: float) -> np.ndarray:
    """Between ticks of 2 ms, float64 of shape (n,)."""
    times = np.array([tick for tick in ticks if since <= tick <= until])
    return np.diff(times) * 1000


@dataclass
class EmptyLoop:
    """Its ticks, once the block has ended."""

    ticks: list[float] = field(default_factory=list)


@contextlib.contextmanager
def empty_loop() -> Iterator[EmptyLoop]:
    """An event loop without a window, in its own process, for as long as the block runs."""
    report = EmptyLoop()
    script = str(Path(__file__).with_name("bare_timer.py"))
    bare = subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield report
    finally:
        report.ticks = json.loads(bare.communicate("")[0])


def told_by(program: Program, out: Path) -> dict[str, Any]:
    """``ticks``, ``used`` and ``frames`` of a program that runs with ``FETTLE_TEST_GAPS`` set to `out`."""
    program.process.send_signal(signal.SIGUSR2)
    program.wait(out.exists, 20, "the ticks")
    report: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return report
