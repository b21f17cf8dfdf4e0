"""Texts with marked words, and a line between two masks: what is drawn, and what keys and the mouse do."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter
from PySide6.QtTest import QTest

from app.controllers.wordings import MOST_WORDS, marked_lists, marked_pair
from tests.widgets.qt_actions import left_click, placed
from widgets.parts.input_view import InputView
from widgets.parts.marked import MarkedPart, MarkedText, line_of, paint_line, text_of
from widgets.parts.pictures import PictureStore, PictureValue, one_side
from widgets.theme import Theme


def test_words_that_differ_are_marked() -> None:
    """Given two texts, Then the parts are the whole texts, and only what the other lacks is marked."""
    before, after = marked_pair("we sail on the sea today", "we sat on the  sea")
    assert text_of(before) == "we sail on the sea today" and text_of(after) == "we sat on the  sea"
    assert [text for text, is_marked in before if is_marked] == [" sail", " today"]
    assert [text for text, is_marked in after if is_marked] == [" sat"]
    assert marked_pair("", "x") == ((), (("x", True),))


def test_long_texts_are_marked_as_far_as_they_are_compared() -> None:
    """Given more words than are compared, Then nothing is lost."""
    text = " ".join(f"w{k}" for k in range(MOST_WORDS + 50))
    before, after = marked_pair(text, text + " end")
    assert text_of(before) == text and text_of(after) == text + " end"
    assert not any(is_marked for _text, is_marked in (*before, *after))


def test_lists_mark_what_the_other_has_not() -> None:
    """Given what two searches find, Then each entry is a line, and only new ones are marked, whatever their order."""
    before, after = marked_lists(("a", "b", "c"), ("b", "a", "d"))
    assert text_of(before) == "1. a\n2. b\n3. c" and [is_marked for _text, is_marked in after] == [False, False, True]


def test_a_line_begins_near_what_differs() -> None:
    """Given a text that differs late, Then its line begins shortly before that."""
    parts = (("word " * 40, False), ("other", True), (" end", False))
    line = line_of(parts)
    assert line[0][0].startswith("… ") and len(line[0][0]) < 25 and line[1] == parts[1]
    assert line_of((("a\nb ", False), ("c", True)))[0][0] == "a b "


def shown(theme: Theme, *parts: MarkedPart) -> np.ndarray:
    image = QImage(300, 20, QImage.Format.Format_RGB888)
    image.fill(QColor("white"))
    painter = QPainter(image)
    paint_line(painter, theme, QRect(0, 0, 300, 20), QFont(), parts)
    painter.end()
    return np.array(image.constBits()).reshape(20, -1)[:, :900].reshape(20, 300, 3)


def test_marked_words_have_a_ground_of_their_own(theme: Theme) -> None:
    """Given a marked word, Then its ground is colored, and that of others is not."""
    plain = shown(theme, ("wwwwww", False))
    marked = shown(theme, ("wwwwww", True))
    assert (plain[1, :40] == 255).all() and (marked[1, 2:20] != 255).any(axis=1).all()


def test_the_text_itself_stays_plain(qtbot, theme: Theme) -> None:
    """Given foreign text with tags, Then it is shown as it is with as many marks as there are marked parts, and the
    same word earlier is not marked."""
    view = MarkedText(theme, "Optimized", 6)
    qtbot.addWidget(view)
    view.show_parts((("<b>a</b> is ", False), ("a", True), (" a", False)))
    assert view.toPlainText() == "<b>a</b> is a a"
    (mark,) = view.extraSelections()
    assert (mark.cursor.selectionStart(), mark.cursor.selectionEnd()) == (12, 13)


def masks_at(folder: Path) -> PictureValue:
    paths = []
    for name, color in (("picture", "black"), ("before", "red"), ("after", "blue")):
        image = QImage(40, 40, QImage.Format.Format_ARGB32)
        image.fill(QColor(color))
        image.save(str(folder / f"{name}.png"))
        paths.append(PictureValue(path=str(folder / f"{name}.png"), name="a garden"))
    return PictureValue(path=paths[0].path, name="a garden", mask=paths[1], mask_after=paths[2])


def colors_of(view: InputView) -> tuple[int, int]:
    """How many columns of a row near the top are red, and blue."""
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    row = [image.pixelColor(x, 30) for x in range(image.width())]
    reds = sum(color.red() > 200 and color.blue() < 60 for color in row)
    return reds, sum(color.blue() > 200 and color.red() < 60 for color in row)


def test_the_line_between_two_masks_moves(qtbot, theme: Theme, tmp_path: Path) -> None:
    """Given both models' masks, Then the original's is left of the line and the other's right of it; keys and the mouse
    move it, as far as the edges."""
    store = PictureStore()
    view = InputView(theme, store)
    view.show_value(masks_at(tmp_path))
    placed(qtbot, view, 200, 200)
    qtbot.waitUntil(lambda: not store.is_busy and colors_of(view)[0] > 0, timeout=5000)
    reds, blues = colors_of(view)
    assert abs(reds - blues) < 12 and reds > 80
    for _ in range(4):
        QTest.keyClick(view, Qt.Key.Key_Right)
    more = colors_of(view)
    assert more[0] > reds + 30 and more[1] < blues - 30
    left_click(view, QPoint(1, 1))
    assert colors_of(view)[0] < 5
    assert "arrow keys" in view.accessibleName()


def test_each_side_shows_its_own(tmp_path: Path) -> None:
    """Given both masks, Then either side alone is one mask and no line."""
    value = masks_at(tmp_path)
    assert one_side(value, "original").mask == value.mask and one_side(value, "optimized").mask == value.mask_after
    assert one_side(value, "optimized").mask_after is None
