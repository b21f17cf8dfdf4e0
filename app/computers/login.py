"""Log in to another computer as the person, once: by password or by the person's own key.

The password goes from memory through a pipe to ssh (`SSH_ASKPASS`). It is never stored, and on no command line.
"""

import base64
import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from app.computers.records import Computer
from app.computers.ssh import (
    TICK_S,
    Stopped,
    base_command,
    control_folder,
    converse,
    environment,
    program,
    quoted,
    refused_by_ssh,
    stalled,
)  # fmt: skip

SCAN_S = 12
LOGIN_WAIT_S = 40.0
KINDS = ("ed25519", "ecdsa", "rsa")
"""Kinds of host keys, the preferred one first. Each is a connection without a login, which OpenSSH 9.8 punishes."""
ASK = '#!/bin/sh\nexec cat "$(dirname "$0")/secret"\n'


@dataclass(frozen=True)
class HostKey:
    """The key by which a computer identifies itself; `line` is its line of `known_hosts`."""

    line: str

    @property
    def fingerprint(self) -> str:
        """Return the fingerprint as SSH shows it."""
        blob = base64.b64decode(self.line.split()[2])
        return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def scan(computer: Computer, stopped: Stopped = lambda: False) -> HostKey:
    """Return the host key of a computer, which the person has to confirm.

    Raises:
        WorkerError: it cannot be reached, or shows no key.
        InterruptedError: `stopped` returned True.
    """
    error = ""
    for kind in KINDS:
        command = [program("ssh-keyscan"), "-T", str(SCAN_S), "-t", kind, "-p", str(computer.port), "--", computer.host]
        reply = converse(command, stopped=stopped, wait_s=SCAN_S * 3.0)
        text = reply.output.decode("ascii", "replace")
        for line in text.splitlines():
            row = line.split()
            with contextlib.suppress(ValueError):
                if not line.startswith("#") and len(row) >= 3 and base64.b64decode(row[2], validate=True):
                    return HostKey(" ".join(row[:3]))
        error = reply.error
        if "SSH-2.0" not in text + error:  # it did not answer; else it has no key of this kind
            break
    raise refused_by_ssh(computer, error or "connection timed out")


def needs_passphrase(identity: Path) -> bool:
    """Return whether a key file of the person is protected by a passphrase."""
    command = [program("ssh-keygen"), "-y", "-P", "", "-f", str(identity)]
    return converse(command).code != 0


class Login:
    """A connection as the person; commands run through it without another login. Use it in a `with` statement."""

    def __init__(
        self, computer: Computer, place: Path, known_hosts: Path, password: str = "", identity: Path | None = None
    ) -> None:
        """Create a login; `place` is a private folder for the pipe of the password."""
        self._computer, self._place, self._known_hosts = computer, place, known_hosts
        self._password, self._identity = password, identity
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Return the login, which is not connected yet."""
        self._folder = Path(tempfile.mkdtemp(prefix="s", dir=control_folder()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection and remove the folder of its socket."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def connect(self, stopped: Stopped = lambda: False) -> None:
        """Log in.

        Raises:
            WorkerError: the computer or its login refused, or nothing arrived.
            InterruptedError: `stopped` returned True.
        """
        assert self._folder is not None
        socket = self._folder / "c"
        options = [f"ControlPath={quoted(socket)}", "ControlMaster=yes", "ControlPersist=no", "SessionType=none"]
        more: dict[str, str] = {}
        if self._identity is not None:
            options += [f"IdentityFile={quoted(self._identity)}", "PreferredAuthentications=publickey"]
        else:
            options += ["PubkeyAuthentication=no", "PreferredAuthentications=password,keyboard-interactive"]
        if self._password:
            options += ["BatchMode=no", "NumberOfPasswordPrompts=1"]
            more = {"SSH_ASKPASS": str(self._ask()), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":"}
        with tempfile.TemporaryFile() as errors, self._secret():
            self._process = subprocess.Popen(
                base_command(self._computer, self._known_hosts, options),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                env=environment(**more), start_new_session=True,
            )  # fmt: skip
            until = time.monotonic() + LOGIN_WAIT_S
            while not socket.exists():
                if self._process.poll() is not None:
                    errors.seek(0)
                    text = errors.read(1 << 16).decode("utf-8", "replace")
                    raise refused_by_ssh(self._computer, text, "password" if self._identity is None else "identity")
                if stopped():
                    raise InterruptedError("the login was stopped")
                if time.monotonic() > until:
                    raise stalled()
                self._give_password()
                time.sleep(TICK_S)

    def command(self, words: str) -> list[str]:
        """Return the command line that runs `words` in the shell of the other computer."""
        assert self._folder is not None
        options = [f"ControlPath={quoted(self._folder / 'c')}", "ControlMaster=no"]
        return base_command(self._computer, self._known_hosts, options, words)

    @property
    def _pipe(self) -> Path:
        return self._place / "secret"

    def _ask(self) -> Path:
        path = self._place / "ask"
        path.write_text(ASK, encoding="ascii")
        path.chmod(0o700)
        return path

    @contextlib.contextmanager
    def _secret(self) -> Iterator[None]:
        """Provide the pipe that the password goes through, and forget the password afterwards."""
        try:
            if self._password:
                self._pipe.unlink(missing_ok=True)
                os.mkfifo(self._pipe, 0o600)
            yield
        finally:
            self._password = ""
            self._pipe.unlink(missing_ok=True)
            (self._place / "ask").unlink(missing_ok=True)

    def _give_password(self) -> None:
        """Write the password once, when ssh reads it; a second question finds no pipe."""
        if not self._password:
            return
        try:
            handle = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            return
        with os.fdopen(handle, "wb") as pipe:
            pipe.write(self._password.encode() + b"\n")
        self._password = ""
        self._pipe.unlink(missing_ok=True)
