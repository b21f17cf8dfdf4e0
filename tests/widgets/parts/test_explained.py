"""Field terms stay, each with its explanation."""

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QHelpEvent, QImage, QMouseEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import placed
from widgets.parts.explained import ExplainedLabel
from widgets.parts.glossary import WORDS, explain, meanings, terms
from widgets.parts.text import ElidedLabel, label, plain_tip
from widgets.theme import Theme

NO_BUTTONS = (Qt.MouseButton.NoButton, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier)


def test_terms_are_found_once_each_as_whole_words() -> None:
    """Given a text, then each term's first place is marked, and nothing inside other words."""
    found = [t.word for t in terms("INT8, sensitive layers kept; INT8 again, p99, Latency, latencyx, PINT8")]
    assert found == ["INT8", "sensitive layers", "p99", "Latency"]
    assert explain("LATENCY") == "How long one answer takes." and explain("nothing") == ""
    assert meanings("p50 of it") == "p50: Half of all answers came at least this fast."


@pytest.mark.parametrize("word", list(WORDS))
def test_each_explanation_is_a_sentence(word: str) -> None:
    """Given the glossary, then each explanation is a whole sentence that does not lean on the word itself."""
    assert (explain(word).endswith(".") and explain(word)[0].isupper()) or explain(word)[0].isdigit()


@pytest.mark.qt_log_ignore("does not support raise", extend=True)
def test_explanation_comes_at_the_term_and_nowhere_else(theme: Theme, qtbot: QtBot) -> None:
    """Given a label, when the pointer rests on a term, then its explanation comes; next to it, none."""
    shown = placed(qtbot, ExplainedLabel("Quantized to INT8, sensitive layers kept."), 400, 24)
    metrics = shown.fontMetrics()
    at = QPoint(metrics.horizontalAdvance("Quantized to IN"), 12)
    beside = QPoint(metrics.horizontalAdvance("Quantized t"), 12)
    assert shown.term_at(at) is not None and shown.term_at(beside) is None
    QApplication.sendEvent(shown, QHelpEvent(QEvent.Type.ToolTip, at, shown.mapToGlobal(at)))
    assert QToolTip.text() == explain("INT8")
    move = QMouseEvent(QEvent.Type.MouseMove, QPointF(at), shown.mapToGlobal(QPointF(at)), *NO_BUTTONS)
    QApplication.sendEvent(shown, move)  # a real pointer would arrive when the X server likes
    assert shown.cursor().shape() == Qt.CursorShape.WhatsThisCursor
    interface = QAccessible.queryAccessibleInterface(shown)
    assert interface.text(QAccessible.Text.Name) == "Quantized to INT8, sensitive layers kept."
    assert "INT8: Numbers inside" in interface.text(QAccessible.Text.Description)


def test_wrapped_labels_grow_downward_and_keep_number_and_unit_together(theme: Theme, qtbot: QtBot) -> None:
    """Given less width, then more height; and no line ends between a number and its unit."""
    shown = ExplainedLabel("The loss could be 3 % of 9.2 MB in 10.4 ms")
    qtbot.addWidget(shown)
    assert shown.heightForWidth(120) > shown.heightForWidth(400)
    for width in range(60, 300, 7):
        layout, _, _ = shown._layout(width)
        lines = [layout.text()[layout.lineAt(n).textStart() :] for n in range(1, layout.lineCount())]
        assert not any(line.startswith(("%", "MB", "ms")) for line in lines), width


def test_marks_are_drawn_below_the_term(theme: Theme, qtbot: QtBot) -> None:
    """Given a label with and without a term, then the picture differs below the baseline only."""
    with_term, without = ExplainedLabel("INT8"), label("INT8")
    for shown in (with_term, without):
        qtbot.addWidget(shown)
        shown.resize(80, 30)
    marked: QImage = with_term.grab().toImage()
    dark = [y for y in range(marked.height()) for x in range(4, 20) if marked.pixelColor(x, y).lightness() < 200]
    assert max(dark) > 20


def test_foreign_text_stays_plain_everywhere(theme: Theme, qtbot: QtBot) -> None:
    """Given HTML, then labels and tooltips show it as letters."""
    text = "<b>bold</b><img src=x>"
    elided = placed(qtbot, ElidedLabel(text * 20), 60, 20)
    assert elided.textFormat() == Qt.TextFormat.PlainText
    assert "<b>" not in elided.toolTip() and "&lt;b&gt;" in elided.toolTip()
    assert plain_tip("") == "" and "<img" not in plain_tip(text)
    elided.resize(100_000, 20)
    assert elided.toolTip() == ""


def test_margins_take_room_of_their_own(qtbot: QtBot) -> None:
    """Given margins, Then the lines get the width that is left, and the height has the margins in it."""
    label = ExplainedLabel("Other programs kept this computer busy while it was measured. " * 3)
    qtbot.addWidget(label)
    bare = label.heightForWidth(300)
    label.setContentsMargins(20, 8, 20, 8)
    assert label.heightForWidth(340) == bare + 16


def test_a_label_follows_its_text_and_font(qtbot: QtBot) -> None:
    """Given a label that was laid out, When its text or font changes, Then it takes the room that it needs now."""
    kept = ExplainedLabel("latency of every request " * 8)
    qtbot.addWidget(kept)
    first = kept.heightForWidth(200)
    assert kept.heightForWidth(200) == first > kept.heightForWidth(400)
    font = kept.font()
    font.setPixelSize(2 * font.pixelSize())
    kept.setFont(font)
    assert kept.heightForWidth(200) > 1.5 * first
    large = kept.heightForWidth(200)
    kept.setText("latency")
    assert kept.heightForWidth(200) < large
