"""List the steps of a run with state, result and remaining time."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from widgets.icons import IconLabel
from widgets.parts.card import divider
from widgets.parts.format import seconds
from widgets.parts.layout import STRETCH, discard, in_column, in_row
from widgets.parts.small import Bar
from widgets.parts.text import Tone, label, words
from widgets.plots.step_strip import StepState, StepValue
from widgets.theme import Theme, restyle
from workers.contracts.translation import _, joined

_ICONS: dict[StepState, tuple[str, Tone]] = {
    "waiting": ("circle-dashed", "soft"),
    "running": ("spinner-gap", "brand"),
    "done": ("check-circle", "ok"),
    "warning": ("warning", "warn"),
    "failed": ("x-circle", "bad"),
    "skipped": ("minus-circle", "soft"),
}
_ROW_HEIGHT = 50


def whole_seconds(value: float) -> str:
    """Return an expected time without decimals."""
    whole = max(1, round(value))
    return _("{0} s").format(whole) if whole < 60 else seconds(whole)


class StepRow(QWidget):
    """The row of one step, updated in place."""

    def __init__(self, theme: Theme) -> None:
        """Create an empty row."""
        super().__init__()
        self.setMinimumHeight(_ROW_HEIGHT)
        self._value: StepValue | None = None
        self._icon = IconLabel(theme)
        self.title = words("")
        self.detail = words("", "caption")
        self.figure = label("", wrap=False)
        self.bar = Bar(_("Progress of this step"))
        row = in_row(self._icon, (in_column(self.title, self.detail, gap=0), 1), self.figure, gap=10)
        in_column(STRETCH, row, self.bar, STRETCH, gap=6, edges=(0, 6, 0, 6), parent=self)

    def show_value(self, value: StepValue) -> None:
        """Show another state of the step; only changed parts are laid out again."""
        old, self._value = self._value, value
        if old == value:
            return
        if old is None or old.state != value.state:
            self._icon.set_icon(*_ICONS[value.state])
            restyle(self.title, role="strong" if value.state == "running" else "")
            restyle(self.title, tone="soft" if value.state in ("waiting", "skipped") else "")
            tone = value.state if value.state in ("warning", "failed") else ""
            restyle(self.detail, tone={"warning": "warn", "failed": "bad", "": ""}[tone])
            restyle(self.figure, tone="" if value.state in ("done", "warning") else "soft")
        for widget, text in ((self.title, value.title), (self.detail, value.detail)):
            if widget.text() != text:
                widget.setText(text)
        self.detail.setVisible(bool(value.detail))
        figure = self._figure(value)
        if self.figure.text() != figure:
            self.figure.setText(figure)
        share = value.done_share if value.state == "running" else None
        self.bar.setVisible(share is not None)
        if share is not None:
            self.bar.set_share(share)
        self.setAccessibleName(f"{value.title}: {self._state_text(value.state)}")
        self.setAccessibleDescription(f"{joined((value.detail, figure), ', ')}")

    def _figure(self, value: StepValue) -> str:
        if value.state == "running":
            return "" if value.remaining_s is None else _("{0} left").format(whole_seconds(value.remaining_s))
        if value.state == "waiting" and value.start_s is not None and value.end_s is not None:
            return _("about {0}").format(whole_seconds(value.end_s - value.start_s))
        return value.figure

    def _state_text(self, state: StepState) -> str:
        return {
            "waiting": _("waiting"),
            "running": _("running"),
            "done": _("done"),
            "warning": _("done, look here"),
            "failed": _("failed"),
            "skipped": _("skipped"),
        }[state]


class StepList(QScrollArea):
    """The list of all steps, which keeps the running one visible."""

    def __init__(self, theme: Theme) -> None:
        """Create an empty list."""
        super().__init__()
        self._theme = theme
        self.rows: list[StepRow] = []
        self._running = -1
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # lets keys scroll it
        self.setAccessibleName(_("Steps"))
        holder = QWidget()
        holder.setProperty("kind", "page")
        self._box = in_column(STRETCH, gap=0, edges=(0, 0, 6, 0), parent=holder)
        self.setWidget(holder)

    def sizeHint(self) -> QSize:
        """Return a small size, because the list scrolls by itself."""
        return QSize(220, 150)

    def minimumSizeHint(self) -> QSize:
        """Return the size of about three steps."""
        return QSize(180, 150)

    def show_values(self, values: Sequence[StepValue]) -> None:
        """Show these steps."""
        if len(values) < len(self.rows):
            self._clear()
        while len(self.rows) < len(values):
            self._add_row()
        for row, value in zip(self.rows, values, strict=True):
            row.show_value(value)
        running = next((i for i, value in enumerate(values) if value.state == "running"), -1)
        if running != self._running:
            before, self._running = self._running, running
            if running >= 0:
                self.ensureWidgetVisible(self.rows[min(running + 1, len(values) - 1)], 0, 8)
                self.ensureWidgetVisible(self.rows[running], 0, 8)
            elif before >= 0:  # the last row grows to show its outcome
                QTimer.singleShot(0, self, lambda: self._see(before))

    def _see(self, number: int) -> None:
        if number < len(self.rows):
            self.ensureWidgetVisible(self.rows[number], 0, 8)

    def _add_row(self) -> None:
        if self.rows:
            self._box.insertWidget(self._box.count() - 1, divider())
        row = StepRow(self._theme)
        self.rows.append(row)
        self._box.insertWidget(self._box.count() - 1, row)

    def _clear(self) -> None:
        while self._box.count() > 1:
            item = self._box.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                discard(widget)
        self.rows = []
