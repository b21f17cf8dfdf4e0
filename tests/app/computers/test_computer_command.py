"""`fettle computer`: the JSON that other tools read, and what it needs before anything is sent."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from own_sshd import PASSWORD, Sshd

from app.cli.main import main
from app.computers.login import scan


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command; return its exit code and its JSON document."""

    def run(*words: str) -> tuple[int, Any]:
        code = main(["--data-dir", str(tmp_path / "data"), "--json", "computer", *words])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.mark.usefixtures("quick_setup")
def test_computer_is_added_listed_checked_and_removed_by_command(
    own_sshd: Sshd, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a computer, When it is added by password from standard input, Then list and check print what it is; When it
    is removed, Then the list is empty."""
    own_sshd.place_packages()
    one = own_sshd.computer
    address, port = f"{one.user}@{one.host}", str(one.port)
    code, shown = run("add", address, "--port", port)
    assert (code, shown["error"]["code"]) == (3, "host_key_unconfirmed")
    code, shown = run("add", address, "--port", port, "--fingerprint", "SHA256:other")
    assert (code, shown["error"]["code"]) == (3, "host_key_changed")
    fingerprint = scan(one).fingerprint
    assert fingerprint in run("add", address, "--port", port)[1]["error"]["detail"]
    way = ["--identity", str(own_sshd.identity)]
    if own_sshd.has_password:
        way = []
        monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))
    code, shown = run("add", address, "--port", port, "--name", "pi", "--fingerprint", fingerprint, *way)
    assert code == 0
    (row,) = shown["computers"]
    fields = ("name", "host", "os", "arch", "features", "cores", "memory_bytes", "available", "hint")
    assert tuple(row) == fields and (row["name"], row["available"], row["hint"]) == ("pi", True, "")
    assert run("list") == run("check", "pi") == (0, shown)
    assert run("remove", "pi") == (0, {"removed": "pi", "reached": True})
    assert run("list") == (0, {"computers": []})
    assert run("check", "pi")[1]["error"]["code"] == "no_such_computer"
