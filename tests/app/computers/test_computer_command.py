"""`fettle computer`: the JSON that other tools read, and what it needs before anything is sent."""

import dataclasses
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from own_sshd import PASSWORD, Sshd
from records import project
from records import run as stored

from app.cli.main import main
from app.computers.login import scan
from app.computers.records import Computer, complete, new_place, save
from app.domain.run import Goal, RunState
from app.paths import find_data_folder, prepare
from app.persistence import open_store


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


def test_computer_is_not_removed_while_a_run_measures_there(tmp_path: Path, run: Any) -> None:
    """Given a run of another program that measures there, When the computer is removed, Then the refusal names the run, and
    the record stays; after the run it is removed."""
    paths = prepare(find_data_folder(tmp_path / "data"))
    save(new_place(paths.computers, "pi"), Computer(name="pi", host="127.0.0.1", user="anna", port=1))
    complete(paths.computers, "pi")
    with open_store(paths) as store:
        store.repositories.projects.add(project())
        store.repositories.runs.add(
            dataclasses.replace(stored(1, RunState.RUNNING), goal=Goal("balanced", 1.0, computer="pi"))
        )
        code, shown = run("remove", "pi")
        assert (code, shown["error"]["code"]) == (3, "computer_in_use") and "r1" in shown["error"]["detail"]
        assert [one["name"] for one in run("list")[1]["computers"]] == ["pi"]
    assert run("remove", "pi") == (0, {"removed": "pi", "reached": False})  # its program has ended
