"""Test the option ``--on``: its names, and what one computer that fails does to the others."""

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
from documented import a_run

from app.cli.fleet import computers_of, on_each
from app.cli.output import CommandFailed, Globals, Output
from app.services.flow.steps import JobError
from workers.contracts.error_info import ErrorInfo


def failed(code: str, exit_code: int = 6) -> CommandFailed:
    return CommandFailed(exit_code, ErrorInfo(code=code, title="No", detail="It is gone.", hint="Try again."))


def pool_of(name: str) -> None:
    if name == "gone":
        error = failed("computer_unknown")
        raise JobError(error.error, error.exit_code)


SPACE: Any = SimpleNamespace(pool_of=pool_of, repositories=None)


@pytest.mark.parametrize(("text", "names"), [(None, ("",)), ("pi", ("pi",)), ("here, pi", ("", "pi"))])
def test_names_of_computers(text: str | None, names: tuple[str, ...]) -> None:
    """Given the option, Then "here" is this computer, and without it this computer measures."""
    assert computers_of(SPACE, text) == names


@pytest.mark.parametrize(("text", "code"), [("", 2), ("pi,", 2), ("pi,pi", 2), ("here,gone", 6)])
def test_wrong_names_are_refused_before_anything_runs(text: str, code: int) -> None:
    """Given an empty, a repeated or an unknown name, Then the command ends with that exit code."""
    with pytest.raises(CommandFailed) as raised:
        computers_of(SPACE, text)
    assert raised.value.exit_code == code


@pytest.mark.parametrize(("lost", "best", "code"), [("pi", "b", 6), ("", "b", 0), ("", None, 4)])
def test_computer_that_fails_ends_its_own_run_only(
    lost: str, best: str | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given two computers, When one is lost, Then the other still runs, the document holds both, and the exit code is that
    of the failure; else it says whether some computer has a recommendation."""
    monkeypatch.setattr("app.cli.fleet.fleet_of_run", lambda repositories, run: None)
    out = io.StringIO()

    def optimize(computer: str) -> Any:
        if computer == lost:
            raise failed("computer_lost")
        return a_run(recommended_variant_id=best), {"computer": computer}

    output = Output(Globals(json=True, quiet=True), out, io.StringIO())
    assert on_each(output, ("pi", "server"), optimize, SPACE) == code
    document = json.loads(out.getvalue())
    first = {
        "computer": "pi",
        **({"error": {"code": "computer_lost", "title": "No", "detail": "It is gone."}} if lost else {}),
    }
    assert document == {"runs": [first, {"computer": "server"}], "table": None}


def test_cancel_ends_the_whole_command() -> None:
    """Given Ctrl-C during the first run, Then no other computer begins."""
    begun: list[str] = []

    def optimize(computer: str) -> Any:
        begun.append(computer)
        raise failed("cancelled", 130)

    with pytest.raises(CommandFailed):
        on_each(Output(Globals(quiet=True), io.StringIO(), io.StringIO()), ("pi", "server"), optimize, SPACE)
    assert begun == ["pi"]
