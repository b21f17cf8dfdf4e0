"""At a terminal `fettle optimize` asks how inputs are to be prepared; elsewhere nobody can answer."""

import io

import pytest

from app.cli.optimize import _ask_preparation
from app.cli.output import Globals, Output
from workers.contracts.errors import ErrorInfo

FACTS = {"best": "channels=bgr", "best_words": "BGR", "chosen": "channels=rgb"}
MISFIT = ErrorInfo(code="prepared_wrongly", title="Wrong", detail="BGR fits.", hint="Use it.", facts={**FACTS})


class Terminal(io.StringIO):
    """Standard input of a person who types one line."""

    def isatty(self) -> bool:
        """Return that a person can press a key."""
        return True


@pytest.mark.parametrize(
    ("typed", "spec"), [("1\n", "channels=bgr"), ("2\n", "channels=rgb"), ("\n", None), ("", None)]
)
def test_answer_at_terminal_decides_preparation(monkeypatch: pytest.MonkeyPatch, typed: str, spec: str | None) -> None:
    """Given a terminal, Then 1 takes the better preparation, 2 the present one, and anything else stops the run."""
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    err = io.StringIO()
    assert _ask_preparation(Output(Globals(), io.StringIO(), err), MISFIT) == spec
    assert "BGR" in err.getvalue()


def test_nobody_is_asked_without_terminal_or_with_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given --json, a pipe, or another error, Then nothing is asked and the run stops."""
    other = MISFIT.model_copy(update={"code": "other"})
    monkeypatch.setattr("sys.stdin", Terminal("1\n"))
    assert _ask_preparation(Output(Globals(json=True), io.StringIO(), io.StringIO()), MISFIT) is None
    assert _ask_preparation(Output(Globals(), io.StringIO(), io.StringIO()), other) is None
    monkeypatch.setattr("sys.stdin", io.StringIO("1\n"))
    assert _ask_preparation(Output(Globals(), io.StringIO(), io.StringIO()), MISFIT) is None
