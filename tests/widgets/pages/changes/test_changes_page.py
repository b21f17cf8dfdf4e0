"""The page "What changed, and why" by mouse: reasons, picture and list lead to each other."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from read_page import press
from read_page import words as text_of

from tests.widgets.qt_actions import button_texts, child, emitted, left_click
from widgets.pages.changes.nodes import NodesView
from widgets.pages.changes.page import ChangesPage
from widgets.parts.fields import SearchField
from widgets.parts.tables.table import Table
from widgets.plots.graph_picture import GraphPicture
from workers.contracts.after.changes import ExplainResult, Reason


@pytest.fixture
def page(opened: Any, examples: ModuleType) -> ChangesPage:
    return opened(ChangesPage, examples.what_changed())


def listed(page: ChangesPage) -> list[str]:
    """Return the ids of the listed operators."""
    return [row.id for row in child(page, Table)._model.rows]


def test_reason_leads_to_its_operators(page: ChangesPage, examples: ModuleType) -> None:
    """Given the reason about products, when its button is pressed, then just these are listed and marked; all others
    come back."""
    result = examples.what_changed().result
    everything = listed(page)
    assert len(everything) == len(result.nodes)
    products = [at for at, node in enumerate(result.nodes) if node.status == "rounded"]
    press(page, f"Show all {len(products)}")
    assert sorted(map(int, listed(page))) == products
    picture = child(page, GraphPicture)
    assert picture._marked == frozenset(products) and picture._chosen in products
    press(page, "Show all operators")
    assert listed(page) == everything and not picture._marked


def test_list_begins_with_the_worst(page: ChangesPage, examples: ModuleType) -> None:
    """Given operators with errors, then the list begins with the largest, and says what happened to it."""
    nodes = examples.what_changed().result.nodes
    errors = [nodes[int(row)].error or 0.0 for row in listed(page)]
    assert errors == sorted(errors, reverse=True) and errors[0] == 0.016
    assert "fewer bits" in child(page, Table).model().index(0, 0).data()


def test_clicked_box_is_found_in_the_list(page: ChangesPage) -> None:
    """Given the coarsest level, when a single operator's box is clicked, then its row opens with its facts; a folded
    box lists its operators."""
    picture, table = child(page, GraphPicture), child(page, Table)
    boxes = picture.drawing.level.boxes
    single = next(box for box in boxes if len(box.nodes) == 1)
    left_click(picture, picture._device(picture.drawing.rects[boxes.index(single)]).center().toPoint())
    assert table.chosen_id == str(single.nodes[0])
    assert "brgconv_avx512_int8" in text_of(table) and "f32 → int8" in text_of(table)
    fold = next(box for box in boxes if box.repeats > 1)
    left_click(picture, picture._device(picture.drawing.rects[boxes.index(fold)]).center().toPoint())
    assert sorted(map(int, listed(page))) == sorted(fold.nodes)


def test_chosen_row_is_framed_in_the_picture(page: ChangesPage) -> None:
    """Given the list, when another row is chosen, then the picture frames its box."""
    row = listed(page)[4]
    child(page, Table).choose(row)
    assert child(page, GraphPicture)._chosen == int(row)


def test_search_finds_names_and_kinds(page: ChangesPage) -> None:
    """Given a search for a kind, then all operators of the kind are listed, and the line says how many."""
    field = child(page, SearchField)
    field.setText("softmax")
    field.entered.emit("softmax")
    assert len(listed(page)) == 6 and "6 of 43 operators" in text_of(page)


def test_causes_are_sentences_and_can_be_looked_for(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a found cause, then its sentence is shown; before, a button looks for it, for a file from elsewhere."""
    value = examples.what_changed()
    assert value.explained.causes[0].text in text_of(opened(ChangesPage, value))
    own = opened(ChangesPage, replace(value, explained=None))
    assert "Why does it answer otherwise?" not in button_texts(own)
    page = opened(ChangesPage, replace(value, explained=None, can_explain=True))
    assert "3 test examples get another answer." in text_of(page)
    with qtbot.waitSignal(page.explain_requested, timeout=1000):
        press(page, "Why does it answer otherwise?")
    diff = value.result.model_copy(update={"first_different": 2})
    unknown = ExplainResult(agree=False, share_differing=0.25, n_items=32, tried=40, diff=diff)
    assert "25 % of the answers differ. The first operator that differs is “layers/0/matmul0”: 1.2 %." in text_of(
        opened(ChangesPage, replace(value, explained=unknown))
    )
    single = opened(ChangesPage, replace(value, explained=None, n_changed=1))
    assert "1 test example gets another answer." in text_of(single)
    alike = opened(ChangesPage, replace(value, explained=None, n_changed=0))
    assert "the same answer on every test example" in text_of(alike)


def test_comparison_is_offered_first(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a version that was not compared, then one button does it, and nothing can be saved; the original offers
    nothing."""
    value = replace(examples.what_changed(), result=None)
    page = opened(ChangesPage, value)
    assert "Save…" not in button_texts(page)
    with qtbot.waitSignal(page.compare_requested, timeout=1000):
        press(page, "Show what changed, and why answers differ")
    original = opened(ChangesPage, replace(value, can_compare=False, n_changed=None))
    assert "Show what changed" not in button_texts(original) and "Recommended" in text_of(original)


@pytest.mark.parametrize(
    ("chosen", "kind", "expected"),
    [("/a/x.svg", "Page (*.html)", "/a/x.svg"), ("/a/x", "Picture (*.svg)", "/a/x.svg"), ("/a/x", "", "/a/x.html")],
)
def test_saved_file_has_the_chosen_kind(
    page: ChangesPage, monkeypatch: pytest.MonkeyPatch, chosen: str, kind: str, expected: str
) -> None:
    """Given the system's dialog, then the ending of the name decides the kind, else the dialog's kind."""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_given: (chosen, kind))
    assert emitted(page.save_requested, page.save) == [expected]


def test_each_recipe_has_a_row_with_its_reason(page: ChangesPage, examples: ModuleType) -> None:
    """Given what a run tried, then title, reason, result and rejection are shown, and the forecast beside what came; a
    version can be compared from its row."""
    text, value = text_of(page), examples.tried()
    for cell in (cell for row in value.rows for cell in row):
        assert cell.text in text and cell.below in text
    assert all(sentence in text for _, _, sentence in value.said)
    assert all(part in text for row in value.forecast for part in row)
    assert emitted(page.version_chosen, press, page, "What changed in INT8, all layers?") == ["v3"]


def test_list_is_below_the_picture_in_the_smallest_window(opened: Any, examples: ModuleType) -> None:
    """Given the smallest window, then the list is below the picture, without a horizontal bar."""
    page = opened(ChangesPage, examples.what_changed(), size=(816, 614))
    view = child(page, NodesView)
    assert child(view, Table).mapTo(view, view.rect().topLeft()).y() > child(view, GraphPicture).height()
    assert not page.horizontalScrollBar().isVisible()


def test_slower_layers_are_said_to_be_timed_alone(opened: Any, examples: ModuleType) -> None:
    """Given layers that take longer in the version, then both sums are shown as times of layers alone."""
    value = examples.what_changed()
    nodes = tuple(one.model_copy(update={"ms_a": 0.25, "ms_b": 1.2}) for one in value.result.nodes[:5])
    slower = value.result.model_copy(update={"nodes": nodes, "levels": (), "reasons": ()})
    text = text_of(opened(ChangesPage, replace(value, result=slower)))
    assert "All layers together: 1.25 → 6.00 ms, with each timed by itself." in text


def test_later_reasons_are_folded(opened: Any, examples: ModuleType) -> None:
    """Given five reasons, then three are shown, and a click opens the others."""
    value = examples.what_changed()
    reasons = tuple(Reason(code=f"r{number}", text=f"Reason number {number}.") for number in range(5))
    page = opened(ChangesPage, replace(value, result=value.result.model_copy(update={"reasons": reasons})))
    assert "Reason number 2." in text_of(page) and "Reason number 3." not in text_of(page)
    press(page, "More reasons (2)")
    assert "Reason number 4." in text_of(page)
