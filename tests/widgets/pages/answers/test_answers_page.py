"""The page "All answers": what passes the filters, in which order, and what a person can do with keys and mouse."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import child, left_click, recorded
from widgets.pages.answers.look import LookCard
from widgets.pages.answers.page import AnswersPage
from widgets.pages.answers.table import AnswersTable, shared
from widgets.pages.answers.value import KINDS, Filter, LookValue, Texts, select
from widgets.parts.fields import SearchField
from widgets.parts.input_view import InputView
from widgets.parts.marked import MarkedText
from widgets.parts.pictures import PictureStore, PictureValue
from widgets.theme import Theme


@pytest.fixture
def page(theme: Theme, examples: ModuleType, shown: Any) -> AnswersPage:
    made = AnswersPage(theme)
    made.show_value(examples.all_answers())
    shown(made, 1072, 714)
    return made


def table_of(page: AnswersPage) -> AnswersTable:
    return child(page, AnswersTable)


def test_texts_are_found_where_they_are() -> None:
    """Given texts in one piece, Then words are found within a text and never across two."""
    parts = ["abc", "", "cab", "ünï"]
    encoded = [part.encode() for part in parts]
    texts = Texts(b"".join(encoded), np.cumsum([len(part) for part in encoded], dtype=np.int64))
    assert [texts[i] for i in range(4)] == parts
    assert texts.holding("ab").tolist() == [True, False, True, False]
    assert texts.holding("cc").tolist() == [False] * 4
    assert texts.holding("nï").tolist() == [False, False, False, True]


def test_filters_and_orders(examples: ModuleType) -> None:
    """Given filters, Then only what passes all of them is left, in the wanted order, equal rows as they came."""
    columns = examples.answer_columns(2000)
    worse = select(columns, Filter(kind="worse"))
    assert len(worse) == columns.count("worse") > 0
    assert all(KINDS[kind] == "worse" for kind in columns.kind[worse])
    cats = select(columns, Filter(class_place=0))
    assert all(0 in (columns.before[at], columns.after[at], columns.label[at]) for at in cats) and len(cats) > 200
    found = select(columns, Filter(text="IMG_000012 jpg"))
    assert [columns.name[at] for at in found] == [columns.name[12]]
    by_change = (
        columns.after_share[select(columns, Filter(order="surer"))]
        - columns.before_share[select(columns, Filter(order="surer"))]
    )
    assert (np.diff(by_change) >= 0).all()
    urgent = [KINDS[kind] for kind in columns.kind[select(columns, Filter(order="kind"))]]
    assert urgent == sorted(urgent, key=("worse", "changed", "better", "same").index)
    down = select(columns, Filter(order="number", is_descending=True))
    assert down.tolist() == list(range(1999, -1, -1))
    named = [columns.names[place] for place in columns.before[select(columns, Filter(order="before"))]]
    assert named == sorted(named, key=str.casefold)


def test_titles_sort_and_rows_request_their_examples(page: AnswersPage, qtbot: QtBot, examples: ModuleType) -> None:
    """Given the table, When a title is clicked twice, Then it sorts down; a row that is chosen by key requests its
    example and the next ones once, shows what is known at once, and the picture when it comes."""
    table, model = table_of(page), page._model
    header = table.horizontalHeader()
    at = QPoint(header.sectionViewportPosition(2) + 20, 10)
    for _ in range(2):
        left_click(header.viewport(), at)
    assert model.filter == Filter(order="before", is_descending=True)
    assert page._orders is not None and page._orders.currentText() == "By a column"
    wanted = recorded(page.rows_wanted)
    table.setCurrentIndex(model.index(0, 0))
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert page._value is not None
    numbers = page._value.columns.number[model.rows].tolist()
    assert wanted == [tuple(numbers[:6]), tuple(numbers[1:7])]
    look = child(page, LookCard)
    texts = [label.text() for label in look.findChildren(QLabel) if label.isVisibleTo(page)]
    assert any(text.startswith(f"No. {numbers[1] + 1}:") for text in texts) and "Your label: tabby cat" in texts
    page.show_looks(tuple(examples.looked(number, examples.live_input().picture) for number in numbers[1:7]))
    assert look._view.isVisibleTo(page)
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert len(wanted) == 2, "it was there already"


def test_a_sound_is_played_and_stopped(page: AnswersPage, examples: ModuleType) -> None:
    """Given a sound, When Play is pressed, Then its bytes are requested and the button stops it; another row is
    silence."""
    played, stopped = recorded(page.play_wanted), recorded(page.stop_wanted)
    table_of(page).setCurrentIndex(page._model.index(0, 0))
    sound = replace(examples.looked(0, examples.live_sound().picture), sound=b"RIFFdata", levels=(0.5, 1.0))
    page.show_looks((sound,))
    look = child(page, LookCard)
    assert look.sound_bar.isVisibleTo(page)
    stopped.clear()
    left_click(look.sound_bar.button)
    assert played == [b"RIFFdata"]
    page.show_sound("playing")
    assert look.sound_bar.button.text() == "Stop"
    left_click(look.sound_bar.button)
    assert len(stopped) == 1
    page.show_sound("no_device")
    assert "No loudspeaker" in " ".join(label.text() for label in look.findChildren(QLabel))
    table_of(page).setCurrentIndex(page._model.index(1, 0))
    assert len(stopped) == 2 and not look.sound_bar.isVisibleTo(page)


def test_nothing_fits(page: AnswersPage) -> None:
    """Given a search that nothing fits, Then it states what to do; taken back, all is there again."""
    page._choose(text="zebra")
    assert len(page._model.rows) == 0 and "Nothing matches" in page._count.text()
    page._choose(text="")
    assert len(page._model.rows) == 191 and not page._count.isVisibleTo(page)


def test_the_first_example_is_shown_at_once(theme: Theme, examples: ModuleType, shown: Any) -> None:
    """Given answers, When the page comes, Then the first row is chosen and its example is requested; of none,
    nothing."""
    page = AnswersPage(theme)
    wanted = recorded(page.rows_wanted)
    page.show_value(examples.all_answers(3))
    shown(page)
    assert table_of(page).currentIndex().row() == 0
    assert [numbers[0] for numbers in wanted] == [0]


def test_what_is_no_class_comes_the_least_alike_first(opened: Any, examples: ModuleType) -> None:
    """Given answers that are no classes, Then the first row is the worst, whose similarity is written out; an order that
    was chosen stays with other versions."""
    value = replace(examples.all_answers(), answers="vector", labelled=False)
    columns = replace(value.columns, similarity=np.linspace(1, 0.5, len(value.columns), dtype=np.float32))
    value = replace(value, columns=columns)
    page = opened(AnswersPage, value)
    table = table_of(page)
    assert table.model().filter.order == "similarity" and table.model().rows[0] == len(columns) - 1
    at = next(k for k, (order, _column) in enumerate(table.model().ordered) if order == "similarity")
    assert table.columnWidth(at) >= table.fontMetrics().horizontalAdvance("over 0.9999") + 24
    page._choose(order="number")
    page.show_value(value)
    assert table_of(page).model().filter.order == "number"


def test_what_was_not_judged_is_marked(opened: Any, examples: ModuleType) -> None:
    """Given vectors of which some were only searched in, Then they have a button and a tag of their own, stand last by
    result, and are not among the same; where there are none, there is no such button."""
    value = examples.all_vectors()
    page = opened(AnswersPage, value)
    assert "searched" not in page._buttons
    kind = value.columns.kind.copy()
    kind[:20] = KINDS.index("searched")
    page.show_value(replace(value, columns=replace(value.columns, kind=kind)))
    assert page._buttons["searched"].text() == "Not judged 20"
    page._choose(order="kind")
    model = table_of(page).model()
    assert {int(at) for at in model.rows[-20:]} == set(range(20))
    cell = model.cell(190, "kind")
    assert cell.text == "Not judged" and "needed as neighbors" in cell.tip


def test_texts_and_lists_are_shown_whole(theme: Theme) -> None:
    """Given texts of both models, Then both are there to read with marks, next to what is right; a list of neighbors
    states what it is; an answer of a few words stays a line."""
    card = LookCard(theme, PictureStore())
    parts = (("we ", False), ("sail", True))
    look = LookValue(1, before="we sail", after="we sat", before_parts=parts, after_parts=parts, reference="we sailed")
    card.show_look(look, is_class=False)
    texts = [part for part in card.findChildren(MarkedText) if not part.isHidden()]
    assert [part.toPlainText() for part in texts] == ["we sail", "we sail"]
    assert any(part.text() == "Right is: we sailed" for part in card.findChildren(QLabel))
    card.show_look(replace(look, is_list=True, reference=""), is_class=False)
    assert any("the nearest first" in part.text() for part in card.findChildren(QLabel))
    card.show_look(LookValue(1, before="2 found: dog × 2", after="nothing found"), is_class=False)
    assert all(part.isHidden() for part in card.findChildren(MarkedText))


def test_filters_are_in_a_line(page: AnswersPage) -> None:
    """Given the row of filters, Then its choices, its buttons and the search are of one height."""
    search = child(page, SearchField)
    tools = search.parentWidget()
    heights = {type(w).__name__: w.height() for w in tools.children() if isinstance(w, QWidget)}
    assert max(heights.values()) - min(heights.values()) <= 2, heights


@pytest.mark.parametrize("labelled", [True, False])
def test_changes_beside_worse_and_better_are_called_the_others(
    opened: Any, examples: ModuleType, labelled: bool
) -> None:
    """Given labels, Then the filter of changes that are neither worse nor better states that these are the other
    changes; without labels it has all changes."""
    value = examples.all_answers(labelled=labelled)
    page = opened(AnswersPage, value)
    texts = [button.text() for button in page.findChildren(QPushButton)]
    count = f"{value.columns.count('changed'):,}"
    assert (f"Other changes {count}" in texts) is labelled
    assert (f"Changed {count}" in texts) is not labelled
    assert any(text.startswith("Worse ") for text in texts) is labelled


def test_what_is_in_a_picture_is_read_whole(theme: Theme, examples: ModuleType, shown: Any) -> None:
    """Given a picture with answers longer than a line, as masks have them, When the window is low, Then both are there
    whole below a lower picture; in a high one the picture is large."""
    report = "leaf 11.6 %, plum 5.0 %, tulip 2.1 % of the picture"
    look = LookValue(
        0, picture=PictureValue(data=b"any", name="garden.png"), before=report, after=report.replace("5", "2")
    )
    for height, picture_px in ((434, 150), (560, 220)):
        card = LookCard(theme, PictureStore())
        card.show_row(examples.all_answers(3).columns, 0, is_class=False)
        card.show_look(look, is_class=False)
        shown(card, 256, height)
        view = child(card, InputView)
        assert view.height() == picture_px
        answers = [part for part in card.findChildren(QLabel) if "of the picture" in part.text()]
        assert [part.text() for part in answers] == [look.before, look.after]
        for part in answers:
            assert part.fontMetrics().horizontalAdvance(part.text()) > part.width()
            room = QRect(0, 0, part.width(), 1000)
            needed = part.fontMetrics().boundingRect(room, Qt.TextFlag.TextWordWrap, part.text())
            assert part.height() >= needed.height()
            assert card.rect().contains(part.mapTo(card, part.rect().bottomRight()))


def test_names_are_whole_in_the_smallest_window(opened: Any, examples: ModuleType) -> None:
    """Given a window of 1024 x 700, Then all names of examples and classes have the room that they need."""
    page = opened(AnswersPage, examples.all_answers(), size=(816, 614))
    table, advance = table_of(page), table_of(page).fontMetrics().horizontalAdvance
    for number, (order, _column) in enumerate(table._model.ordered):
        if order in ("name", "before", "after"):
            longest = max(advance(table._model.cell(row, order).text) for row in range(len(table._model.rows)))
            assert table.columnWidth(number) >= longest + 20, order


def test_width_is_shared_by_need() -> None:
    """Given columns that need little and much, Then each has what it needs where that fits, else the widest ones less."""
    assert shared(400, [100, 150, 120]) == [110, 160, 130]
    assert shared(300, [60, 400, 90]) == [60, 150, 90]
    assert shared(-5, [60, 400]) == [0, 0]
