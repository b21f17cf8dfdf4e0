"""Look for, download, install and refuse updates, with a server on this computer and real worker processes."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from flows import codes, go
from run_text import run_text
from update_server import NEW, OLD, UpdateServer, days, served_update

from app.cli.output import Globals
from app.cli.session import workspace
from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.steps import DiskStep
from app.services.flow.workspace import Workspace
from app.services.machine.optional_sets import InstallerStatus
from app.services.machine.updates.flows import download_update, install_update, look_for_update
from app.services.machine.updates.program import Program


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UpdateServer]:
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    with served_update(tmp_path, monkeypatch) as serving:
        yield serving


@pytest.fixture
def space(tmp_path: Path, server: UpdateServer) -> Iterator[Workspace]:
    with workspace(Globals(data_dir=tmp_path / "home"), writes=True) as opened:
        yield opened


def starts(server: UpdateServer) -> str:
    return run_text([server.launcher, "--version"]).stdout.split()[-1]


def test_update_cut_in_the_middle_goes_on_and_runs_at_the_next_start(server: UpdateServer, space: Workspace) -> None:
    """Given a download that breaks off and a program that is killed meanwhile, when both go on, then the new version
    runs at the next start, and going back starts the old one."""
    program = Program()
    index = go(space, look_for_update(space, program, None))
    assert (index.version, program.current, program.next_version) == (NEW, OLD, OLD)
    name, size = server.delta, (server.folder / server.delta).stat().st_size
    assert size == index.archive(program.platform, OLD).size_bytes < 2_200_000
    server.hub.block_delay_s = 0.02
    driver = Driver(space, download_update(space, program, index), ignore)
    while server.hub.sent.get(name, 0) < 600_000:
        assert driver.tick()
    driver.interrupt()
    here = sum(path.stat().st_size for path in space.paths.updates.rglob("*") if path.is_file())
    assert 0 < here < size
    server.hub.block_delay_s, server.hub.sent[name], server.hub.drops[name] = 0.0, 0, [1_300_000]
    archive = go(space, download_update(space, program, index))
    assert server.hub.sent[name] <= size - here + (1 << 17)
    go(space, install_update(space, program, index, archive, InstallerStatus()))
    assert (starts(server), program.current, program.other_version) == (NEW, NEW, OLD)
    assert not space.paths.updates.exists() and not program.has_leftovers()
    go(space, DiskStep(partial(program.switch, InstallerStatus())).run())
    assert (starts(server), program.next_version, program.other_version) == (OLD, OLD, NEW)


def test_index_that_is_wrong_old_or_expired_is_refused(server: UpdateServer, space: Workspace) -> None:
    """Given indexes that nobody may trust, when each is looked at, then its code says why and nothing changes."""
    program, issued = Program(), go(space, look_for_update(space, Program(), None)).issued
    signed = json.loads((server.folder / "index.json").read_text())["signed"]

    def code(text: str = "", **fields: object) -> tuple[str, int]:
        server.change(text, **fields)
        return codes(go, space, look_for_update(space, program, issued))

    assert code(json.dumps({"signed": signed.replace(NEW, "9.9.9"), "signature": "00" * 64})) == ("update_signature", 3)
    assert code(json.dumps({"signed": signed, "signature": "no"})) == ("update_signature", 3)
    assert code(expires=days(-1)) == ("update_expired", 3)
    assert code(version="0.1.9", issued=days(0)) == ("update_older", 3)
    assert code(issued=days(-30)) == ("update_older", 3)
    assert code(version="../9") == ("update_format", 3)
    assert code("<html>") == ("update_unreachable", 6)
    assert code("x" * (2 << 20)) == ("update_unreachable", 6)
    server.change()
    go(space, look_for_update(space, program, issued))
    assert starts(server) == OLD


def test_archive_that_is_changed_is_refused_and_removed(server: UpdateServer, space: Workspace) -> None:
    """Given an archive that is truncated or changed, when it is downloaded, then it is removed and the old one runs."""
    program = Program()
    index = go(space, look_for_update(space, program, None))
    data = (server.folder / server.delta).read_bytes()
    for body in (data[:-1], data[:-1] + b"x"):
        server.hub.bodies[server.delta] = body
        assert codes(go, space, download_update(space, program, index)) == ("update_damaged", 3)
    assert not any(path.is_file() for path in space.paths.updates.rglob("*"))
    server.hub.bodies.clear()
    archive = go(space, download_update(space, program, index))
    archive.write_bytes(data[:-1] + b"x")
    installing = install_update(space, program, index, archive, InstallerStatus())
    assert codes(go, space, installing) == ("version_damaged", 6)
    assert starts(server) == OLD


def test_program_of_the_package_manager_goes_back_for_one_person(
    server: UpdateServer, space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a program that this account may not change, when it goes back and forth, then only its choice changes."""
    program = Program()
    index = go(space, look_for_update(space, program, None))
    archive = go(space, download_update(space, program, index))
    go(space, install_update(space, program, index, archive, InstallerStatus()))
    monkeypatch.setattr("app.services.machine.updates.program.PACKAGED", server.root)
    before = (server.root / "pointer").read_bytes()
    for expected, other in ((OLD, NEW), (NEW, OLD)):
        go(space, DiskStep(partial(program.switch, InstallerStatus())).run())
        assert (program.kind, program.next_version, program.other_version) == ("package", expected, other)
        assert starts(server) == expected
    assert (server.root / "pointer").read_bytes() == before


def test_without_server_or_with_an_open_address_nothing_is_asked(
    server: UpdateServer, space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given no server, one without encryption, or offline mode, when it is looked for, then no request is sent."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert codes(go, space, look_for_update(space, Program(), None)) == ("update_offline", 6)
    monkeypatch.setenv("FETTLE_UPDATE_SERVER", "http://updates.example.org")
    assert codes(go, space, look_for_update(space, Program(), None)) == ("update_not_encrypted", 3)
    monkeypatch.delenv("FETTLE_UPDATE_SERVER")
    assert codes(go, space, look_for_update(space, Program(), None)) == ("update_no_server", 6)
    assert server.hub.seen == []
    assert Program({}).kind == "clone"
