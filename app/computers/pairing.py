"""Add, check and remove other computers; a failed or stopped addition leaves nothing on either side."""

import contextlib
import json
import secrets
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.computers.fitting import check_fits, refused_there
from app.computers.login import HostKey, Login
from app.computers.packing import agent_archive, workers_package
from app.computers.records import (
    KEY,
    KNOWN_HOSTS,
    Computer,
    ComputerFacts,
    complete,
    computer,
    computers,
    forget,
    new_place,
    read_facts,
    save,
)  # fmt: skip
from app.computers.ssh import (
    Reply,
    Stopped,
    Unreached,
    converse,
    environment,
    host_key_changed,
    program,
    ssh_command,
)
from app.paths import unusable
from workers.contracts.errors import BackendMissing, InputRefused, WorkerError
from workers.contracts.translation import _, mark

ARRIVAL = Path(__file__).resolve().parents[2] / "workers" / "remote" / "arrival.py"
START = (
    "command -v python3 >/dev/null || exit 127; "
    "exec python3 -I -c 'import sys; sys.version_info >= (3, 8) or sys.exit(64); "
    "exec(sys.stdin.buffer.read(int(sys.argv[1])))' {length}"
)
"""Command that runs the first `length` bytes of its input as a program of Python."""
SETUP_WAIT_S = 900.0
"""Seconds that one stage of the setup may be silent: the check of the packages on a slow disk."""


@dataclass
class SetupStatus:
    """Progress of an addition, written while it works and read by the display; `share` is None if unknown."""

    line: str = ""
    share: float | None = None

    def show(self, line: str, share: float | None = None) -> None:
        """Keep the words of the step that runs now, which the display reads."""
        self.line, self.share = line, share


@dataclass(frozen=True)
class Request:
    """What it takes to add a computer: who it is, its confirmed host key, and one way to log in.

    PyTorch may also come from the package index `torch_index`. With the person's key file `identity`, `password` is its
    passphrase; "" if it has none or ssh-agent holds the key.
    """

    computer: Computer
    host_key: HostKey
    password: str = field(default="", repr=False)
    identity: Path | None = None
    torch_index: str = ""


STAGES = {
    "Preparing": mark("Preparing Python there"),
    "Downloading": mark("Downloading packages there"),
    "Installing": mark("Installing packages there"),
    "Checking": mark("Checking the installation"),
}


def add(folder: Path, request: Request, status: SetupStatus, stopped: Stopped) -> Computer:
    """Log in once, install the workers and a key of Fettle's own, and return the stored computer.

    Raises:
        WorkerError: something was refused or failed; nothing is left.
        InterruptedError: `stopped` returned True; nothing is left.
    """
    target = request.computer
    before = next((one for one in computers(folder) if one.name == target.name), None)
    if before is not None and before.address != target.address:
        raise InputRefused(
            "name_taken",
            mark("There is another computer of this name"),
            _("“{0}” is {1}.").format(target.name, before.address),
            mark("Choose another name, or remove that computer first."),
        )
    if before is not None and (folder / target.name / KNOWN_HOSTS).read_text().strip() != request.host_key.line:
        raise host_key_changed(target)
    if not request.password and request.identity is None:
        raise InputRefused(
            "no_password",
            mark("A password or a key is needed"),
            mark("Fettle logs in once to install its workers."),
            mark("Enter the password of that computer, or the file of your own key."),
        )
    place = new_place(folder, target.name)
    try:
        (place / KNOWN_HOSTS).write_text(request.host_key.line + "\n", encoding="ascii")
        (place / KNOWN_HOSTS).chmod(0o600)
        with Login(target, place, place / KNOWN_HOSTS, request.password, request.identity) as login:
            status.show(_("Logging in"))
            login.connect(stopped)
            added = _set_up(login, request, place, status, stopped, before.key_id if before is not None else "")
        save(place, added)
        complete(folder, target.name)
    except OSError as error:
        if isinstance(error, InterruptedError):
            raise
        raise unusable(place, error) from error
    finally:
        forget(folder, f"{target.name}.part")
    return added


def _set_up(
    login: Login, request: Request, place: Path, status: SetupStatus, stopped: Stopped, old_key: str
) -> Computer:
    """Install agent, workers and key over an open login, look at the computer with the key, and remove the old key."""
    target, index = request.computer, [request.torch_index] if request.torch_index else []
    status.show(_("Looking at the computer"))
    program_text = ARRIVAL.read_bytes()
    words = "exec /bin/sh -c " + shlex.quote(START.format(length=len(program_text)))
    reply = _run(login.command(words), program_text + agent_archive(), target, stopped)
    report = _document(reply.output)
    home, python = str(report.get("home", "")), str(report.get("executable", ""))
    was_there = "is_new" if report.get("is_new") is True else "was_there"
    setup = [python, "-I", f"{home}/agent/workers/remote/setup.py", home]
    key_id = f"fettle-{secrets.token_hex(8)}"
    own = target.model_copy(update={"name": place.name})

    def run(*action: str, data: bytes = b"", on_line: Callable[[bytes], object] | None = None) -> None:
        _run(login.command(shlex.join([*setup, *action])), data, target, stopped, on_line)

    try:
        check_fits(_facts(report))
        package = workers_package()
        status.show(_("Sending the workers"))
        run(
            "install", package.version, package.environment, *index, data=package.archive,
            on_line=lambda line: _show(status, line),
        )  # fmt: skip
        status.show(_("Letting Fettle's own key in"))
        run("authorize", key_id, data=_make_key(place, key_id))
        status.show(_("Connecting with the key"))
        facts = _look(place.parent, own, stopped)
        if old_key:
            run("undo", old_key, "was_there")
    except BaseException:
        with contextlib.suppress(WorkerError, OSError):
            command = login.command(shlex.join([*setup, "undo", key_id, was_there]))
            converse(command)
        raise
    finally:
        close(place.parent, own)
    return target.model_copy(
        update={"facts": facts, "workers_version": package.version, "key_id": key_id, "home": home}
    )


def check(folder: Path, name: str, stopped: Stopped = lambda: False) -> Computer:
    """Look at a computer again, store its facts and return it; raises `WorkerError`."""
    known = find(folder, name)
    checked = known.model_copy(update={"facts": _look(folder, known, stopped)})
    save(folder / name, checked)
    return checked


def remove(folder: Path, name: str, stopped: Stopped = lambda: False) -> bool:
    """Remove Fettle's key and files from a computer and forget it; return whether it was reached.

    The record and the private key are removed in any case, so that nobody can use the key any more.
    """
    known = find(folder, name)
    try:
        command = ssh_command(folder, known, "leave", known.key_id)
        reached = converse(command, stopped=stopped, wait_s=SETUP_WAIT_S).code == 0
    except (Unreached, BackendMissing):
        reached = False
    close(folder, known)
    forget(folder, name)
    return reached


def find(folder: Path, name: str) -> Computer:
    """Return the computer with this name; raises `InputRefused`."""
    try:
        return computer(folder, name)
    except KeyError:
        raise InputRefused(
            "no_such_computer",
            mark("There is no such computer"),
            _("No computer is called “{0}”.").format(name[:80]),
            mark("See the list of computers, or add it."),
        ) from None


def close(folder: Path, known: Computer) -> None:
    """Close the connection that waits for a next command."""
    command = ssh_command(folder, known)
    at = command.index("--")
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(
            [*command[:at], "-O", "exit", *command[at:]], stdin=subprocess.DEVNULL, capture_output=True, timeout=5,
            check=False, env=environment(),
        )  # fmt: skip


def _look(folder: Path, known: Computer, stopped: Stopped) -> ComputerFacts:
    reply = converse(ssh_command(folder, known, "look"), stopped=stopped)
    if reply.code != 0:
        raise refused_there(known, reply)
    return _facts(_document(reply.output))


def _run(
    command: list[str],
    data: bytes,
    target: Computer,
    stopped: Stopped,
    on_line: Callable[[bytes], object] | None = None,
) -> Reply:
    with tempfile.TemporaryFile() as source:
        source.write(data)
        source.seek(0)
        reply = converse(command, source, stopped, SETUP_WAIT_S if on_line else 60.0, on_line)
    if reply.code != 0:
        raise refused_there(target, reply)
    return reply


def _show(status: SetupStatus, line: bytes) -> None:
    """Show one line of the setup's progress."""
    with contextlib.suppress(ValueError, TypeError, KeyError, OverflowError, RecursionError):
        report = json.loads(line)
        done, total = int(report["done"]), int(report["total"])
        status.show(_(STAGES[report["what"]]), min(1.0, done / total) if total else None)


def _document(output: bytes) -> dict[str, Any]:
    """Return the last line of an output as a document; a login may print other lines first."""
    last = output.strip().splitlines()[-1:] or [b""]
    with contextlib.suppress(ValueError, RecursionError):
        report = json.loads(last[0])
        if isinstance(report, dict):
            return report
    raise _no_facts()


def _facts(report: dict[str, Any]) -> ComputerFacts:
    try:
        return read_facts(report, time.time())
    except ValidationError as error:
        raise _no_facts() from error


def _no_facts() -> WorkerError:
    return BackendMissing(
        "no_facts",
        mark("The computer gave no usable answer"),
        mark("It did not describe itself as expected. Nothing was left half done."),
        mark("Make sure that its login prints nothing else, then add it again."),
    )


def _make_key(place: Path, key_id: str) -> bytes:
    """Make Fettle's own key for one computer and return its public part."""
    command = [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", key_id, "-f", str(place / KEY)]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60, env=environment())
    public = place / f"{KEY}.pub"
    text = public.read_bytes()
    public.unlink()
    return text
