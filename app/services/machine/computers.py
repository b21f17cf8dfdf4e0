"""Add, check and remove other computers as flows of the window, which do not block it."""

import time
from collections.abc import Callable
from functools import partial

from app.computers import login, pairing
from app.computers.login import HostKey
from app.computers.pairing import Request, SetupStatus
from app.computers.records import Computer
from app.paths import prepare
from app.services.flow.steps import DiskStep, Flow
from app.services.flow.workspace import Workspace

JOBS_END_S = 10.0
"""Longest wait for cancelled jobs; those that are left end when the files there are removed."""


def read_host_key(target: Computer) -> Flow[HostKey]:
    """Return the host key that a computer shows; raises `WorkerError`."""
    key: HostKey = yield DiskStep(partial(login.scan, target), ends_late=True)
    return key


def add_computer(space: Workspace, request: Request, status: SetupStatus) -> Flow[Computer]:
    """Add a computer and return it; raises `WorkerError`, and a cancel leaves nothing."""
    folder = prepare(space.paths).computers
    added: Computer = yield DiskStep(partial(pairing.add, folder, request, status), ends_late=True)
    return added


def check_computer(space: Workspace, name: str) -> Flow[Computer]:
    """Look at a computer again and return it; raises `WorkerError`."""
    checked: Computer = yield DiskStep(partial(pairing.check, space.paths.computers, name), ends_late=True)
    return checked


def remove_computer(space: Workspace, name: str, is_used: Callable[[], bool]) -> Flow[bool]:
    """Remove a computer after its cancelled jobs have ended, and return whether it was reached."""
    yield DiskStep(partial(_wait, is_used), ends_late=True)
    reached: bool = yield DiskStep(partial(pairing.remove, space.paths.computers, name), ends_late=True)
    return reached


def _wait(is_used: Callable[[], bool], stopped: Callable[[], bool]) -> None:
    until_s = time.monotonic() + JOBS_END_S
    while is_used() and not stopped() and time.monotonic() < until_s:
        time.sleep(0.05)
