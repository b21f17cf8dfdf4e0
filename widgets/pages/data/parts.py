"""Define parts of the page Data: preview, split bar, and the dialog that matches labels with classes."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QSizePolicy, QWidget

from widgets.parts.card import divider
from widgets.parts.fields import ChoiceField, buddy
from widgets.parts.format import clipped
from widgets.parts.layout import STRETCH, fill, held, in_column, in_row
from widgets.parts.pictures import PictureLabel, PictureStore, PictureValue
from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.parts.small import Chip
from widgets.parts.text import ElidedLabel, label
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S
from workers.contracts.translation import _

SIDE_PX, CAPTION_PX, GAP_PX, MAX_ROWS = 80, 20, 12, 3
MAX_TEXT_CHARS = 300


class PreviewGrid(QWidget):
    """Thumbnails with their labels, as many as fit into three rows, spread over the width."""

    def __init__(self, theme: Theme, store: PictureStore, items: Sequence[tuple[PictureValue, str]]) -> None:
        """Create the grid of `items`; `store` decodes the pictures."""
        super().__init__()
        self._items = tuple(items)
        self._shown_label = ""
        self._cells: list[tuple[str, PictureLabel, ElidedLabel]] = []
        for value, name in self._items:
            picture = PictureLabel(theme, store, value, SIDE_PX)
            picture.setParent(self)
            caption = ElidedLabel(name, "caption", parent=self)
            caption.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            self._cells.append((name, picture, caption))
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_label(self, name: str) -> None:
        """Show only examples with this label, "" for all."""
        self._shown_label = name
        self.updateGeometry()
        self._arrange()

    def _wanted(self) -> list[tuple[PictureLabel, ElidedLabel]]:
        return [(p, c) for name, p, c in self._cells if self._shown_label in ("", name)]

    @staticmethod
    def _columns(width: int) -> int:
        return max(1, (width + GAP_PX) // (SIDE_PX + GAP_PX))

    def hasHeightForWidth(self) -> bool:
        """Return True, because the rows depend on the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of the rows, at most three."""
        columns = self._columns(width)
        rows = min(MAX_ROWS, max(1, -(-len(self._cells) // columns)))
        return rows * (SIDE_PX + CAPTION_PX) + (rows - 1) * (GAP_PX - 2)

    def sizeHint(self) -> QSize:
        """Return the size of six thumbnails in a row."""
        return QSize(6 * (SIDE_PX + GAP_PX), self.heightForWidth(6 * (SIDE_PX + GAP_PX)))

    def minimumSizeHint(self) -> QSize:
        """Return the size of three thumbnails in a row."""
        return QSize(3 * (SIDE_PX + GAP_PX), SIDE_PX + CAPTION_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the thumbnails again."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        wanted = self._wanted()
        shown = {id(picture) for picture, _unused in wanted}
        for _unused, picture, caption in self._cells:
            if id(picture) not in shown:
                picture.hide()
                caption.hide()
        columns = self._columns(self.width())
        spread = (self.width() - SIDE_PX) / max(1, columns - 1) if columns > 1 else 0.0
        for number, (picture, caption) in enumerate(wanted):
            row, column = divmod(number, columns)
            x, y = round(column * spread), row * (SIDE_PX + CAPTION_PX + GAP_PX - 2)
            picture.move(x, y)
            left, right = max(0, x - 4), min(self.width(), x + SIDE_PX + 4)
            caption.setGeometry(left, y + SIDE_PX, right - left, CAPTION_PX)
            picture.setVisible(row < MAX_ROWS)
            caption.setVisible(row < MAX_ROWS)


class PreviewRows(QWidget):
    """Texts or file names, one per line with their labels."""

    def __init__(self, items: Sequence[tuple[PictureValue, str]]) -> None:
        """Create the rows of the first nine `items`."""
        super().__init__()
        box = in_column(gap=0, parent=self)
        for number, (value, name) in enumerate(items[:9]):
            text = ElidedLabel(clipped(value.text or value.name or value.path, MAX_TEXT_CHARS))
            row = in_row((text, 1), Chip(name) if name else None, gap=SPACE_M, edges=(0, 4, 0, 4))
            fill(box, divider() if number else None, row)


class SplitBar(QWidget):
    """A bar of two parts with the widths of their shares, both wide enough to be visible."""

    def __init__(self, theme: Theme, calibration: int, test: int) -> None:
        """Create the bar from the numbers of examples for calibration and test."""
        super().__init__()
        self._theme, self._parts = theme, (calibration, test)
        self.setFixedHeight(8)
        self.setAccessibleName(_("{0:,} for calibration, {1:,} for the test").format(calibration, test))
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint both parts."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        total = max(1, sum(self._parts))
        first = max(8.0, self.width() * self._parts[0] / total) if self._parts[0] else 0.0
        spans = ((0.0, first - 1, "s3"), (first + 1 if first else 0.0, self.width(), "brand"))
        for x0, x1, token in spans:
            if x1 > x0:
                painter.setBrush(self._theme.color(token))
                painter.drawRoundedRect(QRectF(x0, 0, x1 - x0, 8), 3, 3)
        painter.end()


class MatchDialog(QuestionDialog):
    """A dialog that asks which class each unknown label means; it emits `matched({label: class})`."""

    matched = Signal(object)

    def __init__(self, theme: Theme, labels: Sequence[str], classes: Sequence[str], parent: QWidget | None) -> None:
        """Create the dialog for these labels and classes."""
        super().__init__(
            theme,
            QuestionValue(
                title=_("Which answer does each label mean?"),
                text=_("The model does not know these labels. Examples of open ones are used without a label."),
                answers=(Answer("no", _("Cancel")), Answer("use", _("Use these names"), primary=True)),
            ),
            parent,
        )
        self._boxes: dict[str, ChoiceField] = {}
        holder = held(in_column(*(self._row(name, classes) for name in labels), STRETCH, edges=(0, 0, SPACE_S, 0)))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(holder)
        area.setAccessibleName(_("Labels"))
        area.setMinimumHeight(min(360, 44 * len(labels) + 8))
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.body.addWidget(area)

    def _row(self, name: str, classes: Sequence[str]) -> QHBoxLayout:
        plain = name.strip().lower()
        options = [(_("no label"), ""), *((clipped(answer, 80), answer) for answer in classes)]
        alike = next((answer for answer in reversed(classes) if answer.strip().lower() == plain), "")
        box = ChoiceField(_("What “{0}” means").format(name), options, alike, elastic=True)
        box.setMinimumWidth(220)
        box.setMaximumWidth(260)
        self._boxes[name] = box
        return in_row((buddy(ElidedLabel(name), box), 1), label("→", "soft", wrap=False), box, gap=SPACE_L)

    def _choose(self, answer: str) -> None:
        if answer == "use":
            chosen = {name: str(box.currentData()) for name, box in self._boxes.items() if box.currentData()}
            self.matched.emit(chosen)
        super()._choose(answer)
