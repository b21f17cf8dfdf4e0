"""With the stand-in for NVIDIA's library: what the dock shows is what its file says, until a GPU is lost."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.controllers.app_controller import AppController
from widgets.dock import Dock
from widgets.main_window import MainWindow

Drive = Callable[..., None]
SOURCE = Path(__file__).parents[2] / "fixtures" / "fakenvml.c"
LOST = 15


@pytest.fixture
def readings(nvml_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The text file that the stand-in reads on every call; the library's folder is named before any process starts."""
    folder = tmp_path / "nvml"
    shutil.copytree(nvml_dir, folder)
    file = folder / "readings"
    file.write_text("0.util=11\n0.used=2000000000\n0.temp=51\n0.power=120000\n1.util=1\n", encoding="utf-8")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))
    monkeypatch.setenv("FAKENVML_FILE", str(file))
    return file


def figures(dock: Dock) -> dict[str, str]:
    return {gauge.title.text(): gauge.figure.text() for gauge in dock.gauges}


def notes(dock: Dock) -> set[str]:
    return {gauge.note.text() for gauge in dock.gauges}


@pytest.mark.timeout(120)
def test_the_dock_shows_what_the_file_says(
    readings: Path, app_controller: AppController, window: MainWindow, drive: Drive
) -> None:
    """Given two GPUs with changing values, When one is lost mid-run, Then each figure equals the file's."""
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
