"""Replies of ssh: limits, stalls and what its messages mean."""

import re
import sys
import time
from pathlib import Path

import pytest

from app.computers.fitting import refused_there
from app.computers.records import Computer
from app.computers.ssh import MOST_BYTES, Reply, Unreached, converse, ssh_command

ONE = Computer(name="one", host="h", user="u")


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


@pytest.mark.parametrize(
    ("code", "error", "expected"),
    [
        (255, "ssh: Could not resolve hostname x: Name or service not known", "host_unknown"),
        (255, "ssh: connect to host x port 22: Connection refused", "not_reached"),
        (255, "Timeout, server x not responding.", "not_reached"),
        (255, "Host key verification failed.", "host_key_changed"),
        (255, "u@h: Permission denied (publickey).", "key_refused"),
        (255, "something new", "ssh_failed"),
        (127, "", "python_missing"),
        (64, "", "python_old"),
        (3, '{"code": "no_room", "needed": 5, "free": 1}', "no_room"),
        (3, '{"code": "venv_missing", "detail": "x"}', "venv_missing"),
        (3, '{"code": "packages_offline", "detail": "x"}', "packages_offline"),
        (3, '{"code": "\\u001b[31m", "detail": "x"}', "setup_failed"),
        (1, "Traceback\nValueError: x", "setup_failed"),
    ],
)
def test_failure_becomes_an_error_with_its_code(code: int, error: str, expected: str) -> None:
    """Given what ssh or the setup there wrote, Then the error has its code, and all its sentences."""
    refused = refused_there(ONE, Reply(code, b"", error))
    assert refused.code == expected and refused.title and refused.detail and refused.hint


def test_stalled_connection_ends_with_its_process() -> None:
    """Given a connection that transports nothing, Then it is given up in time, and its process is gone."""
    began_s = time.monotonic()
    with pytest.raises(Unreached) as error:
        converse(python("import time; time.sleep(60)"), wait_s=0.3)
    assert error.value.code == "connection_stalled" and time.monotonic() - began_s < 20


def test_endless_reply_is_cut() -> None:
    """Given a computer that never stops writing, Then no more than the limit is kept."""
    reply = converse(python("import sys\nwhile True: sys.stdout.write('x' * 65536)"))
    assert reply.code != 0 and len(reply.output) <= MOST_BYTES


def test_command_line_has_no_secret_and_reads_no_settings_of_the_person(tmp_path: Path) -> None:
    """Given a verb with words of a stranger, Then they are one quoted word behind the host."""
    command = ssh_command(tmp_path, ONE, "session", "a; rm -rf $HOME")
    assert command[command.index("-F") + 1] == "none" and command[-3:] == ["--", "h", "session 'a; rm -rf $HOME'"]
    options = dict(re.split("=", word, maxsplit=1) for word in command if "=" in word)
    assert (
        options["StrictHostKeyChecking"] == "yes" and options["BatchMode"] == "yes" and options["ForwardAgent"] == "no"
    )
