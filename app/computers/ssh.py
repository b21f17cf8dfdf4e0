"""Reach another computer by the system's SSH: command lines, replies with limits, and errors in words.

The person's own settings of SSH are not read, so that a connection does only what is written here.
"""

import contextlib
import hashlib
import os
import selectors
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from app.computers.records import KEY, KNOWN_HOSTS, Computer
from app.jobs.environment import is_secret
from workers.contracts.errors import BackendMissing, WorkerError
from workers.contracts.translation import _, mark

Stopped = Callable[[], bool]
Way = Literal["key", "identity", "password"]
"""How a login was tried: by Fettle's own key, by the person's key file, or by password."""

CONNECT_S, ALIVE_S, ALIVE_TIMES = 10, 5, 3
PERSIST_S = 30
"""Seconds that a connection without a user stays open for the next command."""
VERB_WAIT_S = 30.0
TICK_S = 0.05
MOST_BYTES = 1 << 20
"""Most bytes of a reply that are read."""
TOKEN = "%"
"""Begin of what ssh replaces in the value of an option."""
SSH_FAILED = 255
"""Exit code of ssh itself, where the other computer reports nothing."""

FIXED = (
    "BatchMode=yes", "StrictHostKeyChecking=yes", "GlobalKnownHostsFile=/dev/null", "UpdateHostKeys=no",
    "IdentitiesOnly=yes", "ForwardAgent=no", "ClearAllForwardings=yes", "PermitLocalCommand=no", "EscapeChar=none",
    f"ConnectTimeout={CONNECT_S}", f"ServerAliveInterval={ALIVE_S}", f"ServerAliveCountMax={ALIVE_TIMES}",
)  # fmt: skip

REACHED_NOT = (
    "refused", "timed out", "timeout", "no route to host", "unreachable", "closed by", "reset by", "closed connection",
    "kex_exchange_identification", "banner exchange", "broken pipe", "not responding",
)  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """What a command on another computer left: its exit code, its output, and what it or ssh wrote to stderr."""

    code: int
    output: bytes
    error: str


class Unreached(BackendMissing):
    """The other computer could not be reached, or the connection was lost."""


def ssh_command(folder: Path, computer: Computer, *verb: str) -> list[str]:
    """Return the command line that runs a verb of the agent; its stdin and stdout are the agent's.

    Args:
        folder: Folder of the computers' records.
        computer: The computer.
        verb: The verb and its words.
    """
    place = folder / computer.name
    shared, persist = control_folder(), list[str]()
    if shared is not None:  # the name of the socket belongs to this key, so that no other record uses the connection
        name = hashlib.sha256(str(place.absolute()).encode()).hexdigest()[:20]
        persist = [f"ControlPath={quoted(shared / name)}", "ControlMaster=auto", f"ControlPersist={PERSIST_S}"]
    options = ["PreferredAuthentications=publickey", *persist, f"IdentityFile={quoted(place / KEY)}"]
    return base_command(computer, place / KNOWN_HOSTS, options, shlex.join(verb))


def base_command(computer: Computer, known_hosts: Path, options: Sequence[str], command: str = "") -> list[str]:
    """Return a command line of ssh with the options of each connection and these; the first value of each counts."""
    chosen = [*options, f"UserKnownHostsFile={quoted(known_hosts)}", *FIXED]
    words = [program("ssh"), "-F", "none", "-T", "-p", str(computer.port), "-l", computer.user]
    words += [word for option in chosen for word in ("-o", option)]
    return [*words, "--", computer.host, *([command] if command else [])]


def quoted(path: Path) -> str:
    """Return a path as a value of an option of ssh, which splits at spaces and replaces percent signs."""
    return '"' + str(path).replace(TOKEN, TOKEN * 2) + '"'


def program(name: str) -> str:
    """Return the path of a program of OpenSSH; raises BackendMissing."""
    found = shutil.which(name)
    if found is None or os.name != "posix":
        raise BackendMissing(
            "ssh_missing",
            mark("SSH is missing on this computer"),
            _("The program {0} of OpenSSH was not found.").format(name),
            mark("Install the package openssh-client of your system, then try again."),
        )
    return found


def control_folder() -> Path | None:
    """Return the folder of the sockets of open connections, which only this account may use; None without one.

    Its path is short, because the path of a socket has at most 104 bytes.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    root = (
        Path(runtime) if runtime and len(runtime) < 30 and os.access(runtime, os.W_OK) else Path(tempfile.gettempdir())
    )
    folder = root / f"fettle-{os.getuid()}"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        is_own = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o077
        return folder if is_own and len(str(folder)) < 40 else None
    return None


def environment(**more: str) -> dict[str, str]:
    """Return the variables for ssh, whose messages are read in English; secrets of other programs are left out."""
    own = {name: value for name, value in os.environ.items() if not is_secret(name)}
    return {**own, "LC_ALL": "C", **more}


def converse(
    command: Sequence[str],
    source: IO[bytes] | None = None,
    stopped: Stopped = lambda: False,
    wait_s: float = VERB_WAIT_S,
    on_line: Callable[[bytes], object] | None = None,
) -> Reply:
    """Run a command of ssh and return its reply; `on_line` gets each line of its output at once.

    Raises:
        InterruptedError: `stopped` returned True.
        Unreached: no byte arrived within `wait_s`.
    """
    process = subprocess.Popen(
        command, stdin=source or subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(), start_new_session=True,
    )  # fmt: skip
    try:
        output, error = _read(process, stopped, wait_s, on_line)
        return Reply(process.wait(CONNECT_S), output, error.decode("utf-8", "replace"))
    except subprocess.TimeoutExpired:
        raise stalled() from None
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _read(
    process: "subprocess.Popen[bytes]", stopped: Stopped, wait_s: float, on_line: Callable[[bytes], object] | None
) -> tuple[bytes, bytes]:
    """Return what the process writes to stdout and stderr until it has ended, each up to `MOST_BYTES`."""
    parts = {process.stdout: bytearray(), process.stderr: bytearray()}
    heard, begin = time.monotonic(), 0
    with selectors.DefaultSelector() as waiting:
        for stream in parts:
            assert stream is not None
            waiting.register(stream, selectors.EVENT_READ)
        while waiting.get_map():
            if stopped():
                raise InterruptedError("the connection was stopped")
            if time.monotonic() - heard > wait_s:
                raise stalled()
            for key, _events in waiting.select(TICK_S):
                heard = time.monotonic()
                piece, part = os.read(key.fd, 1 << 16), parts[key.fileobj]  # type: ignore[index]
                if len(part) + len(piece) > MOST_BYTES:
                    process.kill()
                    continue
                if not piece:
                    waiting.unregister(key.fileobj)
                part += piece
                if key.fileobj is process.stdout and on_line is not None:
                    while (end := part.find(b"\n", begin)) >= 0:
                        on_line(bytes(part[begin:end]))
                        begin = end + 1
    return bytes(parts[process.stdout]), bytes(parts[process.stderr])


def stalled() -> Unreached:
    """Return the error of a network that transports nothing."""
    return Unreached(
        "connection_stalled",
        mark("The connection has stalled"),
        mark(
            "Nothing arrived from the computer for a while, so the connection was closed. Nothing was left half done."
        ),
        mark("Check the network between both computers, then try again."),
    )


def refused_by_ssh(computer: Computer, error: str, by: Way = "key") -> WorkerError:
    """Return the error of a connection that ssh could not make, from its message, which goes to the log."""
    text = error.lower()
    facts: Mapping[str, str] = {"ssh": error[-2000:]}
    where = computer.address
    if "identification has changed" in text or "host key verification failed" in text:
        return host_key_changed(computer, facts)
    if "permission denied" in text or "too many authentication failures" in text:
        return _not_let_in(where, facts, by)
    if "could not resolve hostname" in text or "getaddrinfo" in text:
        code, title = "host_unknown", mark("There is no computer of this name")
        detail = _("The name in {0} was not found in this network.").format(where)
        hint = mark("Check the spelling, or enter the computer's IP address, such as 192.168.1.20.")
    elif any(part in text for part in REACHED_NOT):
        code, title = "not_reached", mark("The computer cannot be reached")
        detail = _("{0} does not answer, or has no SSH service at this port.").format(where)
        hint = mark(
            "Check that it is on, in this network, and that SSH is enabled. After several attempts, wait a minute."
        )
    else:
        last = next((line for line in reversed(error.splitlines()) if line.strip()), "ssh")
        code, title = "ssh_failed", mark("The connection could not be made")
        detail = _("{0}: {1}").format(where, last[:200])
        hint = mark("Try “ssh” with this address in a terminal to see what is wrong.")
    return Unreached(code, title, detail, hint, facts=facts)


def host_key_changed(computer: Computer, facts: Mapping[str, str] | None = None) -> WorkerError:
    """Return the error of a computer that identifies itself by another key than before."""
    return BackendMissing(
        "host_key_changed",
        mark("The computer identifies itself by another key"),
        _("{0} has another host key than when you added it. Nothing was sent.").format(computer.address),
        mark("If it was installed anew, remove it here and add it again. If not, someone may be imitating it."),
        facts=facts,
    )


def _not_let_in(where: str, facts: Mapping[str, str], by: Way) -> WorkerError:
    if by == "identity":
        code, title = "identity_refused", mark("Your key was not accepted")
        detail = _("{0} did not let this user in with your key. Nothing was changed there.").format(where)
        hint = mark("Check that the key may log in there. If it has a passphrase, enter it as the password.")
    elif by == "password":
        code, title = "wrong_password", mark("The password was not accepted")
        detail = _("{0} did not let this user in with this password. Nothing was changed there.").format(where)
        hint = mark(
            "Check the user name and the password. Some computers allow keys only; then name your own key file."
        )
    else:
        code, title = "key_refused", mark("The key was not accepted")
        detail = _("{0} did not let this user in with this key.").format(where)
        hint = mark("If the key was removed there, remove the computer here and add it again.")
    return BackendMissing(code, title, detail, hint, facts=facts)
