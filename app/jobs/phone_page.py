"""Open a page for one phone in the local network: a process of its own that ends with its dialog."""

import contextlib
import ipaddress
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
from pydantic import ValidationError

from app.files import write_whole
from app.jobs.served import ROOT, Served, listening, serve
from workers.contracts.after.phone import SECONDS, PhoneOrder, PhoneState
from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.messages import Limits

SCRIPT = ROOT / "workers" / "export" / "web" / "phone" / "server.py"
VARIABLE = "FETTLE_PHONE_ADDRESS"
"""Address to use in place of those of the local network, for tests on the loopback address."""
FIRST_PORT, START_S, END_S, MOST_BYTES = 8600, 60.0, 5.0, 16 << 10
LIMITS = Limits(memory_bytes=4 << 30, cpu_s=SECONDS, file_bytes=16 << 20)
LETTERS, KEY_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz", 14
"""Letters of the key that nobody confuses; 14 of them are 69 bits."""
OWN_NETWORKS = ("docker", "br-", "veth", "virbr", "vmnet", "vboxnet")
"""Beginnings of the names of networks that exist inside this computer alone."""


def local_addresses(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return this computer's private IPv4 addresses, that of the usual route first; () without a local network."""
    if chosen := environ.get(VARIABLE):
        return (chosen,)
    states, found = psutil.net_if_stats(), []
    for name, entries in psutil.net_if_addrs().items():
        if name in states and states[name].isup and not name.startswith(OWN_NETWORKS):
            found += [entry.address for entry in entries if entry.family == socket.AF_INET and _is_local(entry.address)]
    usual = _usual_address()
    return tuple(sorted(found, key=lambda address: address != usual))


def _is_local(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return address.is_private and not (address.is_loopback or address.is_link_local)


def _usual_address() -> str:
    """Return the address from which this computer would reach others; connecting a UDP socket sends nothing."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return ""


class PhonePage:
    """The page of one version in the local network while it is open; owned by the controller of its dialog.

    `folder` holds the unpacked `bundles`, the order with the key, and the state that the process writes.
    """

    def __init__(self, folder: Path) -> None:
        """Know the folder; nothing listens yet."""
        self.bundles, self._home = folder / "bundles", folder / "home"
        self._folder, self._state_file = folder, folder / "home" / "state.json"
        self._child: Served | None = None
        self.address = ""
        self.ends_s = 0.0

    @property
    def left_s(self) -> float:
        """Return the seconds until the page ends by itself."""
        return max(0.0, self.ends_s - time.monotonic())

    def open(self, bundle: str, host: str, stopped: Callable[[], bool], seconds: float = SECONDS) -> bool:
        """Serve an unpacked bundle at an address of this computer with a new key, and wait until it answers.

        Returns:
            Whether it answers; if not, nothing listens.

        Raises:
            OSError: No port or process can be had, or a file cannot be written.
            InterruptedError: `stopped` returned True; nothing listens then.
        """
        self.close()
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._state_file.unlink(missing_ok=True)
        key = "".join(secrets.choice(LETTERS) for _ in range(KEY_LETTERS))
        order = PhoneOrder(
            bundle=str(self.bundles / bundle), state=str(self._state_file), host=host, key=key, seconds=seconds
        )
        place = self._folder / "order.json"
        write_whole(place, order.model_dump_json().encode())
        config = ChildConfig(
            parent_pid=os.getpid(), write_root=str(self._home), home=str(self._home),
            read_roots=(order.bundle, str(place)),
        )  # fmt: skip
        with listening(host, FIRST_PORT) as listener:
            port = listener.getsockname()[1]
            self._child = serve(SCRIPT, ["--order", str(place)], config, LIMITS, listener, self._folder / "phone.log")
        until_s = time.monotonic() + START_S
        while self._child.poll() is None and time.monotonic() < until_s and not stopped():
            if self.state() is not None:
                self.address, self.ends_s = f"http://{host}:{port}/#{key}", time.monotonic() + seconds
                return True
            time.sleep(0.05)
        self.close()
        if stopped():
            raise InterruptedError("opening the page was stopped")
        return False

    def state(self) -> PhoneState | None:
        """Return the state that the process wrote; None without a valid one."""
        try:
            with self._state_file.open("rb") as file:
                return PhoneState.model_validate_json(file.read(MOST_BYTES))
        except (OSError, ValidationError):
            return None

    @property
    def is_open(self) -> bool:
        """Return whether the page can be reached."""
        return self._child is not None and self._child.poll() is None

    def close(self) -> None:
        """End the process at once, which closes its socket and connections; the key is worthless afterwards."""
        child, self._child, self.address = self._child, None, ""
        if child is not None:
            child.kill()
            child.wait(END_S)
            if child.stdin is not None:
                child.stdin.close()
        (self._folder / "order.json").unlink(missing_ok=True)
