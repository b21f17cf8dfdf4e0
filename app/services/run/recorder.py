"""Record a run while it executes (states, steps, variants, latencies) and report the same to the observer."""

import dataclasses
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from app.domain.outcome import Outcome, SearchEnd
from app.domain.project import Project
from app.domain.run import WITH_RESULT, Run, RunState, StepRecord, check_transition
from app.domain.variant import LatencyPoint, Variant
from app.domain.words.results import forecast_words
from app.persistence import Repositories
from app.persistence.repositories import NotFound
from app.services.flow import events
from app.services.flow.steps import StepResult
from app.services.records.fleet import with_best_elsewhere
from app.services.records.measured import TestSetUsage, save_card_results, save_speech
from app.services.records.run_records import MACHINE, add_finding, read_end, write_end
from app.services.run.clock import FIRST_KINDS, RunClock
from app.services.run.costs import Basis, StepKind
from app.services.run.forecasting import Forecasts
from app.services.run.progress import ProgressMeter
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import MeasureResult, PlanResult
from workers.contracts.specs import DeviceFacts, Finding


class Recorder:
    """The facts of one run, in memory and in the database; points have times in seconds since the run's start.

    `zero_s` is the monotonic clock at the run's zero; a resumed run continues its time line.
    """

    def __init__(self, repositories: Repositories, project: Project, run: Run, observe: events.Observer) -> None:
        """Create a recorder that saves to `repositories` and reports each event to `observe`."""
        self._repositories, self._watcher = repositories, observe
        self.clock = RunClock(lambda: self.elapsed_s)
        self._progress = ProgressMeter(self.clock)
        self._held: list[events.Event] | None = None
        self.project = project
        self._started_s = self.zero_s = time.monotonic()
        self.run = run
        self._before: tuple[Run, tuple[Variant, ...], Sequence[StepRecord], SearchEnd] | None = None
        self.peak_memory_bytes: int | None = None
        self.disturbed_by: tuple[str, ...] = ()
        self._busy_tries = self.search_end.busy_tries
        self.steps: dict[int, StepRecord] = {}
        self.variants: dict[str, Variant] = {
            variant.id: variant for variant in repositories.variants.list(run_id=run.id)
        }

    def _observe(self, event: events.Event) -> None:
        """Report the event, and the progress if it changed."""
        if self._held is not None:
            self._held.append(event)
            return
        self._watcher(event)
        progress = self._progress.update(event)
        if progress is not None:
            self._watcher(progress)

    @contextmanager
    def _as_one(self) -> Iterator[None]:
        """Write everything inside as one transaction, in memory as well, and report it once it is written."""
        held: list[events.Event] = []
        self._held = held
        run, steps, variants = self.run, dict(self.steps), dict(self.variants)
        try:
            with self._repositories.together():
                yield
        except BaseException:
            self.run, self.steps, self.variants = run, steps, variants
            raise
        finally:
            self._held = None
        for event in held:
            self._observe(event)

    def expect(self, basis: Basis) -> None:
        """Forecast the run; store the first forecast, and the one made after the original was measured."""
        self.clock.basis = basis
        forecasts = Forecasts(self._repositories, self.run.goal.computer)
        if basis.request_ms is not None:
            refined = forecasts.expect(basis)
            forecasts.save(self.run.id, refined=refined)
            likely = forecast_words(refined.seconds, refined.memory_bytes, basis.budget_s)
            self.log(f"The whole run will likely take {likely}.")
        elif forecasts.of_run(self.run.id).before is None:
            forecasts.save(self.run.id, before=forecasts.expect(basis))

    def save_outcome(self) -> None:
        """Store the outcome with the forecast; only runs that are complete improve later forecasts."""
        is_whole = self.run.state in WITH_RESULT and not self.is_continued
        outcome = {"seconds": self.run.seconds, "saved_s": self.clock.saved_s, "memory_bytes": self.peak_memory_bytes}
        Forecasts(self._repositories, self.run.goal.computer).save(self.run.id, whole=is_whole, **outcome)

    def is_of_same_goal(self, done: StepResult[Any]) -> bool:
        """Return whether a run with the same goal made this cached result, so that this run repeats that one."""
        repositories = self._repositories
        try:
            made_by = repositories.jobs.get(repositories.artifacts.get(done.key).job_id)
            return made_by.run_id is not None and repositories.runs.get(made_by.run_id).goal == self.run.goal
        except NotFound:
            return False

    @property
    def elapsed_s(self) -> float:
        """Return the seconds since this process began or resumed the run."""
        return time.monotonic() - self._started_s

    def begin(self) -> None:
        """Set the state to running; the earlier result of a resumed run is kept for `break_off`."""
        if self.run.state in WITH_RESULT:
            steps = self._repositories.runs.steps(self.run.id)
            self._before = self.run, tuple(self.variants.values()), steps, self.search_end
        self._started_s = time.monotonic()
        self.zero_s = self._started_s - self._seconds_before()
        self.save(
            state=check_transition(self.run.state, RunState.RUNNING),
            started_at=self.run.started_at or datetime.now(UTC),
            finished_at=None,
            headline="",
            error_json=None,
        )

    def break_off(self, state: RunState, headline: str, error: ErrorInfo | None = None) -> None:
        """Close a run that did not reach its end; a resumed run gets its earlier result back.

        Files made since stay in the store.
        """
        if self._before is None:
            self.end(state, headline=headline, error=error)
            return
        run, variants, steps, search = self._before
        with self._as_one():
            for variant_id in set(self.variants) - {variant.id for variant in variants}:
                self._repositories.variants.delete(variant_id)
                del self.variants[variant_id]
            for variant in variants:
                self.variant(variant)
            for step in steps:
                self._put_step(step)
            self.save_search(search)
            check_transition(self.run.state, run.state)
            self.run = run
            self.save()

    def _seconds_before(self) -> float:
        """Return the seconds that earlier parts of the run took; for a killed run, from its steps and measurements."""
        if self.run.seconds is not None:
            return self.run.seconds
        steps = self._repositories.runs.steps(self.run.id)
        ends = [step.started_s + (step.seconds or 0.0) for step in steps if step.started_s is not None]
        return max([0.0, self._repositories.latencies.last_s(self.run.id), *ends])

    def end(self, state: RunState, headline: str = "", error: ErrorInfo | None = None, **changes: Any) -> None:
        """Close the run: the running step failed or was skipped, waiting steps are skipped."""
        with self._as_one():
            for step in list(self.steps.values()):
                if step.state == "running" and state is RunState.FAILED:
                    self.step(step.index, state="failed", detail=headline)
                elif step.state in ("running", "waiting"):
                    self.step(step.index, state="skipped")
            self.save(
                state=check_transition(self.run.state, state),
                finished_at=datetime.now(UTC),
                seconds=time.monotonic() - self.zero_s,
                headline=headline,
                error_json=error.model_dump_json() if error else None,
                **changes,
            )

    def finish(self, outcome: Outcome, headline: str) -> None:
        """Close the run with the recommendation of its outcome."""
        state = RunState.FINISHED if outcome.is_recommended else RunState.KEPT_ORIGINAL
        self.end(state, headline=headline, recommended_variant_id=outcome.best.id if outcome.best else None)

    def save(self, **changes: Any) -> None:
        """Change facts of the run, such as its plan, and report it."""
        self.run = dataclasses.replace(self.run, **changes)
        self._repositories.runs.update(self.run)
        self._observe(self.run)

    def test_set_usage(self, items: frozenset[int]) -> TestSetUsage:
        """Return the count of looks at these test items, by this run and by others."""
        limit_pct = self.run.goal.max_loss_pct
        return TestSetUsage(self._repositories, self.project.model_sha256, self.run.id, items, limit_pct)

    @property
    def search_end(self) -> SearchEnd:
        """Return the stored search state of earlier parts of this run."""
        return read_end(self._repositories, self.run.id)

    @property
    def busy_tries_before(self) -> int:
        """Return how many runs of the project in a row ended without a verdict because of other programs."""
        runs = self._repositories.runs.list(project_id=self.project.id)
        others = [run for run in runs if run.id != self.run.id and run.finished_at is not None]
        last = max(others, key=lambda run: run.created_at, default=None)
        before = read_end(self._repositories, last.id).busy_tries if last is not None else 0
        return max(before, self._busy_tries)

    def save_search(self, end: SearchEnd) -> None:
        """Store the state of the search."""
        write_end(self._repositories, self.run.id, end)

    def with_best_elsewhere(self, model_key: str, plan: PlanResult) -> PlanResult:
        """Return the plan with the versions that are recommended on other computers."""
        return with_best_elsewhere(self._repositories, self.run, model_key, plan)

    def save_machine(self, device: DeviceFacts) -> None:
        """Store the machine on which the run measures."""
        self._repositories.records.put(MACHINE, self.run.id, device)

    def save_project(self, **changes: Any) -> None:
        """Store facts about the project's model and data; other fields keep changes that a person made meanwhile."""
        project = self._repositories.projects.get(self.project.id)
        self.project = dataclasses.replace(project, updated_at=datetime.now(UTC), **changes)
        self._repositories.projects.update(self.project)

    def plan_steps(self, titles: Sequence[str], kinds: Sequence[StepKind] = FIRST_KINDS) -> None:
        """Add all expected steps as waiting, each of its kind."""
        self.clock.kinds = kinds
        original = FIRST_KINDS.index("original")
        for index, (title, kind) in enumerate(zip(titles, kinds, strict=True)):
            if index not in self.steps:
                variant_index = index - original if kind in ("original", "version") else None
                self._put_step(StepRecord(self.run.id, index, title, "waiting", variant_index=variant_index))

    def step(self, index: int, **changes: Any) -> None:
        """Change a step's state, detail or figure; set its times when it begins and ends."""
        step = self.steps[index]
        if changes.get("state") == "running" and step.started_s is None:
            changes["started_s"] = time.monotonic() - self.zero_s
        elif changes.get("state") in ("done", "warning", "failed") and step.started_s is not None:
            changes["seconds"] = time.monotonic() - self.zero_s - step.started_s
        self._put_step(dataclasses.replace(step, **changes))

    def variant(self, variant: Variant) -> Variant:
        """Store and report the present state of a variant."""
        is_known = variant.id in self.variants
        self.variants[variant.id] = variant
        save = self._repositories.variants.update if is_known else self._repositories.variants.add
        save(variant)
        self._observe(variant)
        return variant

    def save_other_figures(self, variant_id: str, results: Sequence[MeasureResult]) -> None:
        """Store additional measurements: the speed of a language model's text, and the GPU's state."""
        save_speech(self._repositories, variant_id, results)
        save_card_results(self._repositories, variant_id, results)

    def log(self, text: str) -> None:
        """Log a line of information."""
        self._observe(events.LogLine("info", text))

    @property
    def is_continued(self) -> bool:
        """Return whether an earlier part of this run was interrupted."""
        return self.zero_s < self._started_s

    def resume_from(self, variant_id: str, latencies_ms: Sequence[Sequence[float]]) -> None:
        """Record requests that an earlier run timed, at the moment of their lookup.

        A resumed run looks them up again; requests recorded before the interruption are not recorded twice.
        """
        values = [value for one_set in latencies_ms for value in one_set]
        stored = self._repositories.latencies.of_run(self.run.id) if self.is_continued else ()
        known = Counter(point.latency_ms for point in stored if point.variant_id == variant_id)
        if values and Counter(values) <= known:
            return
        now_s = time.monotonic() - self.zero_s
        points = tuple(LatencyPoint(variant_id, now_s, value) for value in values)
        self._repositories.latencies.add_many(self.run.id, points)
        self._observe(events.LatenciesMeasured(points))

    def report(self, finding: Finding) -> None:
        """Store a finding; log it as a warning unless it is only information."""
        add_finding(self._repositories, self.run.id, finding)
        if finding.level != "info":
            self.warn(finding.what)

    def warn(self, text: str) -> None:
        """Log a warning that a person should see now."""
        self._observe(events.LogLine("warning", text))

    def watch(self, event: events.Event) -> None:
        """Record the events of the driver and pass them on to the observer."""
        match event:
            case events.LatenciesMeasured(points):
                zero_s = self.zero_s
                points = tuple(LatencyPoint(one.variant_id, one.at_s - zero_s, one.latency_ms) for one in points)
                self._repositories.latencies.add_many(self.run.id, points)
                event = events.LatenciesMeasured(points)
            case events.MemoryUsed(peak_bytes):
                self.peak_memory_bytes = max(self.peak_memory_bytes or 0, peak_bytes)
            case events.WaitingForQuiet():
                self.disturbed_by = event.disturbed_by or self.disturbed_by
            case events.JobBegan(job_id):
                self._repositories.jobs.set_run(job_id, self.run.id)
            case events.JobEnded(error=error) if error is not None:
                self._observe(events.LogLine("error", f"{error.title}: {error.detail}"))
        self._observe(event)

    def _put_step(self, step: StepRecord) -> None:
        self.steps[step.index] = step
        self._repositories.runs.put_step(step)
        self._observe(step)
