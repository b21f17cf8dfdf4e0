"""Pictures of the shell and of the page Optimize: python tests/widgets/shell/manual_pictures.py FOLDER."""
# ruff: noqa: E402

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

sys.path[:0] = [str(Path(__file__).parents[3]), str(Path(__file__).parents[2] / "fixtures"), str(Path(__file__).parent)]

import run_example as example
from plain_pages import plain_pages

from widgets.main_window import MainWindow
from widgets.pages.optimize.page import LogLine, OptimizePage
from widgets.parts.cards.error import ErrorValue
from widgets.plots.frame_clock import FrameClock
from widgets.telemetry import DeviceValue
from widgets.theme import Theme

IDS = ("model", "data", "goal", "optimize", "compare", "export", "jobs", "settings")
ERROR = ErrorValue(
    "The work on INT8, all layers was stopped by the system",
    "It needed more memory than this computer had left.",
    "Yes. What was measured before is kept.",
    "Close other programs and try again, or choose the goal Small device.",
    "worker exited with signal 9",
)


def fill_dock(window: MainWindow, gpu: bool) -> None:
    """A minute of readings."""
    rng, now = np.random.default_rng(0), time.monotonic()
    t = now - np.arange(60, 0, -0.5)
    busy = t > now - example.NOW_S
    if gpu:
        gpus = [DeviceValue(f"gpu{i}", name, "gpu", None, 25.7e9, 450) for i, name in enumerate(("RTX 4090", "H100"))]
        window.dock.set_devices(gpus)
        rows = {"load_pct": (7, 94), "memory_bytes": (1.4e9, 3.1e9), "temperature_c": (41, 66), "power_w": (38, 310)}
    else:
        window.dock.set_devices([DeviceValue("cpu", "This computer's processor", "processor", 8, 16e9)])
        rows = {"load_pct": (20, 94), "memory_bytes": (4.8e9, 5.2e9), "frequency_hz": (2.4e9, 3.6e9)}
    device = window.dock.shown_device
    for series, (idle, work) in rows.items():
        window.dock.add(device, series, t, np.where(busy, work, idle) * (1 + rng.normal(0, 0.015, len(t))))
    if not gpu:
        window.dock.add(device, "job_memory_bytes", t[busy], 4.12e8 * (1 + rng.normal(0, 0.004, busy.sum())))
    window.dock.set_phases([now - example.NOW_S + s for s in (3, 13, 23, 36)])


def main(folder: Path) -> None:
    """One picture for each state, scheme and size."""
    folder.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    theme, clock = Theme(app, "light"), FrameClock()
    page = OptimizePage(theme, clock)
    makers = {i: (lambda i=i: page if i == "optimize" else QLabel(i)) for i in IDS}
    window = MainWindow(app, theme, clock, plain_pages(makers))
    window.top.set_device("This computer's processor")
    window.show_page("optimize")
    window.show()

    def take(name: str) -> None:
        for scheme in ("light", "dark"):
            theme.set_choice(scheme)
            for width, height in ((1280, 800), (1024, 700)):
                window.resize(width, height)
                QTest.qWait(350)
                window.grab().save(str(folder / f"{name}-{scheme}-{width}.png"))

    take("empty")
    window.set_project("Clothes classifier", "Balanced")
    window.rail.set_marks({"model": "done", "data": "done", "goal": "done", "optimize": "current"})
    window.set_jobs(1, time.monotonic() - example.NOW_S)
    fill_dock(window, gpu=False)
    first, *rest = example.steps()
    waiting = [replace(step, state="waiting", start_s=None, end_s=None, figure="", detail="") for step in rest]
    page.show_value(replace(example.running(), steps=(replace(first, state="running", figure=""), *waiting), best=""))
    page.set_now(2.0)
    take("opening")
    example.fill(page, example.running())
    QTest.qWait(1500)
    take("running")
    page.add_log([LogLine(f"step {n} of the work went well", "info", f"14:02:{n:02d}") for n in range(30)])
    page._view.log_card.show()
    take("running-log")
    page._view.log_card.hide()
    fill_dock(window, gpu=True)
    window.top.set_device("NVIDIA GeForce RTX 4090")
    take("running-gpu")
    window.set_jobs(0)
    over = tuple(replace(s, state="done" if s.state in ("running", "waiting") else s.state) for s in example.steps())
    stopped = tuple(
        replace(s, state="skipped" if s.state in ("running", "waiting") else s.state) for s in example.steps()
    )
    page.show_value(
        replace(
            example.running(),
            phase="done",
            steps=over,
            seconds=66.0,
            headline="3.4 times faster, 3.8 times smaller, within your limit of 1 %",
        )
    )
    take("done")
    page.show_value(replace(example.running(), phase="failed", steps=stopped, error=ERROR))
    take("failed")
    page.show_value(replace(example.running(), phase="interrupted", steps=stopped))
    window.banner(ERROR)
    take("interrupted")


main(Path(sys.argv[1]))
