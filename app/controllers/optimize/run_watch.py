"""Compute the page Optimize of one run, from its events or from the store."""

import dataclasses
import math
import time
from collections.abc import Iterable, Sequence

from app.controllers.outcome import go_on_value
from app.controllers.words import error_value, task_words
from app.domain.choose import is_eligible, is_probably_unsafe, is_worth_naming
from app.domain.outcome import Outcome, SearchEnd
from app.domain.record import parsed
from app.domain.run import WITH_RESULT, Run, RunState, StepRecord
from app.domain.variant import LatencyPoint, Variant
from app.domain.words.outcome import headline
from app.domain.words.results import same_words
from app.services.flow.events import RunProgress, StepProgress, WaitingForQuiet
from app.services.records.run_records import outcome_of_run, saved_objective
from app.services.run.figures import time_words
from widgets.pages.optimize.page import OptimizeValue, StepValue
from widgets.parts.format import percent
from workers.contracts.disturbed import BUSY_SHARE
from workers.contracts.error_info import ErrorInfo
from workers.contracts.translation import _
from workers.contracts.wording import capitalized, in_ms

LEAST_SPARE_S = 10.0
"""Least unused time in seconds for which a run explains its early end."""

MEASURED = ("measured", "confirmed")


class RunWatch:
    """The facts of one run and the values derived for the page; owned by a `LiveRun` or the controller.

    `started_s` is the monotonic clock at the run's start; None for a stored run. `limit_at_s` is the same clock at the
    end of its time limit.
    """

    def __init__(self, run: Run, started_s: float | None = None) -> None:
        """Create a watch without steps or versions."""
        self.run, self.started_s = run, started_s
        self._steps: dict[int, StepRecord] = {}
        self._variants: dict[str, Variant] = {}
        self._measured: dict[str, tuple[float, float]] = {}
        self._at_work, self._looked_at = "", set[str]()
        self._progress: StepProgress | None = None
        self.waiting: WaitingForQuiet | None = None
        self.limit_at_s: float | None = None
        self.whole: RunProgress | None = None
        self.end = SearchEnd()

    def step(self, step: StepRecord) -> None:
        """Record the current state of a step."""
        self._steps[step.index] = step
        if step.state != "running":
            self._progress = None

    def progress(self, progress: StepProgress | None) -> None:
        """Record the progress of the running step's job; None if the job has reported nothing yet."""
        self._progress = progress

    def variant(self, variant: Variant) -> None:
        """Record the current state of a version."""
        self._variants[variant.id] = variant

    def latencies(self, points: Iterable[LatencyPoint]) -> None:
        """Record when a version was timed: its first measurement counts, not the final run of all in turn."""
        for point in points:
            if point.variant_id != self._at_work:
                self._looked_at.add(self._at_work)
                self._at_work = point.variant_id
            if point.variant_id not in self._looked_at:
                began_s, _unused = self._measured.get(point.variant_id, (point.at_s, point.at_s))
                self._measured[point.variant_id] = (began_s, point.at_s)

    @property
    def best(self) -> list[tuple[float, float, str]]:
        """Return the corners of the dashed line from the one time of each version that may still win.

        A version that looked good at first may have been rejected since.
        """
        corners: list[tuple[float, float, str]] = []
        for variant in sorted(self._possible_winners(), key=self._ended_s):
            ms = variant.measurement.typical_ms or 0.0
            if not corners or ms < corners[-1][1]:
                corners.append((self._ended_s(variant), ms, _("best so far {0}").format(in_ms(ms))))
        return corners

    def _possible_winners(self) -> list[Variant]:
        """Return the original and all timed versions that could be recommended and do not look unsafe."""
        timed = [v for v in self._variants.values() if v.state in MEASURED and v.measurement.typical_ms is not None]
        limit_pct = self.run.goal.max_loss_pct
        return [v for v in timed if v.is_baseline or (is_eligible(v) and not is_probably_unsafe(v, limit_pct))]

    def _ended_s(self, variant: Variant) -> float:
        return self._measured.get(variant.id, (0.0, 0.0))[1]

    @property
    def phases_s(self) -> list[float]:
        """Return the starts of the steps on the monotonic clock, in seconds."""
        zero_s = self.started_s or 0.0
        return [zero_s + step.started_s for step in self._in_order() if step.started_s is not None]

    def series(self) -> list[tuple[str, str, int]]:
        """Return the names and colors of the lines."""
        return [
            (variant.id, _label(variant), variant.index)
            for variant in sorted(self._variants.values(), key=lambda variant: variant.index)
        ]

    def value(self) -> OptimizeValue:
        """Return the page's value."""
        error = parsed(ErrorInfo, self.run.error_json)
        failed, outcome = self.run.state is RunState.FAILED, self._outcome()
        go_on = go_on_value(outcome, self.run.goal.max_loss_pct) if outcome is not None else None
        return OptimizeValue(
            phase=self.run.state.value,
            steps=tuple(self._with_plan([self._step_value(step) for step in self._in_order()])),
            done_share=self.whole.share if self.whole is not None else None,
            stage=_(self.whole.stage) if self.whole is not None else "",
            remaining_s=self._remaining_s(),
            best=self._best_words(),
            headline=self._headline(outcome),
            seconds=self.run.seconds,
            error=error_value(error) if failed and error is not None else None,
            waiting=_waiting(self.waiting) if self.waiting is not None and self.run.state is RunState.RUNNING else "",
            go_on_minutes=go_on.minutes if go_on is not None else None,
            go_on_first=go_on is not None and go_on.is_way_on,
            went_on_s=sum(self.end.went_on_s),
            spare_s=self._spare_s(),
            eta_is_most=self.whole is not None and self.whole.goes_on,
            interruption=self.run.interruption.value if self.run.interruption is not None else None,
            computer=self.run.goal.computer,
            measures_again=outcome is not None and outcome.needs_new_run,
        )

    def _spare_s(self) -> float | None:
        """Return the rest of the additional time in seconds if the run ended early."""
        spare_s = self.end.spare_s
        return spare_s if self.end.went_on_s and spare_s is not None and spare_s >= LEAST_SPARE_S else None

    def _headline(self, outcome: Outcome | None) -> str:
        """Return the headline in the language of the window; other endings have the stored one."""
        if outcome is None:
            return self.run.headline
        return headline(outcome, saved_objective(self.run), self.run.goal.max_loss_pct)

    def _outcome(self) -> Outcome | None:
        """Return the extra time that is offered to a finished run."""
        if self.run.state not in WITH_RESULT:
            return None
        return outcome_of_run(self.run, tuple(self._variants.values()), self.end)

    def _in_order(self) -> list[StepRecord]:
        return sorted(self._steps.values(), key=lambda step: step.index)

    def _step_value(self, step: StepRecord) -> StepValue:
        made = self._variants.values() if step.is_begun else ()
        variant = next((v for v in made if v.index == step.variant_index), None)
        progress = self._progress if step.state == "running" else None
        share = progress.done / progress.total if progress and progress.total else None
        end_s = step.started_s + step.seconds if step.started_s is not None and step.seconds is not None else None
        ended = task_words(step.detail)
        return StepValue(
            title=_(step.title),
            state=step.state,
            detail=_stage(progress) if progress else _(ended),
            figure=(time_words(variant) if variant is not None else "") or step.figure,
            start_s=step.started_s,
            end_s=end_s,
            series=step.variant_index,
            measured_s=self._measured.get(variant.id) if variant else None,
            done_share=share,
            remaining_s=progress.remaining_s if progress else None,
        )

    def _with_plan(self, values: Sequence[StepValue]) -> list[StepValue]:
        """Add expected times to waiting steps that fit into the run's time limit.

        A version needs its own time and the time of the last steps, which the limit cuts off.
        """
        expected_s = self.whole.steps_s if self.whole is not None else ()
        if len(expected_s) != len(values) or self.run.state is not RunState.RUNNING:
            return list(values)
        planned, at_s, limit_s = [], 0.0, self._limit_s()
        versions = 1 + max((index for index, value in enumerate(values) if value.series is not None), default=-1)
        for index, (value, step_s) in enumerate(zip(values, expected_s, strict=True)):
            fits = at_s + step_s + sum(expected_s[versions:]) <= limit_s if index < versions else at_s < limit_s
            step = value
            if value.state == "waiting" and fits:
                step = dataclasses.replace(value, start_s=at_s, end_s=min(at_s + step_s, limit_s))
            planned.append(step)
            if step.end_s is not None:
                at_s = max(at_s, step.end_s)
            elif step.start_s is not None and step.state == "running":
                at_s = max(at_s, step.start_s + step_s)
        return planned

    def _limit_s(self) -> float:
        """Return the end of the run's limit in seconds since its start, infinity without one."""
        if self.limit_at_s is None or self.started_s is None:
            return math.inf
        return self.limit_at_s - self.started_s

    def _remaining_s(self) -> float | None:
        """Return the remaining time in seconds, at most the time to the limit.

        For a continued run this is the time to the limit, because the number of rounds to settle a version is unknown.
        """
        if self.whole is None or self.run.state is not RunState.RUNNING:
            return None
        remaining_s = self.whole.remaining_s or None
        limit_s = None if self.limit_at_s is None else max(0.0, self.limit_at_s - time.monotonic())
        if self.whole.goes_on or remaining_s is None or limit_s is None:
            return limit_s if self.whole.goes_on else remaining_s
        return min(remaining_s, limit_s)

    def _best_words(self) -> str:
        """Return the best version so far of an active run; the headline of a finished run has its result."""
        if self.run.state is not RunState.RUNNING:
            return ""
        original = next((v for v in self._possible_winners() if v.is_baseline), None)
        best = min(self._possible_winners(), key=lambda variant: variant.measurement.typical_ms or 0.0, default=None)
        if original is None or best is None or best.is_baseline:
            return ""
        before_ms, now_ms = original.measurement.typical_ms or 0.0, best.measurement.typical_ms or 0.0
        if not is_worth_naming(before_ms / now_ms):
            return ""
        text = _("Best so far: {0}, {1}; the original {2}. {3}")
        answers = same_words(best) if best.judgement is not None else _("answers not tested yet")
        return text.format(_(best.title), in_ms(now_ms), in_ms(before_ms), capitalized(answers))


def _stage(progress: StepProgress) -> str:
    """Return the current stage if it differs from the step's title."""
    return _(progress.stage) if progress.says_more else ""


def _waiting(waiting: WaitingForQuiet) -> str:
    if waiting.busy_share is None or waiting.busy_share < BUSY_SHARE:
        return _("Checking whether the computer is idle…")
    text = _("Waiting up to {0} s for the computer to be idle: other programs use {1}.")
    return text.format(round(waiting.left_s), percent(waiting.busy_share))


def _label(variant: Variant) -> str:
    typical_ms = variant.measurement.typical_ms
    title = _(variant.title)
    return title if typical_ms is None else f"{title} {in_ms(typical_ms)}"
