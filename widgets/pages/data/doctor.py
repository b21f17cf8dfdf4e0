"""Show on the page Data which preparation of the inputs fits, with the evidence and a button to take it."""

from dataclasses import dataclass, replace
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget

from widgets.parts.buttons import GhostButton, TextButton
from widgets.parts.card import Card
from widgets.parts.flow import FlowLayout
from widgets.parts.layout import discard, held, in_column, in_row
from widgets.parts.small import Bar, CheckList, CheckState, CheckValue
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S, SPACE_XS
from workers.contracts.translation import _

SHOWN = 4


@dataclass(frozen=True)
class WayValue:
    """One preparation as text.

    `figure` is its result ("90 % right"), `share` 0..1 its bar, `n` the number of examples. `spec` is what a click
    takes; the chosen preparation needs none.
    """

    words: str
    figure: str
    share: float | None
    reach: str = ""
    n: int = 0
    is_chosen: bool = False
    is_best: bool = False
    spec: str = ""


@dataclass(frozen=True)
class DoctorValue:
    """The state of the check.

    `state` is idle (can start), running, told (finished), failed, or taking (the model is opened again with another
    preparation). `chosen` describes the current preparation. `spec` is what a click takes, "" for nothing.
    """

    state: Literal["idle", "running", "told", "failed", "taking"] = "idle"
    chosen: str = ""
    verdict: CheckState = "waiting"
    what: str = ""
    why: str = ""
    ways: tuple[WayValue, ...] = ()
    spec: str = ""
    share: float | None = None


class DoctorCard(Card):
    """The card of the check, owned by the page.

    It emits `check_requested` and `cancel_requested`, and `taken(spec)` when the user takes a preparation.
    """

    check_requested = Signal()
    cancel_requested = Signal()
    taken = Signal(str)

    def __init__(self, theme: Theme) -> None:
        """Create a card in its idle state."""
        super().__init__(_("How they are prepared"), gap=SPACE_S)
        self._theme = theme
        self._body: QWidget | None = None
        self._value = DoctorValue()
        self._chosen = words("", "soft")
        # reserves the room, so that later text does not move buttons away from a click
        self._chosen.setMinimumHeight(2 * self._chosen.fontMetrics().lineSpacing())
        self.add(self._chosen)
        self.show_value(DoctorValue())

    def show_value(self, value: DoctorValue) -> bool:
        """Show another state and return whether the focus was in the card.

        The focus then stays in the card, because Qt would move it to a distant field.
        """
        self._chosen.setText(value.chosen)
        if self._body is not None and replace(value, chosen="") == self._value:
            return False
        self._value = replace(value, chosen="")
        old, focus = self._body, QApplication.focusWidget()
        was_here = old is not None and focus is not None and old.isAncestorOf(focus)
        self._body = QWidget()
        box = in_column(parent=self._body)
        fills = {"idle": self._fill_idle, "running": self._fill_running, "taking": self._fill_taking}
        fill = fills.get(value.state, self._fill_told)
        fill(box, value)
        self.add(self._body)
        if was_here:
            self._body.show()
            first = self._body.findChild(QPushButton)
            if first is not None:
                first.setFocus(Qt.FocusReason.OtherFocusReason)
        if old is not None:
            discard(old)
        return was_here

    def _fill_idle(self, box: QVBoxLayout, _value: DoctorValue) -> None:
        box.addWidget(GhostButton(self._theme, _("Check the preparation"), on=self.check_requested))

    def _fill_running(self, box: QVBoxLayout, value: DoctorValue) -> None:
        bar = Bar(_("Trying ways to prepare the examples"))
        bar.set_share(value.share)
        box.addWidget(words(_("Trying other ways on some of your examples…")))
        box.addWidget(bar)
        box.addWidget(TextButton(self._theme, _("Stop"), on=self.cancel_requested))

    def _fill_taking(self, box: QVBoxLayout, _value: DoctorValue) -> None:
        box.addWidget(words(_("The model is opened again with the other preparation…")))
        box.addWidget(Bar(_("Progress")))

    def _fill_told(self, box: QVBoxLayout, value: DoctorValue) -> None:
        box.addWidget(CheckList(self._theme, (CheckValue(value.verdict, value.what),)))
        if value.why:
            box.addWidget(words(value.why, "caption"))
        for way in value.ways[:SHOWN]:
            box.addWidget(self._way(way))
        buttons = QWidget()
        row = FlowLayout(buttons, SPACE_S)
        if value.spec:
            take = GhostButton(self._theme, _("Use the one that fits"), "check", on=lambda: self.taken.emit(value.spec))
            row.addWidget(take)
        row.addWidget(TextButton(self._theme, _("Check again"), on=self.check_requested))
        box.addWidget(buttons)

    def _way(self, way: WayValue) -> QWidget:
        name = _("{0} (chosen)").format(way.words) if way.is_chosen else way.words
        row = in_row(
            (words(name, "strong" if way.is_best else ""), 1),
            label(way.figure, "strong", "brand" if way.is_best else "", wrap=False),
            gap=SPACE_M,
        )
        box = in_column(row, gap=SPACE_XS, edges=(0, SPACE_XS, 0, SPACE_XS))
        holder = held(box)
        if way.share is not None:
            bar = Bar(_("{0}: {1}").format(way.words, way.figure), "" if way.is_best else "warn")
            bar.set_share(way.share)
            box.addWidget(bar)
        foot = in_row((words(way.reach, "caption"), 1), gap=SPACE_M)
        if way.spec and not way.is_chosen:
            take = GhostButton(self._theme, _("Use this one"), size="small", on=lambda: self.taken.emit(way.spec))
            take.setAccessibleName(_("Use this one: {0}").format(way.words))
            foot.addWidget(take, 0, Qt.AlignmentFlag.AlignTop)
        box.addLayout(foot)
        return holder
