"""Show on the page Data which preparation of the inputs fits, with the evidence and a button to take it."""

from dataclasses import dataclass, replace
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget

from widgets.parts.buttons import GhostButton, TextButton
from widgets.parts.card import Card
from widgets.parts.flow import FlowLayout
from widgets.parts.format import capitalized, percent, percent_range
from widgets.parts.layout import discard, held, in_column, in_row
from widgets.parts.small import Bar, CheckList, CheckState, CheckValue
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S, SPACE_XS
from workers.contracts.data.doctor import DoctorResult, DoctorVerdict, WayTried
from workers.contracts.translation import _

STATES: dict[DoctorVerdict, CheckState] = {"fits": "ok", "better": "warn", "far_better": "bad", "unclear": "warn"}
SHOWN = 4


@dataclass(frozen=True)
class DoctorValue:
    """The state of the check.

    `state` is idle (can start), running, told (finished, with `result`), waiting (for a measurement) or failed, both
    with what happened and what to do in `problem`, or taking (the model is opened again with another preparation).
    `chosen` describes the current preparation.
    """

    state: Literal["idle", "running", "told", "waiting", "failed", "taking"] = "idle"
    chosen: str = ""
    result: DoctorResult | None = None
    share: float | None = None
    problem: tuple[str, str] = ("", "")


def shown_ways(found: DoctorResult) -> list[WayTried]:
    """Return the best preparations: the one that fits and its rival first, and always the chosen one."""
    able = [way for way in found.ways if way.score is not None]
    firsts = [one.spec for one in (found.best, found.rival) if one is not None]
    first = [way for spec in firsts for way in able if way.spec == spec]
    shown = list({way.spec: way for way in (*first, *(way for way in able if way.is_chosen))}.values())
    return shown + [way for way in able if way not in shown][: max(0, SHOWN - len(shown))]


def offered_spec(found: DoctorResult) -> str:
    """Return the preparation that is better than the chosen one, "" if none is."""
    return found.best.spec if found.best is not None and found.verdict in ("better", "far_better") else ""


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
        found = value.result
        state: CheckState = "waiting" if value.state == "waiting" else "warn"
        what, why = value.problem
        if found is not None:
            state, what, why = "warn" if found.rival is not None else STATES[found.verdict], found.what, found.why
        box.addWidget(CheckList(self._theme, (CheckValue(state, what),)))
        if why:
            box.addWidget(words(why, "caption"))
        buttons = QWidget()
        row = FlowLayout(buttons, SPACE_S)
        if found is not None:
            for way in shown_ways(found):
                box.addWidget(self._way(way, found))
            if spec := offered_spec(found):
                text = _("Use the one that fits")
                row.addWidget(GhostButton(self._theme, text, "check", on=lambda: self.taken.emit(spec)))
        row.addWidget(TextButton(self._theme, _("Check again"), on=self.check_requested))
        box.addWidget(buttons)

    def _way(self, way: WayTried, found: DoctorResult) -> QWidget:
        score, title = way.score or 0.0, capitalized(way.words)
        is_best = found.best is not None and way.spec == found.best.spec
        if found.evidence == "labels":
            figure = percent(score, 0)
            low, high = max(0.0, way.low or 0.0), min(1.0, way.high if way.high is not None else 1.0)
            reach = _("of {0:,} examples; {1} with 95 % confidence").format(way.n, percent_range(low, high))
        else:
            figure = _("{0:+.0f} points").format(100 * score)
            reach = _("more certain than on noise, on {0:,} examples").format(way.n)
        bar = Bar(_("{0}: {1}").format(title, figure), "" if is_best else "warn")
        bar.set_share(min(1.0, max(0.0, score)))
        foot = in_row((words(reach, "caption"), 1), gap=SPACE_M)
        if not way.is_chosen:
            take = GhostButton(self._theme, _("Use this one"), size="small", on=lambda: self.taken.emit(way.spec))
            take.setAccessibleName(_("Use this one: {0}").format(title))
            foot.addWidget(take, 0, Qt.AlignmentFlag.AlignTop)
        name = _("{0} (chosen)").format(title) if way.is_chosen else title
        row = in_row(
            (words(name, "strong" if is_best else ""), 1),
            label(figure, "strong", "brand" if is_best else "", wrap=False),
            gap=SPACE_M,
        )
        return held(in_column(row, bar, foot, gap=SPACE_XS, edges=(0, SPACE_XS, 0, SPACE_XS)))
