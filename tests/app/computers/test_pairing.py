"""Adding, checking and removing another computer over real SSH on loopback."""

from pathlib import Path

import pytest
from own_sshd import PASSWORD, Sshd, own_sshd  # noqa: F401

from app.computers.login import scan
from app.computers.packing import workers_version
from app.computers.pairing import Request, SetupStatus, add, check, remove
from app.computers.records import Computer, computers


def add_it(folder: Path, sshd: Sshd, *, password: str = "") -> Computer:
    request = Request(sshd.computer, scan(sshd.computer), password, None if password else sshd.identity)
    return add(folder, request, SetupStatus(), lambda: False)


def test_computer_added_with_password_is_installed_restricted_and_removed(own_sshd: Sshd, tmp_path: Path) -> None:
    folder = tmp_path / "computers"
    own_sshd.place_packages()
    added = add_it(folder, own_sshd, password=PASSWORD)
    assert added.workers_version == workers_version()
    print(added)
    assert computers(folder) == (added,)
    assert check(folder, "target").machine == added.machine
    assert remove(folder, "target")
