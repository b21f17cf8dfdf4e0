"""Read the window as a screen reader does: over AT-SPI, from another process, on a bus of the test's own."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jeepney import DBusAddress, Message, MessageType, Properties, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection
from screen import die_with_parent

ROOT = "/org/a11y/atspi/accessible/root"
INTERFACE, ACTION = "org.a11y.atspi.Accessible", "org.a11y.atspi.Action"
LABELLED_BY = 2
CONTROLS = {
    "push button", "check box", "radio button", "toggle button", "button menu", "text", "combo box", "spin button",
    "spin box", "slider", "table", "list", "list item", "tree", "link", "menu item", "page tab", "progress bar", "icon",
}  # fmt: skip
STATES = {4: "checked", 8: "enabled", 9: "expandable", 10: "expanded", 11: "focusable", 12: "focused", 23: "selected"}
STATES |= {20: "pressed", 24: "sensitive", 25: "showing", 30: "visible", 41: "checkable"}
"""Bits of AT-SPI's AtspiStateType that the tests look at."""


class Gone(Exception):
    """An object's reply is an error: it no longer exists."""


@dataclass(frozen=True)
class Spoken:
    """One object as a screen reader receives it."""

    role: str
    name: str
    about: str
    states: frozenset[str]
    path: str
    parent: str
    label: str = ""

    @property
    def said(self) -> str:
        """Return what names it: Qt gives the chosen text of a combo box as its name, so its label or description does."""
        return ((self.label or self.about) if self.role == "combo box" else self.name).strip()

    @property
    def is_control(self) -> bool:
        """Whether a person can do something with it, or stops at it."""
        return self.role in CONTROLS or ("focusable" in self.states and self.role not in ("cell", "label", "frame"))


class SessionBus:
    """A session bus that ends with its test; the desktop's accessibility starts on it when it is asked for."""

    def __init__(self, folder: Path) -> None:
        """Start it; the socket of the accessibility bus lies in `folder`."""
        self._daemon = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--print-address"],
            env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads here
        )
        self.address = self._daemon.stdout.readline().strip()

    @property
    def environment(self) -> dict[str, str]:
        """Return what a program needs to be read on this bus."""
        return {"DBUS_SESSION_BUS_ADDRESS": self.address, "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}

    def close(self) -> None:
        self._daemon.terminate()
        self._daemon.communicate(timeout=10)


class ScreenReader:
    """A client of AT-SPI that reads the program `name`."""

    def __init__(self, bus: SessionBus, name: str = "Fettle") -> None:
        self._name = name
        with open_dbus_connection(bus.address) as session:
            place = DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus")
            (address,) = session.send_and_get_reply(new_method_call(place, "GetAddress")).body
        self._bus: DBusConnection = open_dbus_connection(address)

    def close(self) -> None:
        self._bus.close()

    def _call(self, owner: str, path: str, method: str) -> Any:
        return self._reply(new_method_call(DBusAddress(path, owner, INTERFACE), method))

    def _reply(self, call: Message) -> Any:
        reply = self._bus.send_and_get_reply(call, timeout=20)
        if reply.header.message_type is MessageType.error:
            raise Gone(reply.body)
        return reply.body[0]

    def _label(self, path: str) -> str:
        relations = self._call(self.program, path, "GetRelationSet")
        labels = [place for kind, places in relations if kind == LABELLED_BY for place in places]
        return " ".join(self._property(owner, label, "Name") for owner, label in labels)

    def press(self, one: Spoken) -> None:
        """Do the first action of a control, as a screen reader does."""
        call = new_method_call(DBusAddress(one.path, self.program, ACTION), "DoAction", "i", (0,))
        self._bus.send_and_get_reply(call, timeout=20)

    def _property(self, owner: str, path: str, name: str) -> Any:
        return self._reply(Properties(DBusAddress(path, owner, INTERFACE)).get(name))[1]

    @cached_property
    def program(self) -> str:
        """Return the program's own name on the bus, once it has one."""
        end_s = time.monotonic() + 30
        while time.monotonic() < end_s:
            for owner, path in self._call("org.a11y.atspi.Registry", ROOT, "GetChildren"):
                if self._property(owner, path, "Name") == self._name:
                    return str(owner)
            time.sleep(0.2)
        raise AssertionError(f"{self._name} did not come to the accessibility bus")

    def walk(self, path: str = ROOT, parent: str = "") -> Iterator[Spoken]:
        """Yield all that shows, from the window down, without what goes while it is asked because its page is filled anew."""
        with contextlib.suppress(Gone):
            for owner, child in self._call(self.program, path, "GetChildren"):
                if owner == self.program and not child.endswith("/null"):
                    yield from self._walk_control(child, parent)

    def _walk_control(self, path: str, parent: str) -> Iterator[Spoken]:
        with contextlib.suppress(Gone):
            low, high = self._call(self.program, path, "GetState")
            bits = low | high << 32
            states = frozenset(name for bit, name in STATES.items() if bits >> bit & 1)
            if "showing" not in states:
                return
            role = self._call(self.program, path, "GetRoleName")
            name, about = (self._property(self.program, path, one) for one in ("Name", "Description"))
            yield Spoken(role, name, about, states, path, parent, self._label(path) if role == "combo box" else "")
            yield from self.walk(path, path)
