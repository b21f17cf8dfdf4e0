"""The page Compare in its three outcomes: safe, not proven, nothing faster."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot
from read_page import words as text_of

from tests.widgets.qt_actions import button_texts, child, emitted, left_click, press
from widgets.pages.compare.page import ComparePage
from widgets.pages.compare.table import columns, figures, points, rows
from widgets.pages.compare.value import ChangesValue
from widgets.parts.small import Bar, Figure
from widgets.parts.tables.table import Table
from widgets.plots.scatter_plot import ScatterPlot
from widgets.theme import Theme


def table_text(page: ComparePage) -> list[list[str]]:
    table = child(page, Table)
    model = table.model()
    return [[str(model.index(r, c).data() or "") for c in range(model.columnCount())] for r in range(model.rowCount())]


def click_row(qtbot: QtBot, page: ComparePage, row: int) -> None:
    table = child(page, Table)
    place = table.visualRect(table.model().index(row, 0)).center()
    left_click(table.viewport(), place)


def test_safe_states_it_in_a_sentence_three_figures_and_six_columns(opened: Any, examples: ModuleType) -> None:
    """Given a safe result, then headline, figures and table are there, rounded for people."""
    page = opened(ComparePage, examples.compare())
    assert "3.4 times faster, 3.8 times smaller, within your limit of 1 %" in text_of(page)
    assert [f.accessibleName() for f in page.findChildren(Figure)] == [
        "3.4 × faster", "3.8 × smaller", "99.3 % same answers",
    ]  # fmt: skip
    assert "14 of 2,000 changed, loss under 0.5 %" in text_of(page)
    assert [c.title for c in columns(examples.compare())] == [
        "Version", "Latency", "Size", "Accuracy", "Same answers", "Verdict", "Why",
    ]  # fmt: skip
    assert table_text(page)[0] == ["Original", "10.4 ms", "9.2 MB", "91.2 %", "", "to compare with", ""]
    assert table_text(page)[1] == [
        "INT8, sensitive layers kept", "3.1 ms", "2.4 MB", "91.1 %", "99.3 %", "Safe to ship", "Why?",
    ]  # fmt: skip
    assert [r[5] for r in table_text(page)[3:]] == ["Silent regression"] * 2
    assert page.findChild(ScatterPlot) is not None
    shares, limit, name = points(examples.compare())
    assert len(shares) == 5 and limit == pytest.approx(90.288) and name == "Accuracy"


def test_a_version_that_was_just_judged_comes_into_view(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a small window whose table lies below, When its last version is chosen for the person, Then it is seen."""
    page = opened(ComparePage, examples.compare(), size=(864, 420))
    table = child(page, Table)

    def is_seen() -> bool:
        row = table.visualRect(table.model().index(table.model().rowCount() - 1, 0))
        return page.viewport().rect().contains(table.viewport().mapTo(page.viewport(), row.center()))

    assert not is_seen()
    page.choose_version(examples.compare().versions[-1].id)
    qtbot.waitUntil(is_seen, timeout=2000)


def test_details_open_below_the_chosen_row(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given Details, then one more line opens below the chosen row and moves with it; rows are chosen by keys too."""
    page = opened(ComparePage, examples.compare())
    press(page, "Details")
    assert len(table_text(page)) == 6
    assert "10.4 ms → 3.1 ms" in text_of(page) and "96 → 322" in text_of(page) and "96 MB → 38 MB" in text_of(page)
    assert "The first and last layer stay in FP32." in text_of(page)
    assert "(change −0.5 to +0.3 points)." in text_of(page) and "Lost most: dark pictures" in text_of(page)
    table = child(page, Table)
    table.setFocus()
    assert emitted(page.version_chosen, qtbot.keyClick, table, Qt.Key.Key_Down) == ["b"] and table.chosen_id == "b"
    QApplication.processEvents()
    assert "10.4 ms → 6.9 ms" in text_of(page)
    press(page, "Details")
    assert len(table_text(page)) == 5


def test_a_note_is_shown_once(opened: Any, examples: ModuleType) -> None:
    """Given a note of the recommended version that the page shows below, when Details is opened, then it is not
    shown there as well; its other notes are."""
    busy = "Other programs kept this computer busy."
    versions = list(examples.versions())
    versions[1] = replace(versions[1], notes=("The first and last layer stay in FP32.", busy))
    page = opened(
        ComparePage, examples.compare(versions=tuple(versions), note=f"{busy} On a quiet one the times may differ.")
    )
    press(page, "Details")
    assert text_of(page).count(busy) == 1 and "The first and last layer stay in FP32." in text_of(page)


@pytest.mark.parametrize(("row", "signal"), [(2, "export_requested"), (3, "export_anyway_requested")])
def test_another_version_can_be_taken(opened: Any, examples: ModuleType, qtbot: QtBot, row: int, signal: str) -> None:
    """Given another row, then a quiet button takes that version; a regressed one takes the step that requests a
    reason."""
    page = opened(ComparePage, examples.compare())
    click_row(qtbot, page, row)
    assert press(page, "Export this version…", getattr(page, signal)) == [examples.versions()[row].id]
    click_row(qtbot, page, 1)
    assert "Export this version…" not in button_texts(page)


def test_a_point_of_the_graph_chooses_its_row(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given the graph, when a point is clicked, then its row is chosen."""
    page = opened(ComparePage, examples.compare())
    plot, table = child(page, ScatterPlot), child(page, Table)
    point = points(examples.compare())[0][2]
    qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=plot.spot_of(point).toPoint())
    assert table.chosen_id == point.id == "b"


def test_without_labels_there_is_one_filter_and_no_accuracy(opened: Any, examples: ModuleType) -> None:
    """Given no labels, then accuracy is neither a column nor an axis, and changes have no better or worse."""
    versions = tuple(replace(v, accuracy=None, right=None) for v in examples.versions())
    rows_ = tuple(replace(c, label=None, kind="other") for c in examples.changes().rows)
    value = examples.compare(labelled=False, versions=versions, changes=ChangesValue(14, rows_, labelled=False))
    page = opened(ComparePage, value)
    assert [c.title for c in columns(value)][3:5] == ["Memory", "Same answers"]
    texts = [b.text() for b in page.findChildren(QPushButton)]
    assert "All 14" in texts and not any(t.startswith(("Worse", "Better")) for t in texts)
    assert points(value)[2] == "Same answers"
    assert "Accuracy" not in text_of(page)


def test_not_proven_states_how_many_are_missing(
    opened: Any, examples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given 20 examples, then figures are counts, the bar shows 20 of 300, and both next steps work."""
    page = opened(ComparePage, examples.not_proven())
    text = text_of(page)
    for words in (
        "20 of 20", "the loss could still be as high as 13.9 %", "20 of about 300",
        "About 300 examples like these prove a loss below 1 %. You have 20.",
    ):  # fmt: skip
        assert words in text
    bar = next(b for b in page.findChildren(Bar) if b.property("tone") == "warn")
    assert bar.value() == 67 and bar.maximum() == 1000
    assert [c.title for c in columns(examples.not_proven())][3:5] == ["Right answers", "Same answers"]
    assert ["Pruned by 30 %", "5.2 ms", "6.5 MB", "18 of 20", "18 of 20", "Not enough data", "Why?"] in table_text(page)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args: "/more pictures")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: ("/more.npz", ""))
    buttons = {"Prove it": "/more pictures", "Choose a folder…": "/more pictures", "Choose a file…": "/more.npz"}
    for button, path in buttons.items():
        assert press(page, button, page.proof_data_chosen) == [path]
    assert "or drop them on this page" in text


def test_nothing_faster_offers_three_options(opened: Any, examples: ModuleType) -> None:
    """Given that nothing was safe, then it shows that, and each option leads somewhere."""
    page = opened(ComparePage, examples.nothing_faster())
    assert [c.title for c in columns(examples.nothing_faster())][3:] == ["Accuracy", "Loss", "Result", "Why"]
    assert table_text(page)[0][5] == "Keep this one" and table_text(page)[1][4:6] == ["none", "Not faster here"]
    assert table_text(page)[2][4:6] == ["2.4 %", "Beyond your limit of 1 %"]
    assert "Nothing is lost." in text_of(page)


def test_few_examples_request_more(opened: Any, examples: ModuleType) -> None:
    """Given that so few examples prove nothing about a faster version, Then more of them are requested, with how
    many, and not called something to tune with."""
    value = examples.nothing_faster()
    page = opened(ComparePage, replace(value, options=replace(value.options, limit_pct=None, few=8, takes=321)))
    assert "Add more pictures" in text_of(page) and "Add examples for tuning" not in text_of(page)
    assert "8 test examples are too few; your limit needs at least 321." in text_of(page)
    assert press(page, "Add pictures…", page.page_wanted) == ["data"]


def test_plot_is_whole_beside_no_changes(opened: Any, examples: ModuleType) -> None:
    """Given results of several computers and no changed answer, then the plot with its axis is inside of its card."""
    page = opened(ComparePage, examples.compare(changes=ChangesValue(), fleet=examples.fleet()))
    (plot,) = page.findChildren(ScatterPlot)
    assert plot.geometry().bottom() < plot.parentWidget().height(), (plot.geometry(), plot.parentWidget().size())


def test_measuring_elsewhere_is_offered(opened: Any, examples: ModuleType) -> None:
    """Given no other computer, one, or many, then one can be added, each has its button, or they are chosen on Goal."""
    value = examples.nothing_faster()
    page = opened(ComparePage, value)
    assert press(page, "Add a computer…", page.add_computer_requested) == []
    page = opened(ComparePage, replace(value, computers=("", "R&D")))
    assert press(page, "Measure on this computer", page.computer_requested) == [""]
    assert press(page, "Measure on R&&D", page.computer_requested) == ["R&D"]
    page = opened(ComparePage, replace(value, computers=tuple("abcd")))
    assert press(page, "Choose computers", page.page_wanted) == ["goal"]


def test_no_limit_would_help(opened: Any, examples: ModuleType) -> None:
    """Given that no version is faster at any limit, then another goal is offered instead."""
    value = examples.nothing_faster()
    page = opened(ComparePage, replace(value, options=replace(value.options, limit_pct=None)))
    assert press(page, "Choose another goal", page.page_wanted) == ["goal"]


def test_answers_that_are_no_classes_are_counted(opened: Any, examples: ModuleType) -> None:
    """Given vectors, then results that did not change are counted as of any other model, and nothing is invented."""
    page = opened(ComparePage, examples.vectors())
    assert [c.title for c in columns(examples.vectors())][4] == "Same answers"
    assert table_text(page)[1][4] == "100 %" and table_text(page)[2][4:6] == ["–", "Not compared"]


def test_larger_and_same_size_are_reported(opened: Any, examples: ModuleType) -> None:
    """Given a version that is not smaller, then the figure does not claim it."""
    versions = list(examples.versions())
    for size, words in ((9_200_000, "9.2 MB same size"), (18_400_000, "2.0 × larger")):
        versions[1] = replace(versions[1], size_bytes=size)
        page = opened(ComparePage, examples.compare(versions=tuple(versions)))
        assert words in [f.accessibleName() for f in page.findChildren(Figure)]


def test_a_speed_under_load_is_rounded_down(examples: ModuleType) -> None:
    """Given a version that is at least 1.98 times as fast, Then the figure states no more than the headline: 1.9,
    not 2.0."""
    value = examples.compare()
    versions = tuple(
        replace(v, speedup=1.98, is_bound=True) if v.id == value.recommended else v for v in value.versions
    )
    assert figures(replace(value, versions=versions))[0].accessibleName().startswith("≥ 1.9 ×")


def test_rows_keep_what_was_not_measured_open(examples: ModuleType) -> None:
    """Given versions without measurements, then a dash is there, never a zero."""
    value = examples.compare(versions=(replace(examples.versions()[1], latency_ms=None, size_bytes=None),))
    cells = [cell.text for cell in rows(value)[0].cells]
    assert cells[1:3] == ["–", "–"]


def test_a_first_look_is_no_figure_to_compare(opened: Any, examples: ModuleType) -> None:
    """Given a version that was only looked at first, then its time is soft and marked so, it is in no graph, and its
    details point from nothing to nothing."""
    value = examples.compare()
    other = next(v for v in value.versions if v.id == "b")
    marked = replace(other, first_look=True, speedup=None)
    value = replace(value, versions=tuple(marked if v is other else v for v in value.versions))
    opened(ComparePage, value)
    cell = next(row for row in rows(value) if row.id == other.id).cells[1]
    assert cell.tone == "soft" and cell.below == "first look" and "cannot be compared" in cell.tip
    assert other.id not in [point.id for point in points(value)[0]]
    details = next(row for row in rows(value) if row.id == other.id).details
    assert not [text for _, text in details if "→" in text]


def test_the_speed_of_a_language_model_says_what_it_is_made_of(examples: ModuleType) -> None:
    """Given a version that speaks 1.3 times as fast and reads as slowly, Then the figure shows both next to the
    factor of a short answer."""
    value = examples.compare()
    base, best = value.versions[:2]
    spoken = (
        replace(base, tokens_per_s=53.7, first_ms=100.0),
        replace(best, tokens_per_s=70.4, first_ms=102.0, speedup=1.1, prompt_tokens_per_s=1255, memory_share=0.78),
    )
    figure = figures(replace(value, speaks=True, versions=spoken))[0]
    texts = " ".join(part.text() for part in figure.findChildren(QLabel))
    assert "1.1 ×" in texts and "speaks 1.3 × as fast, reads a prompt 0.98 × as fast" in texts
    details = dict(rows(replace(value, versions=spoken))[1].details)
    assert details["Of what memory allows"].endswith("78 %")
    assert "1,255" in details["Prompt tokens a second"]


def test_a_page_that_would_be_empty_is_not_offered(theme: Theme, examples: ModuleType, shown: Any) -> None:
    """Given a run of which no version answered the test examples, Then All answers is not among the pages that look
    closer; where one did, it is."""
    page = ComparePage(theme)
    for value, is_offered in ((examples.compare(), True), (examples.nothing_faster(), False)):
        page.show_value(value)
        shown(page)
        offered = button_texts(page)
        assert ("All answers" in offered) is is_offered and "What changed, and why" in offered
