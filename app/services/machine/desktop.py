"""Notify the person through the desktop, and let the computer sleep or shut down.

On Linux both go through D-Bus, by the client that the keyring brings along. Calls wait for at most `WAIT_S`, so they
belong into a `DiskStep`.
"""

import subprocess
import sys
from typing import Any

WAIT_S = 3.0
NOTIFICATIONS = ("SESSION", "/org/freedesktop/Notifications", "org.freedesktop.Notifications")
LOGIN = ("SYSTEM", "/org/freedesktop/login1", "org.freedesktop.login1")
METHODS = {"sleep": "Suspend", "off": "PowerOff"}
ALLOWED = (("yes",), ("challenge",))
"""Answers of logind: possible, or possible after the system has asked for a password."""


def notify(title: str, text: str) -> bool:
    """Show a notification through the Linux desktop; return False where there is none that shows it."""
    hints = {"desktop-entry": ("s", "fettle")}
    arguments: tuple[Any, ...] = ("Fettle", 0, "fettle", title, text, [], hints, -1)
    return _call(NOTIFICATIONS, "org.freedesktop.Notifications", "Notify", "susssasa{sv}i", arguments) is not None


def possible_powers() -> tuple[str, ...]:
    """Return what this computer and this account can do; () if that cannot be found out."""
    if sys.platform == "win32":
        import ctypes

        library = ctypes.windll.PowrProf
        can = {"sleep": library.IsPwrSuspendAllowed(), "off": library.IsPwrShutdownAllowed()}
        return tuple(power for power, is_possible in can.items() if is_possible)
    if sys.platform == "darwin":
        return ("sleep", "off")
    answers = {power: _ask_login(f"Can{method}") for power, method in METHODS.items()}
    return tuple(power for power, answer in answers.items() if answer in ALLOWED)


def use_power(power: str) -> bool:
    """Let the computer sleep or shut down; return False if the system refused. It may ask for a password first."""
    if sys.platform == "win32":
        if power == "off":
            return subprocess.run(["shutdown", "/s", "/t", "0"], check=False).returncode == 0
        import ctypes

        return bool(ctypes.windll.PowrProf.SetSuspendState(0, 0, 0))
    if sys.platform == "darwin":
        shut_down = ["osascript", "-e", 'tell application "System Events" to shut down']
        return subprocess.run(["pmset", "sleepnow"] if power == "sleep" else shut_down, check=False).returncode == 0
    return _ask_login(METHODS[power], "b", (True,)) is not None


def _ask_login(method: str, signature: str = "", arguments: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
    return _call(LOGIN, "org.freedesktop.login1.Manager", method, signature, arguments)


def _call(
    place: tuple[str, str, str], interface: str, method: str, signature: str, arguments: tuple[Any, ...]
) -> tuple[Any, ...] | None:
    """Return the answer of a D-Bus service, None without a bus, a service or an answer in time."""
    if sys.platform != "linux":
        return None
    from jeepney import DBusAddress, MessageType, new_method_call
    from jeepney.auth import AuthenticationError
    from jeepney.io.blocking import open_dbus_connection

    bus, path, name = place
    try:
        with open_dbus_connection(bus, auth_timeout=WAIT_S) as connection:
            message = new_method_call(DBusAddress(path, name, interface), method, signature or None, arguments)
            reply = connection.send_and_get_reply(message, timeout=WAIT_S)
    except (OSError, KeyError, ValueError, RuntimeError, AuthenticationError):
        return None
    return tuple(reply.body) if reply.header.message_type is MessageType.method_return else None
