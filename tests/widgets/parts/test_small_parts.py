"""Buttons, cards, checks, flows and questions."""

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QLabel, QStyleOptionButton, QWidget
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import emitted, left_click, placed, recorded
from widgets.parts.buttons import FoldButton, GhostButton, PrimaryButton
from widgets.parts.card import ChoiceCard
from widgets.parts.flow import FlowLayout
from widgets.parts.format import sized
from widgets.parts.layout import in_flow
from widgets.parts.painting import draw_tag
from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.parts.small import Bar, CheckList, CheckRow, CheckValue, Tag
from widgets.theme import Theme


def test_an_arrow_is_behind_the_words(theme: Theme, qtbot: QtBot) -> None:
    """Given the icon of an arrow that points on, then it comes last, with a gap, and the text stays as it is."""
    button = PrimaryButton(theme, "Continue", "arrow-right")
    qtbot.addWidget(button)
    option = QStyleOptionButton()
    button.initStyleOption(option)
    assert button.layoutDirection() == Qt.LayoutDirection.RightToLeft
    assert option.text == "Continue\u2002" and button.text() == button.accessibleName() == "Continue"


def test_a_fold_states_by_its_caret_whether_it_is_open(theme: Theme, qtbot: QtBot) -> None:
    """Given a fold, when space is pressed, then it opens and its picture changes."""
    fold = FoldButton(theme, "Details")
    qtbot.addWidget(fold)
    fold.show()
    closed = fold.icon().pixmap(16, 16).toImage()
    fold.setFocus()
    assert emitted(fold.toggled, qtbot.keyClick, fold, Qt.Key.Key_Space) == [True]
    assert fold.icon().pixmap(16, 16).toImage() != closed


def test_choice_card_does_not_jump_when_chosen(theme: Theme, qtbot: QtBot) -> None:
    """Given a card, when it is chosen, then its thicker edge takes room from its margin, not from its words."""
    card = ChoiceCard("a", "Title", "about")
    label = QLabel("x")
    card.add(label)
    placed(qtbot, card, 200, 100)
    before = label.mapTo(card, QPoint(0, 0))
    assert emitted(card.chosen, left_click, card) == ["a"]
    QApplication.processEvents()
    assert label.mapTo(card, QPoint(0, 0)) == before
    assert card.radio.accessibleName() == "Title" and card.radio.accessibleDescription() == "about"


def test_checks_are_updated_in_place(theme: Theme, qtbot: QtBot) -> None:
    """Given running checks, when states change, then the rows stay; another number of them makes new ones."""
    checks = CheckList(theme, (CheckValue("running", "Write", "…"), CheckValue("waiting", "Run")))
    qtbot.addWidget(checks)
    rows = checks.findChildren(CheckRow)
    checks.show_values((CheckValue("ok", "Write", "14 files"), CheckValue("running", "Run")))
    assert checks.findChildren(CheckRow) == rows and rows[0].accessibleName() == "Write: 14 files"
    checks.show_values((CheckValue("bad", "Write", "no room"),))
    assert [r.accessibleName() for r in checks.findChildren(CheckRow) if r not in rows] == ["Write: no room"]


def test_bar_without_an_end_shows_it(theme: Theme, qtbot: QtBot) -> None:
    """Given no total, then the bar has no value; a share beyond the end stays at it."""
    bar = Bar("Progress")
    qtbot.addWidget(bar)
    bar.set_share(None)
    assert (bar.minimum(), bar.maximum()) == (0, 0)
    bar.set_share(1.7)
    assert bar.value() == bar.maximum() == 1000


def test_tag_cannot_grow_without_end(theme: Theme, qtbot: QtBot) -> None:
    """Given a very long word, then the tag stays small and still reads out whole."""
    tag = Tag(theme, "ok", "W" * 500)
    qtbot.addWidget(tag)
    assert tag.sizeHint().width() < 520 and tag.accessibleName() == "W" * 500


def test_flow_begins_a_new_row(qtbot: QtBot) -> None:
    """Given a narrow width, then items wrap; `spread` puts the last of a row at the right edge."""
    holder = QWidget()
    flow = FlowLayout(holder, 8, spread=True)
    parts = [QLabel(f"words {n}") for n in range(3)]
    for part in parts:
        part.setFixedSize(100, 20)
        flow.addWidget(part)
    placed(qtbot, holder, 320, 100)
    assert [p.y() for p in parts] == [0, 0, 0] and parts[2].geometry().right() == 319
    assert flow.heightForWidth(210) == 48 and flow.heightForWidth(100) == 76
    holder.resize(210, 100)
    QApplication.processEvents()
    assert [p.y() for p in parts] == [0, 0, 28] and parts[2].x() == 0


QUESTION = QuestionValue(
    "Model or data?", "It could be both.", (Answer("m", "A model"), Answer("d", "Data", primary=True))
)


@pytest.mark.parametrize(("key", "answer"), [(Qt.Key.Key_Return, "d"), (Qt.Key.Key_Escape, "")])
def test_question_is_answered_once_by_keys(theme: Theme, qtbot: QtBot, key: Qt.Key, answer: str) -> None:
    """Given a question, when Return or Escape is pressed, then the primary answer or none is reported, once."""
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    dialog = QuestionDialog(theme, QUESTION, parent)
    report = recorded(dialog.answered)
    dialog.open()
    QApplication.processEvents()
    qtbot.keyClick(dialog, key)
    QApplication.processEvents()
    assert report == [answer]


def test_question_with_explanations_lists_them(theme: Theme, qtbot: QtBot) -> None:
    """Given answers with a line each, then the lines stand below the buttons."""
    value = QuestionValue("Close?", "A job runs.", (Answer("keep", "Go on later", "What was measured is kept."),))
    dialog = QuestionDialog(theme, value)
    qtbot.addWidget(dialog)
    assert "What was measured is kept." in [label.text() for label in dialog.findChildren(QLabel)]
    report = recorded(dialog.answered)
    dialog.open()
    left_click(dialog.findChildren(GhostButton)[0])
    assert report == ["keep"]


def test_flow_places_items_of_a_row_on_one_middle_line(qtbot: QtBot) -> None:
    """Given a low and a high item in one row, Then both have the same middle."""
    low, high = QWidget(), QWidget()
    low.setFixedSize(40, 12)
    high.setFixedSize(40, 20)
    _holder = placed(qtbot, in_flow(low, high), 200, 60)  # qtbot keeps no reference
    assert low.geometry().center().y() == high.geometry().center().y()


@pytest.mark.parametrize("width", [380, 560])
def test_a_long_result_leaves_room_for_what_was_checked(theme: Theme, qtbot: QtBot, width: int) -> None:
    """Given a result of many words, Then what was checked is in one line all the same, and no word is cut in two."""
    long = "only numpy, onnxruntime, openvino, pillow; exact wheels in requirements.lock"
    row = placed(qtbot, CheckRow(theme, CheckValue("ok", "Unpacked in a clean place", long)), width, 60)
    what = next(label for label in row.findChildren(QLabel) if label.text() == "Unpacked in a clean place")
    assert what.width() >= what.fontMetrics().horizontalAdvance(what.text())


@pytest.mark.parametrize(("width", "lines"), [(256, 1), (190, 1), (560, 1), (140, 2)])
def test_result_of_check_is_in_one_line_next_to_or_below(theme: Theme, qtbot: QtBot, width: int, lines: int) -> None:
    """Given a column of the page Data in a small window, Then a short result is in one line, below what was checked
    where it does not fit next to it; a narrower one breaks it between its words."""
    value = CheckValue("ok", "No example is in both test and calibration set", "0 of 1,200 shared")
    row = placed(qtbot, CheckRow(theme, value), width, 90)
    QApplication.processEvents()
    metrics = row._result.fontMetrics()
    assert row._result.heightForWidth(row._result.width()) < (lines + 0.5) * metrics.lineSpacing()
    assert row._result.width() >= max(metrics.horizontalAdvance(word) for word in ("1,200", "shared"))
    assert (row._result.y() > row._what.y()) == (width < 400)


def test_painted_tag_in_a_column_of_its_width_is_whole(theme: Theme) -> None:
    """Given a box that is four pixels too narrow for a tag, Then its word is not cut."""
    drawn = []
    for missing_px in (0, 4):
        picture = QPixmap(200, 40)
        picture.fill(Qt.GlobalColor.white)
        painter = QPainter(picture)
        advance = QFontMetrics(sized(painter.font(), 12, QFont.Weight.Medium)).horizontalAdvance("Same")
        draw_tag(painter, theme, QRect(0, 0, advance + 33 - missing_px, 40), "Same", "ok", "check")
        painter.end()
        drawn.append(picture.toImage().copy(24, 8, advance - 1, 24))
    assert drawn[0] == drawn[1]
