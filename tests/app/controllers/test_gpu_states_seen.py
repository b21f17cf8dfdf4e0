"""What the window says of cards in each state that the stand-ins can be in: never a figure that no card gave."""

from pathlib import Path

import pytest
from desk import Drive, described, shown_page
from PySide6.QtWidgets import QPushButton
from read_page import words
from stand_in_driver import no_driver, stand_in

from app.controllers.app_controller import AppController
from app.controllers.settings.controller import device_line
from widgets.commands import SHOW_PAGE
from widgets.main_window import MainWindow
from workers.contracts.gpu import GpuCard, GpuState
from workers.contracts.specs import DeviceFacts
from workers.measure.ladder.rungs.cuda_start import MENDS


@pytest.fixture
def readings(driver_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the state that the stand-in of NVML reports."""
    return stand_in(driver_dir, tmp_path, monkeypatch, cuda_code=100)


def examined(window: MainWindow, drive: Drive) -> str:
    """What the doctor's page says when it is through."""
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
    """Given a driver whose cuInit is refused, Then the page names the error with the line that mends it, for both cards,
    what `describe` found says the same of the devices, and no rung that computes holds."""
    monkeypatch.setenv("FETTLE_FAKECUDA_RC", str(code))
    app_controller.begin()
    drive(lambda: window.top.device.text() == "NVIDIA FAKE RTX 4090")
    drive(lambda: not app_controller.flows.active)
    found = app_controller._session.described
    rows = [row for row in found.devices if row.group == "cuda"]
    assert len(rows) == 2 and all(not row.available and f"CUDA error {code}" in row.hint for row in rows)
    settings = shown_page(window, "settings")
    drive(lambda: f"CUDA error {code}" in words(settings))
    said = examined(window, drive)
    assert said.count(f"CUDA error {code}") == 2 and MENDS[code][1] in said
    assert "Your graphics card is ready" not in said


def test_settings_say_of_a_card_why_it_cannot_be_used() -> None:
    """Given a card on which CUDA does not start, Then its line says so; one that works stands there by its name."""
    device = DeviceFacts(processor="A Processor", cores=2, memory_bytes=1, gpus=("Card A",))
    found = described(device=device, cards=(GpuCard(index=0, name="Card A"),))
    assert device_line(found) == "Card A"
    broken = found.model_copy(update={"gpu": GpuState(trouble="no_start", reason="CUDA error 999.")})
    assert device_line(broken) == "Card A: cannot be used yet. CUDA error 999."


@pytest.mark.whole
@pytest.mark.timeout(240)
def test_what_a_card_does_not_tell_is_a_dash(
    readings: Path, app_controller: AppController, window: MainWindow, drive: Drive
) -> None:
    """Given a divided card (MIG) that supports neither load nor power, Then the dock shows dashes for these and figures
    for the rest, and the doctor names the missing figures and the reason."""
    readings.write_text("count=1\n0.mig=1\n0.util=-1\n0.power=-1\n0.used=2000000000\n0.temp=51\n")
    app_controller.begin()
    dock = window.dock

    def figures() -> list[str]:
        return [gauge.figure.text() for gauge in dock.gauges]

    drive(lambda: dock.shown_device == "gpu0" and figures() == ["–", "2.0 GB", "51 °C", "–"])
    drive(lambda: not app_controller.flows.active)
    said = examined(window, drive)
    assert "divided (MIG)" in said
    assert "load (not supported by this card)" in said and "power (not supported by this card)" in said


@pytest.mark.whole
@pytest.mark.timeout(240)
def test_without_a_driver_the_page_says_that_nothing_needs_to_be_done(
    app_controller: AppController, window: MainWindow, drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_driver(tmp_path, monkeypatch)
    app_controller.begin()
    drive(lambda: app_controller._session.described is not None)
    found = app_controller._session.described
    assert found is not None and not found.cards
    drive(lambda: not app_controller.flows.active)
    said = examined(window, drive)
    assert "no NVIDIA card with a driver" in said and "CUDA error" not in said
