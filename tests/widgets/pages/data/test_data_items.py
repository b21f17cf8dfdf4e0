"""All examples of the page Data by mouse and keys: choosing, changing, small pictures as they are seen."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, QRect, QRectF, Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from read_page import words as text_of

from tests.widgets.qt_actions import child, emitted, left_click, press, recorded
from widgets.pages.data.doctor import DoctorCard, DoctorValue, offered_spec, shown_ways
from widgets.pages.data.grid import CELL_PX, ItemValue, line_parts
from widgets.pages.data.items import ItemsCard, LabelDialog
from widgets.pages.data.page import DataPage
from widgets.pages.data.parts import SuspectsDialog
from widgets.parts.fields import ChoiceField
from widgets.parts.pictures import PictureValue
from widgets.theme import Theme
from widgets.tokens import SPACE_M
from workers.contracts.data.checks import Suspect
from workers.contracts.data.doctor import DoctorResult, PreparationTried
from workers.contracts.data.record import DataRecord

CHUNK = 128
Full = Callable[..., tuple[DataPage, ItemsCard]]


def items(count: int) -> tuple[ItemValue, ...]:
    """Named by their number, of two kinds, the last fifth for calibration."""
    return tuple(
        ItemValue(f"{n}.png", ("cat", "dog")[n % 2], "test" if n < 0.8 * count else "calibration") for n in range(count)
    )


@pytest.fixture
def full(theme: Theme, examples: ModuleType, shown: Any) -> Full:
    """The page with so many examples in its list, on the screen."""

    def make(count: int = 10, **changes: Any) -> tuple[DataPage, ItemsCard]:
        page = DataPage(theme)
        page.show_value(examples.data(**changes))
        page.show_items(items(count), CHUNK)
        shown(page)
        (card,) = page.findChildren(ItemsCard)
        return page, card

    return make


def choose(card: ItemsCard, *rows: int) -> None:
    model = card.view.selectionModel()
    model.clearSelection()
    for row in rows:
        model.select(card.view.items.index(row), QItemSelectionModel.SelectionFlag.Select)


def visible(card: ItemsCard) -> list[str]:
    return [b.text() for b in card.findChildren(QPushButton) if b.isVisibleTo(card)]


def test_what_is_chosen_can_be_changed(full: Full, qtbot: QtBot) -> None:
    """Given examples of both parts, When some are chosen, Then the fitting buttons are there and say what is wanted."""
    page, card = full()
    assert visible(card) == []
    choose(card, 0, 9)
    assert visible(card) == ["Leave out", "To calibration", "To the test", "Relabel…"]
    assert press(card, "To calibration", page.edited) == ["calibration", ("0.png", "9.png"), ""]
    choose(card, 3)
    assert "To the test" not in visible(card)
    assert emitted(page.edited, qtbot.keyClick, card.view, Qt.Key.Key_Delete) == ["leave_out", ("3.png",), ""]
    page.mark_items([*items(3), ItemValue("3.png", mark="left_out")], can_undo=True, can_redo=False)
    choose(card, 3)
    assert visible(card) == ["Undo", "Put back"]


def test_undo_and_redo_by_keys(full: Full, qtbot: QtBot) -> None:
    """Given something that was changed, Then the usual keys undo it and do it again, and do nothing where there is
    nothing to undo."""
    page, card = full()
    with qtbot.assertNotEmitted(page.undo_requested, wait=30):
        qtbot.keyClick(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    page.mark_items(items(10), can_undo=True, can_redo=True)
    emitted(page.undo_requested, qtbot.keyClick, page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    emitted(page.redo_requested, qtbot.keyClick, page, Qt.Key.Key_Z, modifiers)
    assert visible(card)[:2] == ["Undo", "Redo"]


def test_a_label_is_chosen(full: Full) -> None:
    """Given an example, When it is relabelled, Then the model's answers are offered and the chosen one is reported."""
    page, card = full(model_classes=("cat", "dog", "bird"))
    choose(card, 4)
    press(card, "Relabel…")
    (dialog,) = page.window().findChildren(LabelDialog)
    (box,) = dialog.findChildren(ChoiceField)
    box.setCurrentIndex(2)
    assert press(dialog, "Use this label", page.edited) == ["relabel", ("4.png",), "bird"]


def test_only_what_is_seen_is_drawn(full: Full, qtbot: QtBot) -> None:
    """Given 10,000 examples, Then only the first ranges of pictures are requested; When it is scrolled to the end,
    the last one is; what came is shown without being requested again."""
    page, card = full(10_000)
    wanted = recorded(page.picture_wanted)
    card.view.viewport().repaint()
    assert wanted and max(wanted) < CHUNK
    wanted.clear()
    card.view.scrollToBottom()
    card.view.viewport().repaint()
    assert wanted and min(wanted) >= 10_000 - CHUNK
    first = min(wanted) - min(wanted) % CHUNK
    page.put_pictures(first, [b""] * CHUNK)
    qtbot.wait(20)
    wanted.clear()
    card.view.viewport().repaint()
    assert [number for number in wanted if first <= number < first + CHUNK] == []


def test_one_kind_is_shown(full: Full) -> None:
    """Given examples of two kinds, When one is requested, Then only these are in the list."""
    _, card = full()
    box = next(box for box in card.findChildren(ChoiceField))
    box.setCurrentIndex(box.findData("dog"))
    assert [card.view.items.item(row).label for row in range(card.view.items.rowCount())] == ["dog"] * 5


def test_wrong_labels_one_by_one(full: Full, qtbot: QtBot) -> None:
    """Given two labels that look wrong, Then each is shown with both labels and put right, left out or kept by one
    click, and after the last one the question is over."""
    page, _ = full()
    page.show_found((), 0, 0, 2)
    qtbot.wait(1)
    press(page, "Show the 2…", page.suspects_requested)
    none = PictureValue()
    rows = (("a.png", "cat", "dog"), ("b.png", "dog", "cat"))
    page.ask_suspects(
        [(Suspect(source=one, given=given, likely=likely, share=0.9), none) for one, given, likely in rows]
    )
    (dialog,) = page.window().findChildren(SuspectsDialog)
    assert "Labelled “cat”, looks more like “dog”" in text_of(dialog) and "90 % sure" in text_of(dialog)
    assert press(dialog, "It is “dog”", page.edited) == ["relabel", ("a.png",), "dog"]
    qtbot.wait(1)
    answers = recorded(page.edited)
    press(dialog, "The label is right", dialog.finished)
    assert answers == [("right", ("b.png",), "")]


def test_the_preparation_is_checked_and_taken(full: Full, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a check of the preparation, Then it can be requested, stopped, and what fits far better is one click."""
    page, _ = full()
    press(page, "Check the preparation", page.doctor_requested)
    page.show_doctor(DoctorValue("running", share=0.4))
    qtbot.wait(1)
    press(page, "Stop", page.doctor_cancelled)
    prepared = (
        examples.preparation("RGB, 0 to 1", 0.91, 180, spec="channels=rgb"),
        examples.preparation("BGR, 0 to 1", 0.12, 24, is_chosen=True),
    )
    page.show_doctor(DoctorValue("done", result=found_of(prepared)))
    qtbot.wait(1)
    text = text_of(page)
    assert "A." in text and "BGR, 0 to 1 (chosen)" in text and "91 %" in text and "of 180 examples; 86 to 96 %" in text
    assert press(page, "Use the one that fits", page.preparation_taken) == ["channels=rgb"]


@pytest.mark.parametrize("height", [320, 620])
def test_focus_stays_in_the_card_of_the_preparation_check(
    full: Full, examples: ModuleType, qtbot: QtBot, height: int
) -> None:
    """Given the questions about the origin and a small window, When the check runs and shows what it found, Then the
    focus stays in its card, never goes to a question, and what was found is seen: all of it, or its beginning."""
    page, _ = full()
    page.show_origin(DataRecord())
    page.resize(1000, height)
    card = child(page, DoctorCard)
    page.ensureWidgetVisible(card)
    press(page, "Check the preparation")
    page.show_doctor(DoctorValue("running"))
    assert card.isAncestorOf(focused())
    page.show_doctor(DoctorValue("running", share=0.5))
    prepared = tuple(examples.preparation(f"way {n}", 0.5, 180, spec=f"crop={n}", is_chosen=n == 1) for n in range(3))
    page.show_doctor(DoctorValue("done", result=found_of(prepared, verdict="unclear", best=None)))
    assert card.isAncestorOf(focused())
    qtbot.wait(50)
    seen = page.viewport().rect()
    place = QRect(card.mapTo(page.viewport(), QPoint(0, 0)), card.size())
    assert (card.height() > seen.height()) is (height == 320)
    assert seen.contains(place) or (place.top() == 0 and card.height() > seen.height())
    takes = [b for b in card.findChildren(QPushButton) if b.text() == "Use this one" and b.isVisible()]
    assert len(takes) == 2, "the chosen one needs none"
    assert emitted(page.preparation_taken, left_click, takes[1]) == ["crop=2"]


def found_of(prepared: tuple[PreparationTried, ...], **changes: object) -> DoctorResult:
    """A check whose first preparation fits far better."""
    facts = {"verdict": "far_better", "evidence": "labels", "what": "A.", "why": "B.", "best": prepared[0], **changes}
    return DoctorResult.model_validate(facts | {"ways": prepared})


def test_best_and_chosen_preparation_are_shown_first(examples: ModuleType) -> None:
    """Given many preparations, Then the best and the chosen are shown first, four in all; nothing is offered where
    the chosen fits or where no preparation is clearly better."""
    prepared = tuple(examples.preparation(f"{n}", 0.9 - n / 20, 50, spec=f"{n}", is_chosen=n == 6) for n in range(8))
    table = (
        (found_of(prepared), "0612", "0"),
        (found_of(prepared, verdict="fits", best=prepared[6]), "6012", ""),
        (found_of(prepared, verdict="fits", best=prepared[6], rival=prepared[5]), "6501", ""),
        (found_of(prepared, verdict="unclear", best=None), "6012", ""),
    )
    for found, shown, offered in table:
        assert ("".join(tried.words for tried in shown_ways(found)), offered_spec(found)) == (shown, offered)


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def test_three_questions_about_the_origin(full: Full) -> None:
    """Given the three questions, When one is answered, Then all answers are reported, those not given as such."""
    page, _ = full()
    page.show_origin(DataRecord(made_by="me"))
    box = page.findChild(ChoiceField, "origin-people")
    assert isinstance(box, ChoiceField)
    assert emitted(page.origin_answered, box.setCurrentIndex, box.findData("no")) == [
        DataRecord(made_by="me", people="no")
    ]


def test_examples_take_the_height_of_a_large_window(full: Full, qtbot: QtBot) -> None:
    """Given many examples, When the window is tall, Then their list takes most of it; in a small window the page
    is no taller than before; and few examples take no more than they need."""
    page, card = full(2000)
    page.resize(816, 614)
    QApplication.processEvents()
    small_px = page.widget().height()
    page.resize(1800, 2000)
    qtbot.waitUntil(lambda: card.view.height() > 1400, timeout=3000)
    assert page.verticalScrollBar().maximum() == 0, "only the labels stand below"
    page.resize(816, 614)
    qtbot.waitUntil(lambda: page.widget().height() == small_px, timeout=3000)

    page, card = full(40)
    page.resize(1800, 2000)
    QApplication.processEvents()
    assert card.view.height() == max(card.view.minimumHeight(), card.view.whole_px(card.view.width()))
    assert card.view.verticalScrollBar().maximum() == 0


@pytest.mark.parametrize("width", [816, 960, 1072, 1200])
def test_list_that_grew_uses_every_column(full: Full, qtbot: QtBot, width: int) -> None:
    """Given a list that scrolled in a small window, When it has room for all examples, Then no column stays empty, and
    the last example can be seen."""
    page, card = full(30)
    page.resize(816, 400)
    QApplication.processEvents()
    page.resize(width, 1600)
    view = card.view
    qtbot.waitUntil(lambda: view.height() >= view.whole_px(view.width()), timeout=3000)
    QApplication.processEvents()
    firsts = {view.visualRect(view.items.index(row)).x() for row in range(30)}
    assert len(firsts) == view.viewport().width() // CELL_PX
    assert view.viewport().rect().contains(view.visualRect(view.items.index(29)))


def test_a_text_takes_the_room_that_its_label_leaves() -> None:
    """Given a line of 500 px, Then a short label takes its own width, a long one 30 %, and none takes nothing."""
    inner = QRectF(10, 0, 500, 24)
    text, label = line_parts(inner, 29.0)
    assert (text.width(), label.width(), label.right()) == (500 - 30 - SPACE_M, 30, 510)
    text, label = line_parts(inner, 400.0)
    assert label.width() == 150
    assert line_parts(inner, 0)[0].width() == 500


def test_title_of_the_examples_stays_in_one_line(full: Full) -> None:
    """Given the smallest window and a change that can be undone and done again, Then the title is not broken."""
    page, card = full(20)
    page.resize(816, 614)
    card.show_history(can_undo=True, can_redo=True)
    QApplication.processEvents()
    (title,) = [one for one in card.findChildren(QLabel) if one.text() == "Examples"]
    assert title.height() < 2 * title.fontMetrics().lineSpacing()
    assert title.width() >= title.fontMetrics().horizontalAdvance("Examples")
