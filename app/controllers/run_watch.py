"""One run as the page Optimize shows it: kept up to date by events, or read from the store."""

from collections.abc import Iterable
from statistics import fmean

from app.controllers.words import error_value, tr
from app.domain.choose import is_safe, may_win
from app.domain.run import Run, RunState, StepRecord
from app.domain.variant import LatencyPoint, Variant
from app.domain.words import times
from app.services.events import StepProgress
from widgets.pages.optimize import BestPoint, OptimizeValue, RunPhase, SeriesValue, StepValue
from widgets.plots.step_strip import StepState
from workers.contracts.errors import ErrorInfo

PHASES: dict[RunState, RunPhase] = {
    RunState.QUEUED: "queued",
    RunState.RUNNING: "running",
    RunState.FINISHED: "done",
    RunState.KEPT_ORIGINAL: "kept_original",
    RunState.FAILED: "failed",
    RunState.CANCELLED: "cancelled",
    RunState.INTERRUPTED: "interrupted",
}
STATES: dict[str, StepState] = {
    "waiting": "waiting",
    "running": "running",
    "done": "done",
    "warning": "warning",
    "failed": "failed",
    "skipped": "skipped",
}
BASELINE_STEP = 2


class RunWatch:
    """Facts of one run and what is worked out for the page; `started_s` is the monotonic clock at its start."""

    def __init__(self, run: Run, started_s: float | None = None) -> None:
        self.run, self.started_s = run, started_s
        self._steps: dict[int, StepRecord] = {}
        self._variants: dict[str, Variant] = {}
        self._measured: dict[str, tuple[float, float]] = {}
        self._progress: StepProgress | None = None
        self._best: list[BestPoint] = []

    def step(self, step: StepRecord) -> None:
        """A step as it is now."""
        self._steps[step.index] = step
        if step.state != "running":
            self._progress = None

    def progress(self, progress: StepProgress) -> None:
        """How far the step that runs is."""
        self._progress = progress

    def variant(self, variant: Variant) -> None:
        """A variant as it is now; a better one than the best so far moves the dashed line."""
        self._variants[variant.id] = variant
        p50_ms = variant.measurement.latency_p50_ms
        if p50_ms is None or variant.state != "measured" or not (variant.is_baseline or may_win(variant)):
            return
        if not self._best or p50_ms < self._best[-1].latency_ms:
            at_s = self._measured.get(variant.id, (0.0, 0.0))[1]
            self._best.append(BestPoint(at_s, p50_ms, ""))

    def latencies(self, points: Iterable[LatencyPoint]) -> None:
        """When requests of a variant were timed."""
        for point in points:
            first, _ = self._measured.get(point.variant_id, (point.at_s, point.at_s))
            self._measured[point.variant_id] = (first, point.at_s)

    @property
    def best(self) -> list[BestPoint]:
        """Corners of the dashed line."""
        return list(self._best)

    def series(self) -> list[SeriesValue]:
        """Names and colors of the lines."""
        return [
            SeriesValue(variant.id, _label(variant), variant.index)
            for variant in sorted(self._variants.values(), key=lambda variant: variant.index)
        ]

    def value(self) -> OptimizeValue:
        """The page's value."""
        error = ErrorInfo.model_validate_json(self.run.error_json) if self.run.error_json else None
        failed = self.run.state is RunState.FAILED
        return OptimizeValue(
            phase=PHASES[self.run.state],
            steps=tuple(self._step_value(step) for step in sorted(self._steps.values(), key=lambda step: step.index)),
            eta_s=self._eta_s(),
            best=self._best_words(),
            headline=self.run.headline,
            seconds=self.run.seconds,
            error=error_value(error) if failed and error is not None else None,
        )

    def _step_value(self, step: StepRecord) -> StepValue:
        number = step.index - BASELINE_STEP
        is_variant = number >= 0 and step.index < len(self._steps) - 1
        variant = next((v for v in self._variants.values() if is_variant and v.index == number), None)
        progress = self._progress if step.state == "running" else None
        share = progress.done / progress.total if progress and progress.total else None
        end_s = step.started_s + step.seconds if step.started_s is not None and step.seconds is not None else None
        return StepValue(
            title=step.title,
            state=STATES[step.state],
            detail=progress.stage if progress else step.detail,
            figure=step.figure,
            start_s=step.started_s,
            end_s=end_s,
            series=number if is_variant else None,
            measured_s=self._measured.get(variant.id) if variant else None,
            done_share=share,
            eta_s=progress.eta_s if progress else None,
        )

    def _eta_s(self) -> float | None:
        """From how long versions took so far; unknown before the first one is done."""
        steps = sorted(self._steps.values(), key=lambda step: step.index)[BASELINE_STEP + 1 :]
        took = [step.seconds for step in steps if step.seconds]
        left = sum(step.state in ("waiting", "running") for step in steps)
        return fmean(took) * left if took and left and self.run.state is RunState.RUNNING else None

    def _best_words(self) -> str:
        measured = [v for v in self._variants.values() if v.measurement.speedup and not v.is_baseline and may_win(v)]
        best = max(measured, key=lambda variant: variant.measurement.speedup or 0.0, default=None)
        if best is None or (best.measurement.speedup or 0.0) <= 1.0:
            return ""
        words = tr("same answers") if is_safe(best) else tr("alike, not proven")
        return tr("Best so far: {0}, {1} times faster, {2}").format(
            best.title, times(best.measurement.speedup or 0.0), words
        )


def _label(variant: Variant) -> str:
    p50_ms = variant.measurement.latency_p50_ms
    return variant.title if p50_ms is None else f"{variant.title} {p50_ms:.3g} ms"
