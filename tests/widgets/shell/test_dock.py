"""The dock: what it shows equals what it was given."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import emitted, placed
from widgets.dock import JOB_MEMORY, DeviceValue, Dock
from widgets.plots.frame_clock import FrameClock
from widgets.telemetry import figure_of, short_names, used_of_total
from widgets.theme import Theme

PROCESSOR = DeviceValue("cpu", "This computer's processor", "processor", 8, 16e9)
GPUS = (
    DeviceValue("gpu0", "NVIDIA FAKE RTX 4090", "gpu", None, 25757220864, 450.0),
    DeviceValue("gpu1", "NVIDIA FAKE H100", "gpu", None, 85520809984, 700.0),
)


@pytest.fixture
def dock(qtbot: QtBot, theme: Theme, clock: FrameClock) -> Dock:
    return placed(qtbot, Dock(theme, clock), 1072, 34)


def feed(dock: Dock, clock: FrameClock, device: str, **values: float) -> None:
    for series, value in values.items():
        dock.add(device, series, np.array([clock.now_s()]), np.array([value]))


def shown(dock: Dock) -> dict[str, str]:
    return {gauge.title.text(): gauge.figure.text() for gauge in dock.gauges}


def slim(dock: Dock) -> dict[str, str]:
    return {name.text(): figure.text() for name, figure in dock.slim.pairs if not name.isHidden()}


def test_without_a_gpu_it_is_the_processors(dock: Dock, clock: FrameClock) -> None:
    """Given a processor, then load, memory and frequency are shown, labelled so, and no word of error."""
    dock.set_devices([PROCESSOR])
    feed(dock, clock, "cpu", load_pct=6.2, memory_bytes=5.2e9, frequency_hz=2.4e9)
    assert slim(dock) == {"Processor load": "6 %", "Memory": "5.2 of 16 GB", "Frequency": "2.4 GHz"}
    assert shown(dock) == {"Processor load": "6 %", "Memory": "5.2 GB", "Processor frequency": "2.4 GHz"}
    assert [gauge.note.text() for gauge in dock.gauges][:2] == ["of 8 cores", "of 16 GB"]


def test_two_gpus_with_changing_values_one_lost(dock: Dock, clock: FrameClock, qtbot: QtBot) -> None:
    """Given two GPUs, then each shows its own readings as they change; a lost one shows that, and the other goes on."""
    dock.set_devices(GPUS)
    for load, used, degrees, watts in ((7, 1.4e9, 41, 38), (93, 2.2e9, 66, 310)):
        feed(dock, clock, "gpu0", load_pct=load, memory_bytes=used, temperature_c=degrees, power_w=watts)
        feed(dock, clock, "gpu1", load_pct=0, memory_bytes=2.7e9, temperature_c=35, power_w=70)
        assert shown(dock) == {
            "GPU load": f"{load} %",
            "GPU memory": figure_of("memory_bytes", used),
            "GPU temperature": f"{degrees} °C",
            "GPU power": f"{watts} W",
        }
    assert emitted(dock.device_chosen, QTest.keyClick, dock._chooser, Qt.Key.Key_Down) == ["gpu1"]
    assert dock.shown_device == "gpu1"
    assert shown(dock)["GPU power"] == "70 W" and slim(dock)["Memory"] == "2.7 of 85.5 GB"
    dock.set_lost("gpu1", "It answers no more", "card is lost")
    assert set(shown(dock).values()) == {"–"} and slim(dock) == {"NVIDIA FAKE H100": "It answers no more"}
    assert all(gauge.note.text() == "card is lost" for gauge in dock.gauges)  # a gauge is too narrow for the sentence
    assert all(gauge.accessibleDescription() == "It answers no more" for gauge in dock.gauges)
    assert all("It answers no more" in gauge.toolTip() for gauge in dock.gauges)
    dock.show_device("gpu0")
    assert shown(dock)["GPU temperature"] == "66 °C"
    dock.show_device("gpu1")
    feed(dock, clock, "gpu1", load_pct=12)
    assert shown(dock)["GPU load"] == "12 %"


def test_names_in_the_list_are_not_cut_where_they_differ() -> None:
    """Given cards of one maker, Then the list begins with what distinguishes them; two of one kind get their
    numbers."""
    cards = ("NVIDIA GeForce RTX 4090", "NVIDIA H100 80GB HBM3", "NVIDIA GeForce RTX 4090")
    devices = [DeviceValue(f"gpu{number}", name, "gpu") for number, name in enumerate(cards)]
    assert short_names([*devices, PROCESSOR]) == ["RTX 4090 (0)", "H100 80GB HBM3", "RTX 4090 (2)", PROCESSOR.name]


def test_a_silent_series_is_reported_plainly(dock: Dock, clock: FrameClock) -> None:
    """Given a computer that reports no frequency, then there is no figure and no zero."""
    dock.set_devices([PROCESSOR])
    for _ in range(6):
        feed(dock, clock, "cpu", load_pct=50, memory_bytes=5e9)
    assert shown(dock)["Processor frequency"] == "–"
    assert dock.gauges[2].note.text() == "unknown"
    assert "Not available on this computer." in dock.gauges[2].toolTip()
    assert "Frequency" not in slim(dock)


def test_it_opens_for_jobs_and_remembers_the_hand(dock: Dock, clock: FrameClock, qtbot: QtBot) -> None:
    """Given a job, then the graphs open and show its memory; when the person closes them they stay closed."""
    dock.set_devices([PROCESSOR])
    feed(dock, clock, "cpu", load_pct=6, memory_bytes=5.2e9)
    dock.set_jobs(1, clock.now_s())
    assert dock.is_open and dock.height() == 128 and dock.job_text.text() == "1 job running"
    feed(dock, clock, "cpu", **{JOB_MEMORY: 412e6})
    assert shown(dock)["Memory"] == "412 MB" and dock.gauges[1].note.text() == "used by this job, of 16 GB"
    assert emitted(dock.toggled, QTest.mouseClick, dock.button, Qt.MouseButton.LeftButton) == [False]
    assert dock.height() == 34
    dock.set_jobs(2, clock.now_s())
    assert not dock.is_open
    dock.set_jobs(0)
    assert shown(dock)["Memory"] == "5.2 GB" and dock.job_text.text() == "No job running"
    dock.set_jobs(1, clock.now_s())
    assert dock.is_open


def test_graphs_are_drawn_and_follow_the_theme(dock: Dock, clock: FrameClock, theme: Theme, qtbot: QtBot) -> None:
    """Given readings, when the dock opens, then each graph is made, drawn, and drawn anew in the dark."""
    dock.set_devices([PROCESSOR])
    now = clock.now_s()
    times = now - np.arange(30, 0, -0.5)
    for series, value in (("load_pct", 50.0), ("memory_bytes", 5e9), ("frequency_hz", 2.4e9)):
        dock.add("cpu", series, times, np.full(60, value))
    dock.set_phases([now - 20, now - 10])
    dock.set_open(True)
    qtbot.waitUntil(lambda: all(g.strip._canvas is not None for g in dock.gauges), timeout=5000)
    qtbot.waitUntil(lambda: all(not g.strip._dirty for g in dock.gauges), timeout=5000)
    light = dock.grab().toImage()
    theme.set_choice("dark")
    qtbot.waitUntil(lambda: not clock.is_awake or all(not g.strip._dirty for g in dock.gauges), timeout=5000)
    dark = dock.grab().toImage()
    assert light.pixelColor(5, 5).lightness() > 200 > 60 > dark.pixelColor(5, 5).lightness()
    assert dock.gauges[2].note.text() == "steady"


def test_names(dock: Dock, clock: FrameClock, unnamed: Callable[[QWidget], list[str]]) -> None:
    """Given the dock open with two GPUs, then all can be named, figures included."""
    dock.set_devices(GPUS)
    feed(dock, clock, "gpu0", load_pct=7)
    dock.set_open(True)
    assert unnamed(dock) == []
    assert dock.gauges[0].accessibleName() == "GPU load: 7 %" and dock.gauges[0].strip.accessibleName() == "GPU load"


@pytest.mark.parametrize(
    ("used", "total", "text"),
    [(5.2e9, 16e9, "5.2 of 16 GB"), (412e6, 16e9, "412 MB of 16 GB"), (0, 8e9, "0 bytes of 8.0 GB")],
)
def test_units_are_shown_once(used: float, total: float, text: str) -> None:
    """Given used and total, then the unit is shown once where it is the same."""
    assert used_of_total(used, total) == text.replace("8.0", "8")


@pytest.mark.parametrize(
    ("series", "value", "text"),
    [
        ("load_pct", 93.6, "94 %"),
        ("frequency_hz", 800e6, "800 MHz"),
        ("power_w", 38.4, "38 W"),
        ("temperature_c", None, "–"),
    ],
)
def test_figures_for_people(series: str, value: float | None, text: str) -> None:
    """Given a reading in SI units, then it is rounded for people; nothing stays nothing."""
    assert figure_of(series, value) == text


def test_a_job_that_measures_nothing_is_reported_and_opens_nothing(dock: Dock) -> None:
    """Given a bundle that is being written, Then the dock counts the job, and stays as slim as it is."""
    dock.set_jobs(0, None, 1)
    assert not dock.is_open and dock.job_text.text() == "1 job running"
    dock.set_jobs(0, None, 0)
    assert dock.job_text.text() == "No job running"
