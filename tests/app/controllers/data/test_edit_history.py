"""Tests of the edits of a data set with undo and redo."""

import pytest

from app.controllers.data.edits import DataEdits
from workers.contracts.jobs import DataParams

FIRST = DataParams(model_dir="", path="/pictures", label_map={"a": "b"})


def test_edits_are_undone_and_redone() -> None:
    """Given several edits, then each is undone and redone in its order; a new edit ends the redo."""
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


def test_begin_with_an_earlier_state_keeps_newer_edits() -> None:
    """Given an edit during the reading of an earlier state, then the newest state stays; another set clears the
    history."""
    edits = DataEdits()
    edits.begin(FIRST)
    first = edits.edit("leave_out", ["1.png"])
    second = edits.edit("leave_out", ["2.png"])
    assert not edits.begin(first) and edits.requested == second and edits.can_undo
    assert edits.begin(second)
    assert edits.begin(DataParams(model_dir="", path="/others")) and not edits.can_undo


def test_unknown_edit_is_refused() -> None:
    """Given an edit with an unknown name, then it is refused."""
    edits = DataEdits()
    edits.begin(FIRST)
    with pytest.raises(ValueError, match="nonsense"):
        edits.edit("nonsense", ["1.png"])
