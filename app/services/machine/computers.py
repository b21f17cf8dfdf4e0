"""Add, check and remove other computers as flows of the window, which do not block it."""

from functools import partial

from app.computers import login, pairing
from app.computers.login import HostKey
from app.computers.pairing import Request, SetupStatus
from app.computers.records import Computer
from app.paths import prepare
from app.services.flow.steps import DiskStep, Flow
from app.services.flow.workspace import Workspace


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


def remove_computer(space: Workspace, name: str) -> Flow[bool]:
    """Remove a computer and return whether it was reached."""
    reached: bool = yield DiskStep(partial(pairing.remove, space.paths.computers, name), ends_late=True)
    return reached
