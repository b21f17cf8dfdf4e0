"""Tests of what the window shows about cards in each state of the stand-ins: never a figure that no card gave."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from read_page import words
from records import Drive, described, shown_page
from stand_in_driver import no_driver, stand_in

from app.controllers.app_controller import AppController
from app.controllers.settings.controller import device_line
from widgets.commands import SHOW_PAGE
from widgets.main_window import MainWindow
from workers.contracts.gpu import GpuCard, GpuState
from workers.contracts.specs import DeviceFacts
from workers.measure.ladder.rungs.cuda_start import REPAIRS


@pytest.fixture
def readings(driver_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the state that the stand-in of NVML reports."""
    return stand_in(driver_dir, tmp_path, monkeypatch, cuda_code=100)


def examined(window: MainWindow, drive: Drive) -> str:
    """Return the text of the doctor's page after its checks."""
    window.commands.do(SHOW_PAGE, "gpu")
    page = window.page("gpu")

    def is_through() -> bool:
        found = [one for one in page.findChildren(QPushButton) if one.text() == "Check again"]
        return any(one.isEnabled() for one in found)

    drive(is_through, 120)
    return words(page)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("code", [2, 100, 304, 999])
def test_each_refusal_of_cuinit_on_the_page(
    readings: Path, code: int, app_controller: AppController, window: MainWindow, drive: Drive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Given a driver whose cuInit fails, then the page names the error and its remedy for both cards, the described
    devices have the same error, and no computing check is ok."""
    monkeypatch.setenv("FETTLE_FAKECUDA_RC", str(code))
    app_controller.begin()
    drive(lambda: window.top.device.text() == "NVIDIA FAKE RTX 4090")
    drive(lambda: not app_controller.flows.active)
    found = app_controller._session.described
    rows = [row for row in found.devices if row.group == "cuda"]
    assert len(rows) == 2 and all(not row.available and f"CUDA error {code}" in row.hint for row in rows)
    settings = shown_page(window, "settings")
    drive(lambda: f"CUDA error {code}" in words(settings))
    shown = examined(window, drive)
    assert shown.count(f"CUDA error {code}") == 2 and REPAIRS[code][1] in shown
    assert "Your graphics card is ready" not in shown


def test_settings_name_why_a_card_cannot_be_used() -> None:
    """Given a card on which CUDA does not start, then its line has the reason; a working card is shown by its name."""
    device = DeviceFacts(processor="A Processor", cores=2, memory_bytes=1, gpus=("Card A",))
    found = described(device=device, cards=(GpuCard(index=0, name="Card A"),))
    assert device_line(found) == "Card A"
    broken = found.model_copy(update={"gpu": GpuState(trouble="no_start", reason="CUDA error 999.")})
    assert device_line(broken) == "Card A: cannot be used yet. CUDA error 999."


@pytest.mark.whole
@pytest.mark.timeout(240)
def test_missing_reading_is_a_dash(
    readings: Path, app_controller: AppController, window: MainWindow, drive: Drive
) -> None:
    """Given a divided card (MIG) without load and power readings, then the dock shows dashes for these, and the doctor
    names them with the reason."""
    readings.write_text("count=1\n0.mig=1\n0.util=-1\n0.power=-1\n0.used=2000000000\n0.temp=51\n")
    app_controller.begin()
    dock = window.dock

    def figures() -> list[str]:
        return [gauge.figure.text() for gauge in dock.gauges]

    drive(lambda: dock.shown_device == "gpu0" and figures() == ["–", "2.0 GB", "51 °C", "–"])
    drive(lambda: not app_controller.flows.active)
    shown = examined(window, drive)
    assert "divided (MIG)" in shown
    assert "load (not supported by this card)" in shown and "power (not supported by this card)" in shown


@pytest.mark.whole
@pytest.mark.timeout(240)
def test_without_a_driver_the_page_needs_no_action(
    app_controller: AppController, window: MainWindow, drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_driver(tmp_path, monkeypatch)
    app_controller.begin()
    drive(lambda: app_controller._session.described is not None)
    found = app_controller._session.described
    assert found is not None and not found.cards
    drive(lambda: not app_controller.flows.active)
    shown = examined(window, drive)
    assert "no NVIDIA card with a driver" in shown and "CUDA error" not in shown
