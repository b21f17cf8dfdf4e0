"""Tests of the dock and the GPU doctor with the stand-in for NVIDIA's library."""

import csv
import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot
from read_page import words
from records import Drive
from stand_in_driver import stand_in

from app.controllers.app_controller import AppController
from app.controllers.gpu.presenter import gpu_value
from app.settings import chosen_card
from widgets.dock import Dock
from widgets.main_window import MainWindow
from widgets.pages.gpu.page import GpuPage
from workers.contracts.gpu import GpuCard, TriedRung
from workers.contracts.process.messages import Card

LOST = 15


@pytest.fixture
def readings(driver_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that the stand-in reads on every call."""
    file = stand_in(driver_dir, tmp_path, monkeypatch, cuda_code=999)
    file.write_text("0.util=11\n0.used=2000000000\n0.temp=51\n0.power=120000\n1.util=1\n", encoding="utf-8")
    return file


def figures(dock: Dock) -> dict[str, str]:
    return {gauge.title.text(): gauge.figure.text() for gauge in dock.gauges}


def notes(dock: Dock) -> set[str]:
    return {gauge.note.text() for gauge in dock.gauges}


@pytest.mark.whole
@pytest.mark.timeout(120)
def test_dock_shows_the_readings_of_the_file(
    readings: Path, app_controller: AppController, window: MainWindow, drive: Drive, tmp_path: Path
) -> None:
    """Given two GPUs with changing readings, one of which is lost later, then each figure equals the file's."""
    dock = window.dock
    app_controller.begin()
    drive(lambda: dock.shown_device == "gpu0" and figures(dock).get("GPU load") == "11 %")
    assert figures(dock) == {
        "GPU load": "11 %",
        "GPU memory": "2.0 GB",
        "GPU temperature": "51 °C",
        "GPU power": "120 W",
    }
    assert window.top.device.text() == "NVIDIA FAKE RTX 4090"

    for load, used, temperature, power in ((77, 9.0, 83, 400), (5, 1.5, 44, 38)):
        readings.write_text(
            f"0.util={load}\n0.used={int(used * 1e9)}\n0.temp={temperature}\n0.power={power * 1000}\n1.util=1\n",
            encoding="utf-8",
        )
        expected = (f"{load} %", f"{used:.1f} GB", f"{temperature} °C", f"{power} W")
        drive(lambda expected=expected: tuple(figures(dock).values()) == expected)

    dock.show_device("gpu1")
    drive(lambda: figures(dock).get("GPU load") == "1 %")
    every = ("UtilizationRates", "MemoryInfo", "MemoryInfo_v2", "TemperatureV", "Temperature", "PowerUsage")
    lines = [f"1.fail.nvmlDeviceGet{name}={LOST}\n" for name in every]
    readings.write_text("".join(["0.util=63\n", *lines]), encoding="utf-8")
    drive(lambda: any("is lost" in note for note in notes(dock)))
    assert set(figures(dock).values()) == {"–"}
    dock.show_device("gpu0")
    drive(lambda: figures(dock).get("GPU load") == "63 %")
    assert not any("lost" in note for note in notes(dock))

    hot = "0.util=63\n0.temp=91\n0.power=449000\n0.reasons=0x44\n"  # a power cap, and heat
    readings.write_text(hot, encoding="utf-8")
    drive(lambda: "slowed down by heat" in notes(dock))
    assert "limited by power" in notes(dock)
    readings.write_text("0.util=63\n0.reasons=1\n", encoding="utf-8")  # idle clocks are no slowing down
    drive(lambda: "slowed down by heat" not in notes(dock))

    table = tmp_path / "figures.csv"
    app_controller._telemetry.save_csv(table)
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    loads = {row["value"] for row in rows if (row["device"], row["quantity"]) == ("NVIDIA FAKE RTX 4090", "load_pct")}
    assert {"11.0", "77.0", "5.0", "63.0"} <= loads


@pytest.mark.whole
@pytest.mark.timeout(180)
def test_chip_of_the_device_opens_the_doctor(
    readings: Path, app_controller: AppController, window: MainWindow, drive: Drive, qtbot: QtBot
) -> None:
    """Given two cards whose CUDA does not start, when the chip of the device is clicked, then the page lists each
    card's checks and what to do, without a command line."""
    app_controller.begin()
    drive(lambda: window.top.device.text() == "NVIDIA FAKE RTX 4090")
    drive(lambda: not app_controller.flows.active)
    qtbot.mouseClick(window.top.device.parentWidget(), Qt.MouseButton.LeftButton)
    page = window.page("gpu")
    assert isinstance(page, GpuPage) and window.current_page == "gpu"
    drive(lambda: any(button.text() == "Check again" and button.isEnabled() for button in buttons(page)), 120)
    shown = words(page)
    assert "NVIDIA FAKE RTX 4090" in shown and "NVIDIA FAKE H100" in shown
    assert "CUDA error 999" in shown and "Restart the computer" in shown and "sudo" not in shown
    assert "Your graphics card is ready" not in shown
    page.report_requested.emit()
    copied = QGuiApplication.clipboard().text()
    assert "cuda-start" in copied and "GPU-fake1111" in copied
    other = next(button for button in buttons(page) if button.accessibleName() == "Work on NVIDIA FAKE H100")
    qtbot.mouseClick(other, Qt.MouseButton.LeftButton)
    assert window.top.device.text() == "NVIDIA FAKE H100"
    assert chosen_card(app_controller._settings.value) == Card(uuid="GPU-fake1111-1111-1111-1111-111111111111", index=1)
    if folder := os.environ.get("FETTLE_PICTURES"):
        window.resize(1280, 800)
        drive(lambda: True)
        window.grab().save(str(Path(folder) / "gpu.png"))


def test_remedy_of_two_checks_is_shown_once() -> None:
    """Given a computer without a card, where two checks have one remedy, then the page shows it once; each of two cards
    shows its own."""
    why = {"reason": "No card was found.", "hint": "Nothing needs to be done.", "code": "no_card"}
    rows = [
        TriedRung(id="files", title="Device files", ok=False, found="No device file.", **why),
        TriedRung(id="driver", title="Driver", ok=False, found="No GPU.", **why),
    ]
    (computer,) = gpu_value((), rows, is_trying=False).places
    assert [(one.found, one.reason, one.hint) for one in computer.rungs] == [
        ("No device file.", why["reason"], why["hint"]), ("No GPU.", "", ""),
    ]  # fmt: skip
    cards = tuple(GpuCard(uuid=uuid, index=number, name=uuid) for number, uuid in enumerate(("a", "b")))
    failed = TriedRung(id="start", title="CUDA starts", ok=False, code="failed", reason="Error 999.", hint="Restart.")
    broken = [failed.model_copy(update={"card": uuid}) for uuid in "ab"]
    places = gpu_value(cards, broken, is_trying=False).places
    assert [place.rungs[0].reason for place in places] == ["Error 999."] * 2


def buttons(page: QWidget) -> list[QPushButton]:
    return page.findChildren(QPushButton)
