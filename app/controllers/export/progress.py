"""Estimate the progress and the remaining time of an export for the page Export."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from PySide6.QtCore import QObject

from app.controllers.export.presenter import stage_checks
from app.services.flow.events import Event, StepProgress
from app.services.flow.workspace import Workspace
from widgets.pages.export.page import ExportPage
from widgets.parts.format import about
from widgets.parts.small import CheckValue
from widgets.timers import every
from workers.contracts.specs import DescribedTarget, Stage
from workers.contracts.translation import _

FIRST_SHARE = 0.7
"""Share of the time that the first stage takes, which writes the bundle: 15.8 of 21.7 s, on two busy cores."""
LEAST_SHARE = 0.5
"""Least share of the work from which the remaining time is estimated by the share."""
RECENT = 5
TICK_MS = 1000


def usual_export_s(workspace: Workspace) -> float | None:
    """Return the median time in seconds of the newest exports; None where there was none."""
    done = [job for job in workspace.repositories.jobs.list() if job.kind == "export" and job.state == "finished"]
    took = [(job.finished_at - job.started_at).total_seconds() for job in done if job.started_at and job.finished_at]
    return median(took[:RECENT]) if took else None


def share_done(stages: Sequence[Stage], at_id: str, done: float, total: float | None) -> float:
    """Return the share of the work that is done, 0..1: writing counts most, the later stages count equally."""
    ids = [stage.id for stage in stages]
    if at_id not in ids:
        return 0.0
    at, within = ids.index(at_id), min(1.0, done / total) if total else 0.0
    if len(ids) == 1:
        return within
    return within * FIRST_SHARE if at == 0 else FIRST_SHARE + (1 - FIRST_SHARE) * (at - 1 + within) / (len(ids) - 1)


class ExportTiming:
    """The share and remaining time of one export, owned by `ExportProgress`."""

    def __init__(
        self, stages: Sequence[Stage], usual_s: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Create the timing of an export.

        Args:
            stages: the stages of the target.
            usual_s: the usual time of an export on this computer in seconds, None if unknown.
            clock: returns the current time in seconds.
        """
        self._stages, self._usual_s, self._clock = tuple(stages), usual_s, clock
        self._began_s: float | None = None
        self._share, self._by_stages, self._at_s = 0.0, 0.0, 0.0

    def take(self, stage_id: str, done: float, total: float | None) -> None:
        """Record how far a stage is."""
        now_s = self._clock()
        self._began_s = now_s if self._began_s is None else self._began_s
        found = share_done(self._stages, stage_id, done, total)
        if found > self._by_stages:
            self._by_stages, self._at_s = found, now_s - self._began_s

    @property
    def left_s(self) -> float | None:
        """Return the remaining time in seconds; None if it is unknown or already exceeded."""
        elapsed_s = 0.0 if self._began_s is None else self._clock() - self._began_s
        whole_s = self._usual_s
        if self._by_stages >= LEAST_SHARE:
            whole_s = self._at_s / self._by_stages
        return whole_s - elapsed_s if whole_s is not None and whole_s > elapsed_s else None

    @property
    def share(self) -> float:
        """Return the share that is done, 0..1; it never decreases."""
        left_s = self.left_s
        elapsed_s = 0.0 if self._began_s is None else self._clock() - self._began_s
        by_time = elapsed_s / (elapsed_s + left_s) if left_s else 0.0
        self._share = max(self._share, self._by_stages, by_time)
        return self._share


class ExportProgress(QObject):
    """The progress of one export on its page, owned by the controller; updated by events and once a second."""

    def __init__(self, page: ExportPage) -> None:
        """Create the progress of `page`, without an export."""
        super().__init__(page)
        self._page = page
        self._target = DescribedTarget(id="", title="", available=False)
        self._out, self._checks = Path(), tuple[CheckValue, ...]()
        self._timing = ExportTiming((), None)
        self._stage_id = self._words = ""
        self._timer = every(self, TICK_MS, self._show)

    def begin(self, target: DescribedTarget, out: Path, checks: tuple[CheckValue, ...], usual_s: float | None) -> None:
        """Start to show an export; `usual_s` is its usual time in seconds."""
        self._target, self._out, self._checks = target, out, checks
        self._timing = ExportTiming(target.stages, usual_s)
        self._stage_id, self._words = next((stage.id for stage in target.stages), ""), ""
        self._timer.start()
        self._show()

    def take(self, event: Event) -> None:
        """Update the progress from an event of a stage."""
        if isinstance(event, StepProgress) and any(stage.id == event.stage_id for stage in self._target.stages):
            self._timing.take(event.stage_id, event.done, event.total)
            self._stage_id, self._words = event.stage_id, _(event.stage)
            self._show()

    def end(self) -> None:
        """Stop the updates at the end of the export."""
        self._timer.stop()

    def _show(self) -> None:
        stages = self._target.stages
        shown = (*self._checks, *stage_checks(stages, self._stage_id))
        is_first = any(stage.id == self._stage_id for stage in stages[:1])
        title = f"{_(self._target.title)}, {self._out.name}" if is_first or not self._words else _(self._words)
        share, left_s = self._timing.share, self._timing.left_s
        left = "" if left_s is None else _("{0} left").format(about(left_s))
        self._page.show_running(title, share, 1.0 if share else None, shown, left)
