"""Show on the page Data which preparation of the inputs fits, with the evidence and a button to take it."""

from dataclasses import dataclass, replace
from typing import Literal

from PySide6.QtCore import Qt, SignalInstance
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from widgets.parts.buttons import GhostButton, Slot, TextButton
from widgets.parts.card import Card
from widgets.parts.format import percent, percent_range
from widgets.parts.layout import TOP, discard, held, in_column, in_flow, in_row
from widgets.parts.small import Bar, CheckList, CheckState, CheckValue
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_XS
from workers.contracts.data.doctor import DoctorResult, DoctorVerdict, PreparationTried
from workers.contracts.translation import _
from workers.contracts.wording import capitalized

STATES: dict[DoctorVerdict, CheckState] = {"fits": "ok", "better": "warn", "far_better": "bad", "unclear": "warn"}
SHOWN = 4


@dataclass(frozen=True)
class DoctorValue:
    """The state of the check.

    `state` is idle (can start), running, done (finished, with `result`), waiting (for a measurement) or failed,
    both with what happened and what to do in `problem`, or taking (the model is opened again with another
    preparation). `chosen` describes the current preparation.
    """

    state: Literal["idle", "running", "done", "waiting", "failed", "taking"] = "idle"
    chosen: str = ""
    result: DoctorResult | None = None
    share: float | None = None
    problem: tuple[str, str] = ("", "")


def shown_ways(result: DoctorResult) -> list[PreparationTried]:
    """Return the best preparations: the one that fits and its rival first, and always the chosen one."""
    able = [tried for tried in result.ways if tried.score is not None]
    firsts = [one.spec for one in (result.best, result.rival) if one is not None]
    first = [tried for spec in firsts for tried in able if tried.spec == spec]
    shown = list({tried.spec: tried for tried in (*first, *(tried for tried in able if tried.is_chosen))}.values())
    return shown + [tried for tried in able if tried not in shown][: max(0, SHOWN - len(shown))]


def offered_spec(result: DoctorResult) -> str:
    """Return the preparation that is better than the chosen one, "" if none is."""
    return result.best.spec if result.best is not None and result.verdict in ("better", "far_better") else ""


class DoctorCard(Card):
    """The card of the check, owned by the page."""

    def __init__(self, theme: Theme, on_check: Slot, on_cancel: Slot, taken: SignalInstance) -> None:
        """Create a card in its idle state; it emits `taken(spec)` when the user takes a preparation."""
        super().__init__(_("How they are prepared"))
        self._theme, self._on_check, self._on_cancel, self._taken = theme, on_check, on_cancel, taken
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
        self._body = held(in_column(*self._parts(value)))
        self.add(self._body)
        if was_here:
            self._body.show()
            first = self._body.findChild(QPushButton)
            if first is not None:
                first.setFocus(Qt.FocusReason.OtherFocusReason)
        if old is not None:
            discard(old)
        return was_here

    def _parts(self, value: DoctorValue) -> list[QWidget]:
        if value.state == "idle":
            return [GhostButton(self._theme, _("Check the preparation"), on=self._on_check)]
        if value.state == "running":
            bar = Bar(_("Trying ways to prepare the examples"))
            bar.set_share(value.share)
            stop = TextButton(self._theme, _("Stop"), on=self._on_cancel)
            return [words(_("Trying other ways on some of your examples…")), bar, stop]
        if value.state == "taking":
            return [words(_("The model is opened again with the other preparation…")), Bar(_("Progress"))]
        again = TextButton(self._theme, _("Check again"), on=self._on_check)
        result, (what, why) = value.result, value.problem
        if result is None:
            return [*self._report("waiting" if value.state == "waiting" else "warn", what, why), in_flow(again)]
        report = self._report("warn" if result.rival is not None else STATES[result.verdict], result.what, result.why)
        take, spec = None, offered_spec(result)
        if spec:
            take = GhostButton(self._theme, _("Use the one that fits"), "check", on=lambda: self._taken.emit(spec))
        return [*report, *(self._tried(tried, result) for tried in shown_ways(result)), in_flow(take, again)]

    def _report(self, state: CheckState, what: str, why: str) -> list[QWidget]:
        return [CheckList(self._theme, (CheckValue(state, what),)), *([words(why, "caption")] if why else [])]

    def _tried(self, tried: PreparationTried, result: DoctorResult) -> QWidget:
        score, title = tried.score or 0.0, capitalized(tried.words)
        is_best = result.best is not None and tried.spec == result.best.spec
        if result.evidence == "labels":
            figure = percent(score, 0)
            low, high = max(0.0, tried.low or 0.0), min(1.0, tried.high if tried.high is not None else 1.0)
            reach = _("of {0:,} examples; {1} with 95 % confidence").format(tried.n, percent_range(low, high))
        else:
            figure = _("{0:+.0f} points").format(100 * score)
            reach = _("more certain than on noise, on {0:,} examples").format(tried.n)
        bar = Bar(_("{0}: {1}").format(title, figure), "" if is_best else "warn")
        bar.set_share(min(1.0, max(0.0, score)))
        name = _("{0} (chosen)").format(title) if tried.is_chosen else title
        row = in_row(
            (words(name, "strong" if is_best else ""), 1),
            label(figure, "strong", "brand" if is_best else "", wrap=False),
            gap=SPACE_M,
        )
        take = None
        if not tried.is_chosen:
            name = _("Use this one: {0}").format(title)
            take = GhostButton(self._theme, _("Use this one"), size="small", name=name)
            take.clicked.connect(lambda: self._taken.emit(tried.spec))
        foot = in_row((words(reach, "caption"), 1), (take, TOP), gap=SPACE_M)
        return held(in_column(row, bar, foot, gap=SPACE_XS, edges=(0, SPACE_XS, 0, SPACE_XS)))
