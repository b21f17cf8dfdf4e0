"""Adding, checking and removing another computer over real SSH on loopback."""

import dataclasses
import json
import stat
import subprocess
import time
from pathlib import Path

import pytest
from own_sshd import PASSWORD, Sshd

from app.computers import fitting, packing, pairing
from app.computers.login import needs_passphrase, scan
from app.computers.pairing import Request, SetupStatus, add, check, remove
from app.computers.records import computers
from workers.contracts.errors import WorkerError

NOW = lambda: False  # noqa: E731


def refused(folder: Path, sshd: Sshd, **how: str) -> str:
    """The code of the refusal; nothing may be left on either side."""
    with pytest.raises(WorkerError) as error:
        sshd.add(folder, **how)
    assert not sshd.workers.exists() and not list(folder.iterdir())
    assert "fettle" not in (sshd.home / ".ssh" / "authorized_keys").read_text()
    assert error.value.title and error.value.detail and error.value.hint
    return error.value.code


def test_computer_added_by_password_has_workers_that_start_and_leaves_nothing(own_sshd: Sshd, tmp_path: Path) -> None:
    """Given a computer with a password, When it is added, Then the real workers import there, only its owner can read
    what is there and here, no file holds the password, and removing it leaves the home folder as it was."""
    if not own_sshd.has_password:
        pytest.skip("a password needs an account of its own: root")
    folder, keys = tmp_path / "my 100% computers", own_sshd.home / ".ssh" / "authorized_keys"
    before = keys.read_text()
    own_sshd.place_packages()
    added = own_sshd.add(folder, PASSWORD)
    assert computers(folder) == (added,) and added.facts is not None
    assert added.facts.versions == (packing.workers_version(),) == (added.workers_version,)
    assert check(folder, "target").machine == added.machine != ""
    assert list(own_sshd.workers.glob("versions/*/code/workers/prune/__pycache__/*.pyc"))
    for path in [own_sshd.workers, *own_sshd.workers.rglob("*"), folder / "target", *(folder / "target").iterdir()]:
        if not path.is_symlink() and "environments" not in path.parts:
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
            assert not path.is_file() or PASSWORD.encode() not in path.read_bytes()
    assert remove(folder, "target") and computers(folder) == ()
    assert not (own_sshd.home / ".cache").exists()
    assert keys.read_text() == before and not own_sshd.workers.exists()


@pytest.mark.usefixtures("quick_setup")
def test_computer_added_again_gets_a_new_key_and_loses_the_old_one(own_sshd: Sshd, tmp_path: Path) -> None:
    """Given a computer, When it is added again, Then one key of Fettle is there; another Fettle's key keeps the files."""
    own_sshd.place_packages()
    first = own_sshd.add(tmp_path / "one")
    again = own_sshd.add(tmp_path / "one")
    own_sshd.add(tmp_path / "two")
    text = (own_sshd.home / ".ssh" / "authorized_keys").read_text()
    assert first.key_id not in text and again.key_id in text and len(text.splitlines()) == 3
    assert remove(tmp_path / "one", "target") and check(tmp_path / "two", "target").name == "target"
    assert remove(tmp_path / "two", "target") and not own_sshd.workers.exists()


def test_wrong_password_is_refused_and_nothing_changes(own_sshd: Sshd, tmp_path: Path) -> None:
    """Given a wrong password, Then it is refused as such."""
    assert refused(tmp_path / "computers", own_sshd, password="wrong") == "wrong_password"


@pytest.mark.parametrize("passphrase", ["", "wrong", PASSWORD])
@pytest.mark.usefixtures("quick_setup")
def test_key_file_of_the_person_opens_with_its_passphrase_only(own_sshd: Sshd, tmp_path: Path, passphrase: str) -> None:
    """Given a key file with a passphrase, Then only the right one adds the computer; without any way to log in nothing
    is tried."""
    own_sshd.place_packages()
    change = ["ssh-keygen", "-q", "-p", "-P", "", "-N", PASSWORD, "-f", str(own_sshd.identity)]
    subprocess.run(change, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    assert needs_passphrase(own_sshd.identity)
    request = Request(own_sshd.computer, scan(own_sshd.computer), passphrase, own_sshd.identity)
    if passphrase == PASSWORD:
        assert add(tmp_path / "computers", request, SetupStatus(), NOW).key_id
        return
    ways = [(request, "identity_refused")]
    if not passphrase:
        ways.append((dataclasses.replace(request, identity=None), "no_password"))
    for way, code in ways:
        with pytest.raises(WorkerError) as error:
            add(tmp_path / "computers", way, SetupStatus(), NOW)
        assert error.value.code == code


@pytest.mark.parametrize("code", ["python_missing", "python_old"])
def test_computer_without_a_fitting_python_is_refused(own_sshd: Sshd, tmp_path: Path, code: str) -> None:
    """Given no Python, or one that says it is too old, Then the refusal says so."""
    programs = tmp_path / "programs"
    programs.mkdir()
    if code == "python_old":
        (programs / "python3").write_text("#!/bin/sh\nexit 64\n")
        (programs / "python3").chmod(0o755)
    own_sshd.use_path(programs)
    assert refused(tmp_path / "computers", own_sshd) == code


def test_computer_without_room_is_refused_before_any_download(
    own_sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given packages that are larger than any disk, Then the addition ends at once."""
    plan = {"hashed.txt": "", "torch.txt": "", "plan.json": json.dumps({"packages": 1, "installed_bytes": 10**18})}
    monkeypatch.setattr(packing, "lock_files", lambda: plan)
    monkeypatch.setattr(pairing, "workers_package", packing.workers_package.__wrapped__)
    assert refused(tmp_path / "computers", own_sshd) == "no_room"


def test_computer_of_another_processor_is_refused(
    own_sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a processor that no packages exist for, Then nothing is installed."""
    monkeypatch.setattr(fitting, "OLDEST_GLIBC", {"riscv64": (2, 39)})
    assert refused(tmp_path / "computers", own_sshd) == "other_processor"


@pytest.mark.usefixtures("quick_setup")
def test_stopped_addition_leaves_nothing(own_sshd: Sshd, tmp_path: Path) -> None:
    """Given an addition that is stopped while the workers are sent, Then nothing is left on either side."""
    status = SetupStatus()
    request = Request(own_sshd.computer, scan(own_sshd.computer), identity=own_sshd.identity)
    with pytest.raises(InterruptedError):
        add(tmp_path / "computers", request, status, lambda: status.line == "Sending the workers")
    assert not own_sshd.workers.exists() and not list((tmp_path / "computers").iterdir())


@pytest.mark.usefixtures("quick_setup")
def test_changed_host_key_is_never_accepted(own_sshd: Sshd, tmp_path: Path) -> None:
    """Given a computer whose host key changes, Then a check and another addition refuse it, and removing it
    works without it."""
    own_sshd.place_packages()
    known = own_sshd.add(tmp_path / "computers")
    pairing.close(tmp_path / "computers", known)
    own_sshd.change_host_key()
    for act in (lambda: check(tmp_path / "computers", "target"), lambda: own_sshd.add(tmp_path / "computers")):
        with pytest.raises(WorkerError) as error:
            act()
        assert error.value.code == "host_key_changed"
    assert not remove(tmp_path / "computers", "target") and computers(tmp_path / "computers") == ()


@pytest.mark.usefixtures("quick_setup")
def test_name_of_another_computer_is_not_taken(own_sshd: Sshd, tmp_path: Path) -> None:
    """Given a computer, When another one is added under its name, Then it stays."""
    own_sshd.place_packages()
    known = own_sshd.add(tmp_path / "computers")
    other = known.model_copy(update={"host": "localhost"})
    with pytest.raises(WorkerError) as error:
        add(tmp_path / "computers", Request(other, scan(known)), SetupStatus(), NOW)
    assert error.value.code == "name_taken" and computers(tmp_path / "computers") == (known,)


@pytest.mark.whole
@pytest.mark.usefixtures("quick_setup", "impatient_ssh")
def test_stalled_computer_is_given_up_and_used_again_when_it_is_back(own_sshd: Sshd, tmp_path: Path) -> None:
    """Given a computer whose processes stand still, Then a check ends in seconds; when they go on, it works again."""
    own_sshd.place_packages()
    own_sshd.add(tmp_path / "computers")
    check(tmp_path / "computers", "target")
    with own_sshd.frozen():
        began_s = time.monotonic()
        for _connection in ("the open one", "a new one"):
            with pytest.raises(WorkerError) as error:
                check(tmp_path / "computers", "target")
            assert error.value.code in ("not_reached", "connection_stalled")
        assert time.monotonic() - began_s < 20
    assert check(tmp_path / "computers", "target").name == "target"
