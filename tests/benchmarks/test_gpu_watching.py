"""What watching GPUs costs: the sampler's share of a core, and the dock's graphs over an hour of readings."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from widgets.dock import Dock
from widgets.plots.frame_clock import FrameClock
from widgets.telemetry import GPU_SERIES, DeviceValue
from widgets.theme import Theme

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SHARE = 0.01
FRAMES_PER_S = 60
HZ, HOUR_S = 10, 3600

SAMPLER = """
import sys, time
from pathlib import Path
from workers.contracts.jobs import TelemetryParams
from workers.jobs.telemetry import run
from workers.runtime.recording import RecordingContext
ctx = RecordingContext(Path(sys.argv[1]))
run(TelemetryParams(interval_s=0.1, processor_s=0.5, max_s=0.5), ctx)  # everything is loaded now
began, cpu = time.monotonic(), time.process_time()
ctx.samples.clear()
run(TelemetryParams(interval_s=0.1, processor_s=0.5, max_s=10), ctx)
share = (time.process_time() - cpu) / (time.monotonic() - began)
print(share, sum(len(one.times_s) for one in ctx.samples if one.series == "gpu0/load_pct"))
"""


def test_the_sampler_takes_a_hundredth_of_a_core(driver_dir: Path, tmp_path: Path) -> None:
    """Given two cards of the stand-in (which opens a file for each figure, so that real calls are cheaper), When they are
    read ten times a second, Then the whole sampler takes a hundredth of a core at most."""
    environ = {**os.environ, "LD_LIBRARY_PATH": str(driver_dir), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SAMPLER, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, env=environ, check=True)
    share, readings = (float(word) for word in run.stdout.split())
    print(f"sampler: {100 * share:.2f} percent of a core, {readings:.0f} readings of two cards")  # noqa: T201
    assert readings >= 50, "it was really read"
    assert share <= SHARE


def test_an_hour_is_drawn_sixty_times_a_second(qapp: QApplication, qtbot: QtBot) -> None:
    """Given an hour of ten readings a second in four graphs, When each frame is drawn anew, Then a second's frames take
    less than a second of the processor, the graphs' painting included."""
    now = [10_000.0]
    clock = FrameClock(now_s=lambda: now[0])
    dock = Dock(Theme(qapp, "light"), clock)
    qtbot.addWidget(dock)
    dock.resize(1240, 200)
    dock.set_devices([DeviceValue("gpu0", "GPU", "gpu", memory_total_bytes=24e9, power_limit_w=450)])
    dock.set_open(True)
    dock.set_hour(True)
    with qtbot.waitExposed(dock):
        dock.show()
    times = np.arange(now[0] - HOUR_S, now[0], 1 / HZ)
    noise = np.random.default_rng(0).random(len(times))
    for series in GPU_SERIES:
        dock.add("gpu0", series, times, 40 + 50 * noise)
    qtbot.waitUntil(lambda: all(gauge.strip._canvas is not None for gauge in dock.gauges), timeout=20_000)
    frames = 120
    began = time.process_time()
    for _ in range(frames):
        now[0] += 1 / FRAMES_PER_S
        for gauge in dock.gauges:
            gauge.strip.draw(now[0])
            gauge.strip._canvas.widget.grab()
    took = time.process_time() - began
    print(f"dock: {frames / took:.0f} frames a second of processor time, {len(times)} points in each graph")  # noqa: T201
    assert frames / took >= FRAMES_PER_S
