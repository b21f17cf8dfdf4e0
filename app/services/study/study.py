"""Optimize models one after the other at each place, and several at once if there are several places."""

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.computers.problems import OF_COMPUTER
from app.domain.run import WITH_RESULT, Run
from app.domain.variant import Variant
from app.jobs.cluster.remote import LOST
from app.services.flow.driver import Driver
from app.services.flow.events import Event, Observer
from app.services.flow.steps import Flow, FlowCancelled, JobError
from app.services.flow.to_end import WAIT_S, pause
from app.services.projects.running import RunRequest, resume_run, start_run
from app.services.records.documents import verdict
from app.services.run.recorder import Recorder
from app.services.study.models import earlier_run
from app.services.study.places import Place
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import words_for
from workers.contracts.translation import mark

CLUSTER_WAIT_S = 0.25
"""Most seconds of a wait while no process works here: only a cancel and the time limit of a run are looked for."""

MOST_LOSSES = 1
"""Losses of a place, or kills of a job from outside, after which a model begins again: it may be the reason."""

KILLED = "killed"
"""Code of the error of a job that the system or a person ended."""

OTHERS_GO_ON = mark("The other models of the study are not affected. Please report it with the log.")

RequestOf = Callable[[Place, Path], Flow[RunRequest]]


@dataclass(frozen=True)
class StudyRow:
    """The result of one model; with `error` it was not optimized, and the figures are None."""

    model: str
    computer: str
    run_id: str | None = None
    recommended: str | None = None
    title: str = ""
    speedup: float | None = None
    verdict: str | None = None
    seconds: float | None = None
    error: ErrorInfo | None = None


class _ModelRun:
    """The optimization of one model at one place; owned by its `Study`."""

    def __init__(
        self, place: Place, model: Path, request_of: RequestOf, observe: Observer, computers: frozenset[str]
    ) -> None:
        self.place, self.model, self._began_s = place, model, time.monotonic()
        self._computers = None if place.in_cluster else computers
        self._recorder: Recorder | None = None
        self._observe_all = observe
        self.driver = Driver(place.space, self._work(request_of(place, model)), self._observe)

    def _observe(self, event: Event) -> None:
        (self._observe_all if self._recorder is None else self._recorder.watch)(event)

    def _work(self, asked: Flow[RunRequest]) -> Flow[Run]:
        request, space = (yield from asked), self.place.space
        before = None if request.fresh else earlier_run(space.repositories, request, self._computers)
        if before is not None and before.state in WITH_RESULT:
            return before
        if before is None:
            self._recorder, flow = start_run(space, request, self._observe_all)
        else:
            self._recorder, flow = resume_run(space, before, request, self._observe_all)
        return (yield from flow)

    def row(self) -> StudyRow:
        """Return the row of the finished optimization."""
        name, error, run = self.model.name, self.driver.error, self.driver.result
        if error is not None or run is None:
            info = error.error if isinstance(error, JobError) else words_for(error or RuntimeError(), OTHERS_GO_ON)
            run_id = None if self._recorder is None else self._recorder.run.id
            return StudyRow(name, self.place.computer, run_id, seconds=time.monotonic() - self._began_s, error=info)
        best = self._recommended(run)
        if best is None:
            return StudyRow(name, run.goal.computer, run.id, seconds=run.seconds)
        figures = best.title, best.measurement.speedup, verdict(best)
        return StudyRow(name, run.goal.computer, run.id, best.id, *figures, run.seconds)

    def _recommended(self, run: Run) -> Variant | None:
        variants = self.place.space.repositories.variants.list(run_id=run.id)
        return next((one for one in variants if one.id == run.recommended_variant_id), None)


class Study:
    """One study, owned by its command: call `run()` once; `cancel()` may be called meanwhile by a signal's handler."""

    def __init__(
        self,
        models: list[Path],
        places: list[Place],
        request_of: RequestOf,
        observe: Observer,
        report: Callable[[StudyRow], None],
    ) -> None:
        """Create the study.

        Args:
            models: The models, in the order to begin them.
            places: Where to work; one model at a time at each.
            request_of: Returns the flow that makes a model's request at a place.
            observe: Observer of all runs.
            report: Gets each row as soon as it is known.
        """
        self._waiting, self._free = deque(models), deque(places)
        self._computers = frozenset(place.computer for place in places)
        self._request_of, self._observe, self._report = request_of, observe, report
        self._order = {model.name: number for number, model in enumerate(models)}
        self._active: list[_ModelRun] = []
        self._losses: Counter[Path] = Counter()
        self._last_loss: ErrorInfo | None = None
        self._is_cancelled = False

    def cancel(self) -> None:
        """Stop everything; what was measured is kept."""
        self._is_cancelled = True

    def run(self) -> list[StudyRow]:
        """Optimize all models and return their rows, in the order of the models; raise `FlowCancelled` if cancelled."""
        rows: list[StudyRow] = []
        try:
            while self._active or (self._waiting and self._free and not self._is_cancelled):
                rows += self._turn()
        finally:
            for one in self._active:
                one.driver.interrupt()
        if self._is_cancelled:
            raise FlowCancelled
        rows += [StudyRow(model.name, "", error=self._last_loss) for model in self._waiting]
        return sorted(rows, key=lambda row: self._order[row.model])

    def _turn(self) -> list[StudyRow]:
        """Do all work that needs no waiting, then wait a moment; return the new rows."""
        while self._waiting and self._free and not self._is_cancelled:
            place, model = self._free.popleft(), self._waiting.popleft()
            self._active.append(_ModelRun(place, model, self._request_of, self._observe, self._computers))
        rows = []
        for one in list(self._active):
            if self._is_cancelled:
                one.driver.cancel()
            if not one.driver.tick():
                one.driver.holding.end()
                self._active.remove(one)
                rows += self._ended(one)
        is_elsewhere = all(one.place.in_cluster for one in self._active)
        pause([one.driver for one in self._active], CLUSTER_WAIT_S if is_elsewhere else WAIT_S)
        return rows

    def _ended(self, one: _ModelRun) -> list[StudyRow]:
        """Return the row of an optimization that ended.

        A place that is lost, full, in use or not prepared gets no more models, and its model begins again elsewhere; so
        does, once, the model of a killed job.
        """
        row = one.row()
        code = None if row.error is None else row.error.code
        if code in OF_COMPUTER:
            self._last_loss = row.error
        else:
            self._free.append(one.place)
        has_place = bool(self._free or self._active)
        may_repeat = code in OF_COMPUTER or code == KILLED
        if may_repeat and has_place and self._losses[one.model] < MOST_LOSSES and not self._is_cancelled:
            self._losses[one.model] += code in (LOST, KILLED)
            self._waiting.appendleft(one.model)
            return []
        if isinstance(one.driver.error, FlowCancelled):
            return []
        self._report(row)
        return [row]
