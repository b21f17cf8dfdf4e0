"""ENTER at a terminal is seen without waiting for it."""

import io
import os
import pty
import sys

import pytest

from app.cli.keys import enter_pressed, is_terminal


def test_enter_is_seen_once_and_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a terminal, Then nothing is pressed at first; after ENTER it is told once."""
    outer, inner = pty.openpty()
    with os.fdopen(inner, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        assert is_terminal() and not enter_pressed()
        os.write(outer, b"\n")
        assert enter_pressed() and not enter_pressed()
    os.close(outer)


def test_where_nobody_sits_nothing_is_pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a pipe, a closed or no standard input, Then there is no terminal, whatever lies in it."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n\n"))
    assert not is_terminal() and not enter_pressed()
    monkeypatch.setattr(sys, "stdin", None)
    assert not is_terminal() and not enter_pressed()
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdin", closed)
    assert not is_terminal() and not enter_pressed()
