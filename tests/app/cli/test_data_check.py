"""Tests of what `fettle data check` prints under a finding."""

import io
from typing import Any

import pytest

from app.cli.data import _print_finding
from app.cli.output import Globals, Output
from workers.contracts.data.checks import CheckFinding


@pytest.mark.parametrize(
    ("found", "names", "more"),
    [
        ({"count": 7}, 0, []),
        ({"count": 7, "items": tuple("abcdefg")}, 5, ["      and 2 more"]),
        ({"count": 9, "items": tuple("abcde")}, 5, ["      and 4 more"]),
        ({"count": 40, "groups": (("a", "b"),) * 20}, 5, ["      and 15 more"]),
        ({"count": 6, "groups": (("a", "b"),) * 3}, 3, []),
    ],
)
def test_more_is_said_of_listed_names_alone(found: dict[str, Any], names: int, more: list[str]) -> None:
    """Given a finding of a count alone, of items or of groups, Then those beyond the shown ones are counted, and a
    count without a list has no "and more"."""
    out = io.StringIO()
    finding = CheckFinding(check="balance", level="warning", what="Few.", **found)
    _print_finding(Output(Globals(), out, io.StringIO()), finding)
    lines = out.getvalue().splitlines()[1:]
    assert len(lines) == names + len(more) and lines[names:] == more
