"""Show the card of the accuracy limit, with its meaning in examples."""

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QSlider, QStyle

from widgets.pages.goal.value import GoalValue
from widgets.parts.card import Card
from widgets.parts.format import percent_of
from widgets.parts.layout import STRETCH, bare_grid
from widgets.parts.nouns import plural
from widgets.parts.text import label, show_text
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_S
from workers.contracts.translation import _

MAX_PCT, STEPS_PER_PCT = 5.0, 10
HANDLE_PX = 16


class LimitSlider(QSlider):
    """A thin groove with a round handle; a click on the groove moves the handle there at once."""

    def __init__(self) -> None:
        """Create a horizontal slider."""
        super().__init__(Qt.Orientation.Horizontal)
        self.setMinimumHeight(HANDLE_PX + 8)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _span(self) -> int:
        return max(1, self.width() - HANDLE_PX)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change the value only with the focus; otherwise the page scrolls."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the handle to the pointer and start to follow it."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.setSliderDown(True)
        self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer."""
        if self.isSliderDown():
            self._follow(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Stop following the pointer."""
        self.setSliderDown(False)

    def _follow(self, event: QMouseEvent) -> None:
        place = round(event.position().x()) - HANDLE_PX // 2
        self.setValue(QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), place, self._span()))


class LimitCard(Card):
    """The card of the limit; `changed(percent)` follows the slider in tenths of a percent from 0 to 5."""

    changed = Signal(float)

    def __init__(self, theme: Theme, value: GoalValue) -> None:
        """Create the card with the current limit."""
        super().__init__(_("How much accuracy may it cost?"), gap=SPACE_S)
        self._value, self._is_provable = value, True
        self.add(label(_("Fettle never recommends a version beyond this limit."), "soft"))
        self._slider = LimitSlider()
        self._slider.setRange(0, round(max(MAX_PCT, value.limit_pct) * STEPS_PER_PCT))
        self._slider.setValue(round(value.limit_pct * STEPS_PER_PCT))
        self._slider.setPageStep(5)
        self._slider.setAccessibleName(_("How much accuracy may it cost?"))
        self._words = label("", "strong", wrap=False)
        grid = bare_grid(0, 0, stretches=(0, 1))
        grid.setContentsMargins(0, SPACE_S, 0, 0)
        grid.setColumnMinimumWidth(3, SPACE_L)
        grid.addWidget(self._slider, 0, 0, 1, 3)
        grid.addWidget(self._words, 0, 4)
        grid.addWidget(label(percent_of(0), "caption", wrap=False), 1, 0)
        grid.addWidget(label(percent_of(self._slider.maximum() / STEPS_PER_PCT), "caption", wrap=False), 1, 2)
        self.add(grid)
        self._examples = label("", "soft")
        self.add(self._examples, STRETCH)
        self._update_texts()
        self._slider.valueChanged.connect(self._on_value_changed)

    @property
    def limit_pct(self) -> float:
        """Return the limit of the slider in percent."""
        return self._slider.value() / STEPS_PER_PCT

    def set_limit(self, limit_pct: float) -> None:
        """Set another limit without emitting `changed`."""
        with QSignalBlocker(self._slider):
            self._slider.setValue(round(limit_pct * STEPS_PER_PCT))
        self._update_texts()

    def set_provable(self, is_provable: bool) -> None:
        """Show the limit as a number of examples only if they can prove it; otherwise the page already shows that."""
        self._is_provable = is_provable
        self._update_texts()

    def _on_value_changed(self, _value: int) -> None:
        self._update_texts()
        self.changed.emit(self.limit_pct)

    def _update_texts(self) -> None:
        sentence = _("at most {0} other words") if self._value.by_words else _("at most {0} less accurate")
        text = sentence.format(percent_of(self.limit_pct))
        self._words.setText(text)
        self._slider.setAccessibleDescription(text)
        self._words.setMinimumWidth(self._widest())
        show_text(self._examples, self._example() if self._is_provable else "")

    def _widest(self) -> int:
        # the text changes while the slider is dragged, but the groove must not
        self._words.ensurePolished()
        return self._words.fontMetrics().horizontalAdvance(_("at most {0} less accurate").format("9.9 %")) + 2

    def _example(self) -> str:
        value = self._value
        if value.by_words:
            words = _("At most {0:,} of 1,000 next words may be much less likely for the original.")
            return words.format(round(10 * self.limit_pct))
        if not value.n_test:
            return _("Without your own data, this is the share of answers that change.")
        things = plural(value.kind)
        number = int(value.n_test * self.limit_pct / 100)
        if number == 1:
            return _("That is at most 1 changed answer in your {0:,} test {1}.").format(value.n_test, things)
        return _("That is at most {0:,} changed answers in your {1:,} test {2}.").format(number, value.n_test, things)
