"""Changes by hand, step by step: each can be undone and done again."""

import pytest

from app.controllers.data.edits import DataEdits
from workers.contracts.jobs import DataParams

FIRST = DataParams(model_dir="", path="/pictures", label_map={"a": "b"})


def test_steps_go_back_and_on() -> None:
    """Given several changes, Then each is undone and done again in its turn; a new one ends what could be redone."""
    edits = DataEdits()
    assert edits.begin(FIRST)
    edits.edit("leave_out", ["1.png", "2.png"])
    edits.edit("relabel", ["3.png"], "cat")
    requested = edits.edit("calibration", ["4.png"])
    assert (requested.left_out, requested.relabeled, requested.moved) == (
        ("1.png", "2.png"),
        {"3.png": "cat"},
        {"4.png": "calibration"},
    )
    assert requested.label_map == {"a": "b"}
    assert edits.undo().moved == {} and edits.undo().relabeled == {} and edits.undo() == FIRST
    assert not edits.can_undo and edits.undo() == FIRST
    assert edits.redo().left_out == ("1.png", "2.png") and edits.can_redo
    assert edits.edit("put_back", ["1.png"]).left_out == ("2.png",)
    assert not edits.can_redo
    assert edits.edit("right", ["5.png"]).confirmed == ("5.png",)
    assert edits.put_all_back().left_out == () and edits.undo().confirmed == ("5.png",)


def test_a_reading_that_was_overtaken_ends_nothing() -> None:
    """Given a change while an earlier one is being read, Then what was read is known as a step of the way, and the
    newest wish stays; another set begins anew."""
    edits = DataEdits()
    edits.begin(FIRST)
    first = edits.edit("leave_out", ["1.png"])
    second = edits.edit("leave_out", ["2.png"])
    assert not edits.begin(first) and edits.requested == second and edits.can_undo
    assert edits.begin(second)
    assert edits.begin(DataParams(model_dir="", path="/others")) and not edits.can_undo


def test_unknown_changes_are_an_error() -> None:
    """Given a change of no known name, Then it is refused."""
    edits = DataEdits()
    edits.begin(FIRST)
    with pytest.raises(ValueError, match="nonsense"):
        edits.edit("nonsense", ["1.png"])
