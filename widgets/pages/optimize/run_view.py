"""Show graph, steps and log of one run; the widgets stay in place during the run and after it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QSizePolicy, QWidget

from widgets.icons import IconLabel
from widgets.pages.optimize.step_list import StepList
from widgets.parts.card import Card
from widgets.parts.format import visible
from widgets.parts.layout import LEFT, in_column, in_row
from widgets.parts.text import ElidedLabel, LogText, words
from widgets.plots.as_table import as_table
from widgets.plots.frame_clock import FrameClock
from widgets.plots.latency_plot import LatencyPlot
from widgets.plots.step_strip import StepValue
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_S, SPACE_XS
from workers.contracts.translation import _

_NARROW_PX, _STEPS_WIDE_PX, _STEPS_NARROW_PX = 900, 316, 252
_LOG_LINES = 5000


class BestTag(QFrame):
    """The best version so far in one line, which is cut if it is too long."""

    def __init__(self, theme: Theme) -> None:
        """Create a hidden tag."""
        super().__init__()
        self.setProperty("kind", "tag")
        self.setProperty("tone", "ok")
        self.setFixedHeight(22)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.label = ElidedLabel("", "", "ok")
        in_row(
            IconLabel(theme, "check-circle", "ok", 14), self.label, gap=SPACE_XS, edges=(6, 0, SPACE_S, 0), parent=self
        )
        self.hide()

    def set_text(self, text: str) -> None:
        """Show another text; "" hides the tag."""
        if self.label.text() != text:
            self.label.setText(text)
            self.setAccessibleName(visible(text))
            self.updateGeometry()
        self.setVisible(bool(text))


class RunView(QWidget):
    """The view of one run: graph at the left, steps at the right, and the foldable log below."""

    def __init__(self, theme: Theme, clock: FrameClock) -> None:
        """Create the view of a run; `clock` draws its graph."""
        super().__init__()
        self.plot = LatencyPlot(theme, clock)
        self.steps = StepList(theme)
        self.best = BestTag(theme)
        self.log = self._log_field()
        self._graph_card, self._steps_card = Card(gap=SPACE_S), Card(_("Steps"), gap=SPACE_XS)
        self._head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._head.setSpacing(SPACE_S)
        self._title = words(_("Latency of every answer"), "section", wrap=False)
        self._head.addWidget(self._title)
        self._head.addWidget(self.best, 1, Qt.AlignmentFlag.AlignRight)
        self._graph_card.setAccessibleName(_("Latency of every answer"))
        titles = _("Version"), _("Answers"), _("Fastest"), _("Mean"), _("Slowest")
        fold, table = as_table(theme, self.plot.accessibleName(), titles, self.plot.rows)
        self._graph_card.add(self._head, (self.plot, 1), (fold, LEFT), table)
        self._steps_card.add((self.steps, 1))
        row = in_row((self._graph_card, 1), self._steps_card, gap=SPACE_L)
        self.log_card = Card(_("Log"))
        self.log_card.add(self.log)
        self.log_card.hide()
        in_column((row, 1), self.log_card, gap=SPACE_L, parent=self)

    def _log_field(self) -> LogText:
        field = LogText(_("Log"), hint=_("Nothing was logged yet."))
        field.setMaximumBlockCount(_LOG_LINES)
        field.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        field.setFixedHeight(168)
        return field

    def set_steps(self, steps: Sequence[StepValue]) -> None:
        """Show the steps in the list and below the graph."""
        self.steps.show_values(steps)
        self.plot.set_steps(steps)

    def add_log(self, lines: Sequence[str]) -> None:
        """Append lines; the log scrolls along if its end was visible."""
        if lines:
            self.log.appendPlainText("\n".join(lines))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Narrow the steps in a narrow page."""
        super().resizeEvent(event)
        self._steps_card.setFixedWidth(self._steps_px)
        self._place_best()

    @property
    def _steps_px(self) -> int:
        return _STEPS_NARROW_PX if self.width() < _NARROW_PX else _STEPS_WIDE_PX

    def show_best(self, text: str) -> None:
        """Show the best version so far; "" shows none."""
        self.best.set_text(text)
        self._place_best()

    def _place_best(self) -> None:
        """Place the tag next to the title if it fits there, else on a separate line."""
        edges = self._graph_card.contentsMargins()
        box = self._graph_card.box.contentsMargins()
        room = self.width() - self._steps_px - SPACE_L - edges.left() - edges.right() - box.left() - box.right()
        is_below = self._title.sizeHint().width() + SPACE_S + self.best.sizeHint().width() > room
        direction = QBoxLayout.Direction.TopToBottom if is_below else QBoxLayout.Direction.LeftToRight
        if direction == self._head.direction():
            return
        self._head.setDirection(direction)
        self._head.setAlignment(self.best, Qt.AlignmentFlag.AlignLeft if is_below else Qt.AlignmentFlag.AlignRight)
