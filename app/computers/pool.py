"""Provide worker processes on the computers that a person added."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from app.computers.fork import RemoteFork
from app.computers.packing import workers_version
from app.computers.records import computer, computers
from app.computers.ssh import ssh_command
from app.jobs.client import JobClient
from app.jobs.setup import WorkerSetup

HASHES = "hashes.json"


class RemotePool:
    """The source of worker processes on one computer; those that one pool provides may measure side by side."""

    def __init__(self, setup: WorkerSetup, fork: RemoteFork, machine: str) -> None:
        """Create a pool for the computer with this identity, which `fork` reaches."""
        self._setup, self._fork, self.machine = setup, fork, machine

    def take(self, torch: bool = False) -> JobClient:
        """Return a client for one job; no worker waits ahead, also not for `torch`."""
        return JobClient(self._setup, self._fork)


class AddedComputers:
    """The computers whose records are in a folder; owned by a workspace."""

    def __init__(self, folder: Path, setup: WorkerSetup) -> None:
        """Create access to the records; `setup` prepares the local side of jobs."""
        self._folder, self._setup = folder, setup

    def processors(self) -> Mapping[str, str]:
        """Return the name of each computer with the name of its processor, in the order of their names."""
        return {one.name: one.facts.processor if one.facts is not None else "" for one in computers(self._folder)}

    def pool(self, name: str) -> RemotePool:
        """Return the source of worker processes on a computer; raises KeyError.

        Workers of another version than this program's are refused there with the code `computer_unprepared`.
        """
        found = computer(self._folder, name)
        fork = RemoteFork(
            partial(ssh_command, self._folder, found),
            name=name,
            version=workers_version(),
            hashes=self._folder / HASHES,
        )
        return RemotePool(self._setup, fork, found.machine or name)
