"""Notifications and power through D-Bus."""

import sys
from pathlib import Path

import pytest
from fake_bus import fake_bus

from app.services.machine.desktop import notify, possible_powers, use_power

NOWHERE = "unix:path=/nowhere/bus"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="D-Bus is Linux's")


def test_notification_has_its_words_and_no_bus_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a desktop, When it is to show an end, Then it gets title and text; Given a bus without one, or no bus,
    Then nothing is shown and nothing fails."""
    with fake_bus(tmp_path / "bus", Notify=("u", (1,))) as bus:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        assert notify("Ended", "2.4 times faster")
    ((method, arguments),) = bus.calls
    assert method == "Notify" and arguments[3:5] == ("Ended", "2.4 times faster")
    with fake_bus(tmp_path / "empty") as bus:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        assert not notify("Ended", "")
    for address in (NOWHERE, "tcp:host=localhost", "nonsense"):
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        assert not notify("Ended", "")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    assert not notify("Ended", "")


def test_power_is_offered_as_the_system_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a system that can sleep after a password and cannot shut down, Then sleep alone is possible and is
    requested with the right to ask; Given no system bus, Then nothing is possible."""
    answers = {"CanSuspend": ("s", ("challenge",)), "CanPowerOff": ("s", ("na",)), "Suspend": ("", ())}
    with fake_bus(tmp_path / "bus", **answers) as bus:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
        assert possible_powers() == ("sleep",)
        assert use_power("sleep") and not use_power("off")
    assert bus.calls[2:] == [("Suspend", (True,)), ("PowerOff", (True,))]
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", NOWHERE)
    assert possible_powers() == ()
