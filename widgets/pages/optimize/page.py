"""Show the page Optimize: the progress and the outcome of the search for a faster version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from widgets.pages.optimize.run_view import RunView
from widgets.pages.optimize.step_list import whole_seconds
from widgets.parts.buttons import Button, GhostButton, PrimaryButton
from widgets.parts.card import DropArea
from widgets.parts.cards.error import ErrorCard, ErrorValue
from widgets.parts.fields import ChoiceField
from widgets.parts.format import seconds
from widgets.parts.page import Page
from widgets.parts.small import Bar, PageHead
from widgets.plots.frame_clock import FrameClock
from widgets.plots.step_strip import StepValue
from widgets.theme import Theme
from workers.contracts.translation import _, joined

__all__ = ["OptimizePage", "OptimizeValue", "StepValue"]

RunPhase = Literal["queued", "running", "finished", "kept_original", "failed", "cancelled", "interrupted"]
RunInterruption = Literal["closed", "not_begun", "broken_off"]


@dataclass(frozen=True)
class OptimizeValue:
    """The state of one run; all figures come from the store.

    `headline` is the sentence of the result, `best` that of the best version so far. `done_share` is 0..1 of the whole
    run and never decreases. `remaining_s` is the remaining time, and with `eta_is_most` its upper bound. Both are None
    if
    they are unknown. `stage` names the current work. `seconds` is the total time, `went_on_s` the part that was given
    later, and `spare_s` the unused rest of that part. `error` belongs to `failed`, `waiting` to a run that waits for
    other programs. `go_on_minutes` is offered if more time could change the result, with `go_on_first` as the main
    action. `interruption` is the cause of an interrupted run. `computer` is the name of the other computer that
    measures, "" for this one.
    """

    phase: RunPhase
    steps: tuple[StepValue, ...] = ()
    done_share: float | None = None
    remaining_s: float | None = None
    best: str = ""
    headline: str = ""
    seconds: float | None = None
    error: ErrorValue | None = None
    waiting: str = ""
    go_on_minutes: int | None = None
    go_on_first: bool = False
    went_on_s: float = 0.0
    spare_s: float | None = None
    eta_is_most: bool = False
    stage: str = ""
    interruption: RunInterruption | None = None
    measures_again: bool = False
    computer: str = ""


class OptimizePage(Page):
    """The page Optimize; `show_value` is called after each change, and latencies and log lines go to its `view`."""

    compare_requested = Signal()
    resume_requested = Signal()
    again_requested = Signal()
    measure_now_requested = Signal()
    go_on_requested = Signal(int)
    power_chosen = Signal(str)

    def __init__(self, theme: Theme, clock: FrameClock) -> None:
        """Create the page in its empty state."""
        super().__init__(theme, _("Optimize"))
        self._clock = clock
        self._view: RunView | None = None
        self._laid_out: tuple[object, ...] = ()
        self._powers: tuple[str, ...] = ()
        self._power = ""
        self.show_empty(has_model=False)

    # --- states

    def show_empty(self, *, has_model: bool) -> None:
        """Show that no run was started yet."""
        self._drop_view()
        if has_model:
            go = PrimaryButton(self.theme, _("Choose a goal"), "target", on=self._to("goal"))
            text = _("Choose what matters to you, then press Start.")
        else:
            go = PrimaryButton(self.theme, _("Choose a model"), "cube", on=self._to("model"))
            text = _("Drop a model anywhere on this window, or start with the sample.")
        about = _("Here you will watch each version being made, measured and checked.")
        head = PageHead(_("Nothing is being optimized yet"), about, go)
        title = _("The graph of its speed will appear here")
        self._fill("empty", head, DropArea(self.theme, title, text, icon="gauge", least_px=260))

    def start(self) -> None:
        """Remove graph and log, because another run is shown."""
        self._drop_view()

    def show_value(self, value: OptimizeValue) -> None:
        """Show the current state of the run."""
        if self._view is None or (*_layout(value), self._powers) != self._laid_out:
            self._lay_out(value)
        assert self._view is not None
        title, subtitle = self._sentences(value)
        if value.computer:
            subtitle = joined([subtitle, _("Times are measured on {0}.").format(value.computer)])
        self._show_head(self._head, title, subtitle)
        self._view.set_steps(value.steps)
        self._view.plot.set_stage(value.stage or _step_at_work(value))
        self._view.show_best(value.best)
        self._view.plot.set_running(value.phase == "running")
        self._bar.setVisible(value.phase in ("running", "queued"))
        self._bar.set_share(_share(value))

    def _drop_view(self) -> None:
        if self._view is not None:
            self._clock.remove(self._view.plot)
        self._view = None
        self._laid_out = ()

    def _lay_out(self, value: OptimizeValue) -> None:
        """Replace the head but not the parts below it: moving these blocks the window for .1 to .2 s."""
        view, before = self._view or RunView(self.theme, self._clock), self._laid_out
        is_there = self._content.isAncestorOf(view)
        self._view, self._laid_out = view, (*_layout(value), self._powers)
        self._head = PageHead("", "", self._fold(not view.log_card.isHidden()), *self._actions(value))
        if is_there and value.error == before[1]:
            self._set_head(value.phase, self._head)
            return
        view.setParent(None)  # it outlives the previous content
        self._bar = Bar(_("Progress of the whole run"))
        self._bar.setProperty("tone", "page")
        error = ErrorCard(self.theme, value.error) if value.error is not None else None
        self._fill(value.phase, self._head, self._bar, error, (view, 1))
        view.show()

    def _fold(self, is_open: bool) -> Button:
        fold = GhostButton(self.theme, self._fold_text(is_open), "list")
        fold.setCheckable(True)
        fold.setChecked(is_open)
        fold.toggled.connect(lambda now_open: self._on_fold(fold, now_open))
        return fold

    def _fold_text(self, is_open: bool) -> str:
        return _("Hide log") if is_open else _("Show log")

    def _on_fold(self, fold: Button, is_open: bool) -> None:
        fold.relabel(self._fold_text(is_open))
        if self._view is not None:
            self._view.log_card.setVisible(is_open)

    def set_powers(self, powers: Sequence[str]) -> None:
        """Set what the computer can do after a run: "sleep", "off"; the choice is not offered without any."""
        self._powers = tuple(powers)

    def set_power(self, power: str) -> None:
        """Set what the computer does after this run; "" is nothing."""
        self._power = power
        self.power_chosen.emit(power)

    def _when_done(self) -> ChoiceField | None:
        """Return the field for what the computer does after the run, None where it can do nothing."""
        words = {"sleep": _("When done: sleep"), "off": _("When done: shut down")}
        options = [("", _("When done: nothing")), *((power, words[power]) for power in self._powers)]
        field = ChoiceField(_("When done"), [(text, power) for power, text in options], self._power)
        field.currentIndexChanged.connect(lambda: self.set_power(field.currentData()))
        return field if self._powers else None

    def _actions(self, value: OptimizeValue) -> Sequence[QWidget | None]:
        if value.phase in ("running", "queued"):
            cancel = GhostButton(self.theme, _("Cancel"), "x", on=self.cancel_requested)
            first = [self._when_done(), cancel]
            if not value.waiting:
                return first
            tip = _("Do not wait for other programs, now and later in this run")
            return [*first, GhostButton(self.theme, _("Measure now"), "play", tip=tip, on=self.measure_now_requested)]
        if value.phase in ("finished", "kept_original"):
            return self._ended_actions(value)
        text = _("Try again") if value.phase == "failed" else _("Go on")
        return [
            GhostButton(self.theme, _("Start over"), "arrow-clockwise", on=self._to("goal")),
            PrimaryButton(self.theme, text, "play", on=self.resume_requested),
        ]

    def _ended_actions(self, value: OptimizeValue) -> list[Button]:
        """Return what can be done after a run; the last one decides where the run has no verdict."""
        text = _("See the result") if value.phase == "finished" else _("See what was tried")
        make_see = GhostButton if value.go_on_first or value.measures_again else PrimaryButton
        see: Button = make_see(self.theme, text, "chart-bar", on=self.compare_requested)
        make_again = PrimaryButton if value.measures_again else GhostButton
        again: Button = make_again(self.theme, _("Measure again"), "arrow-clockwise", on=self.again_requested)
        go_on: list[Button] = []
        if (minutes := value.go_on_minutes) is not None:
            make = PrimaryButton if value.go_on_first else GhostButton
            text = _("Continue for up to {0} minutes").format(minutes)
            go_on = [make(self.theme, text, "play", on=lambda: self.go_on_requested.emit(minutes))]
        if value.measures_again:
            return [*go_on, see, again]
        return [again, see, *go_on] if value.go_on_first else [again, *go_on, see]

    # --- words

    def _sentences(self, value: OptimizeValue) -> tuple[str, str]:
        took = self._took(value)
        kept = _("All measurements are kept, and the run can be resumed.")
        match value.phase:
            case "queued":
                return _("Waiting for its turn"), _("Another job is running; this one starts after it.")
            case "running":
                return _("Looking for a faster version"), self._progress(value)
            case "finished":
                return value.headline or _("The search has ended"), took
            case "kept_original":
                return value.headline or _("Nothing faster was safe: keep the original"), took
            case "failed":
                return _("This run did not finish"), kept
            case "cancelled":
                return _("Cancelled"), kept
            case "interrupted":
                return _("This run was interrupted"), self._interrupted(value.interruption)

    def _interrupted(self, how: RunInterruption | None) -> str:
        match how:
            case "closed":
                return _("Fettle was closed during this run; all measurements until then are kept.")
            case "not_begun":
                return _("Fettle was closed before this run started; nothing was measured yet.")
        return _("Fettle ended unexpectedly during this run; all measurements until then are kept.")

    def _took(self, value: OptimizeValue) -> str:
        if value.seconds is None:
            return ""
        if value.went_on_s:
            text = _("It took {0} in total, including {1} of additional time.")
            text = text.format(seconds(value.seconds), seconds(value.went_on_s))
            return text if value.spare_s is None else f"{text} {self._why_early(value, value.spare_s)}"
        return _("It took {0}.").format(seconds(value.seconds))

    def _why_early(self, value: OptimizeValue, spare_s: float) -> str:
        """Return why a run ended before its additional time was over."""
        text = _("It ended {0} early: more time would change nothing.")
        if value.measures_again:
            text = _("It ended {0} early: only a new measurement can decide.")
        elif value.go_on_minutes is not None:
            text = _("It ended {0} early: the next step would take longer.")
        return text.format(seconds(spare_s))

    def _progress(self, value: OptimizeValue) -> str:
        """Return the subtitle of an active run: step, remaining time and stage, as far as they are known."""
        if value.waiting:
            return value.waiting
        count = len(value.steps)
        at = next((i for i, step in enumerate(value.steps, 1) if step.state == "running"), 0)
        leave = _("You may leave this page; the work continues.")
        where = _("Step {0} of {1}").format(at, count) if at else ""
        left = _("at most {0} left") if value.eta_is_most else _("about {0} left")
        left = left.format(whole_seconds(value.remaining_s)) if at and value.remaining_s is not None else ""
        report = ", ".join(part for part in (where, left) if part)
        stage = value.stage
        return " ".join(f"{part}." for part in (report, stage) if part) + (" " if report or stage else "") + leave

    @staticmethod
    def _show_head(head: PageHead, title: str, subtitle: str) -> None:
        if (head.title.text(), head.subtitle.text()) != (title, subtitle):
            head.set_texts(title, subtitle)

    # --- live values

    @property
    def view(self) -> RunView:
        """Return the graph and the log of the run."""
        if self._view is None:
            self._lay_out(OptimizeValue("running"))
        assert self._view is not None
        return self._view


def _layout(value: OptimizeValue) -> tuple[object, ...]:
    """Return the parts of a value that the page's layout and buttons depend on."""
    offers = value.go_on_minutes, value.go_on_first
    return value.phase, value.error, *offers, bool(value.waiting), value.measures_again


def _step_at_work(value: OptimizeValue) -> str:
    return next((step.title for step in value.steps if step.state == "running"), "")


def _share(value: OptimizeValue) -> float | None:
    """Return the share of the whole run, or of its steps; an indeterminate bar would cost frames."""
    if value.done_share is not None:
        return value.done_share
    over = sum(step.state not in ("waiting", "running") for step in value.steps)
    return over / len(value.steps) if value.steps else 0.0
