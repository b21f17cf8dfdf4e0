"""Hold the state of a search, and record a version's figures: from one set beside the original, then from several."""

import dataclasses
from typing import Any

from app.domain.choose import LEAST_ALIKE_ITEMS, cost_of, is_eligible, is_gain, versions_to_measure
from app.domain.outcome import SearchEnd
from app.domain.proof.examples import fewest_examples
from app.domain.proof.sequence import has_safe_rival, not_tested
from app.domain.variant import Variant
from app.domain.words.results import day_words
from app.services.flow.measuring import TIME_LIMIT
from app.services.flow.quiet import quiet_budget
from app.services.flow.steps import Flow, JobError, Measured, MeasureStep, Reuse
from app.services.records.run_records import RunPlan
from app.services.run import version_steps
from app.services.run.costs import first_pace
from app.services.run.figures import original_times, speedup_of, with_figures
from app.services.run.recorder import Recorder
from app.services.run.run_steps import RunSteps
from app.services.run.version_steps import Version
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import SpeedSummary
from workers.contracts.translation import _, joined, mark

NEAR_SHARE = 0.8
"""Least speedup of the best version that is measured side by side in several sets although nothing looked faster.

A first measurement has one process of each version, and a busy machine may have spoiled it.
"""

LATE = mark("It was not ready when the time was up.")

MOST_IN_FINAL, MOST_OF_LARGE = 6, 3
LARGE_BYTES = 200_000_000
"""Bytes from which on a model is large; all versions of the final run are in memory side by side.

Their number is as high as memory permits, so that all compared versions are measured in one run.
"""


class Search(RunSteps):
    """The versions of one optimization and its stored state `end`; the final run and the proof share it.

    `by_words` is true for a language model, whose next words are counted. The first `most_test` test examples are
    evaluated, None means all.
    """

    def __init__(self, recorder: Recorder, plan: RunPlan, more_s: float | None) -> None:
        """Create the search of a run, continuing the stored state of an earlier part with `more_s` more seconds."""
        super().__init__(recorder, plan)
        before, begun_s = recorder.search_end, self.goal.time_budget_s
        went_on_s = before.went_on_s if more_s is None else (*before.went_on_s, more_s)
        limit_s = None if begun_s is None else begun_s + sum(went_on_s)
        self.clock.least_items = fewest_examples(self.goal.max_loss_pct)
        self.clock.set_limit(limit_s, begun_s=begun_s, from_now_s=more_s)
        self.end = SearchEnd(limit_s=limit_s, went_on_s=went_on_s, rounds=before.rounds)
        self.rounds_before = before.rounds
        self.versions_by_id: dict[str, Version] = {}
        self.reuse: Reuse | None = None
        self.by_words = False
        self.most_test: int | None = None
        self.patience = quiet_budget()

    def save(self, **changes: Any) -> None:
        """Change the stored state of the search and save it."""
        self.end = self.end.model_copy(update=changes)
        self.recorder.save_search(self.end)

    def leave_untried(self, count: int = 1) -> None:
        """Count recipes that were not tried for lack of time."""
        self.end = self.end.model_copy(update={"untried": self.end.untried + count})

    @property
    def most_calibration(self) -> int | None:
        """Return the most calibration examples to evaluate, None for all; they select versions but prove nothing."""
        return LEAST_ALIKE_ITEMS if self.by_words else None

    @property
    def few_items(self) -> bool:
        """Return whether the test set is so small that only exact number formats can be proven."""
        return self.end.few_items is not None

    @property
    def original(self) -> Version:
        """Return the original with its present figures and predictions."""
        return next(version for version in self.versions_by_id.values() if version.variant.is_baseline)

    def is_late(self, error: JobError) -> bool:
        """Return whether a step failed because the time of the run was up."""
        return error.error.code == TIME_LIMIT and self.clock.left_s is not None

    def put(self, version: Version) -> Version:
        """Record the present state of a version of this run."""
        self.versions_by_id[version.variant.id] = version
        self.recorder.variant(version.variant)
        return version

    def is_in(self, variant_id: str) -> bool:
        """Return whether this variant was measured in this part of the run and is not dropped."""
        return variant_id in self.versions_by_id and self.recorder.variants[variant_id].state != "dropped"

    def variants(self) -> list[Variant]:
        """Return all variants that were measured in this part of the run and are not dropped, with the original."""
        return [variant for variant in self.recorder.variants.values() if self.is_in(variant.id)]

    def measure_first(self, version: Version, step: int, **how: Any) -> Flow[tuple[Version, Measured]]:
        """Measure one version for the first time, in turn with the original; record and return it with its figures.

        The original itself comes first, alone. A processor changes its speed by a third within a minute, so times of
        different moments cannot be compared.

        Raises:
            JobError: The version could not be measured.
        """
        variant = version.variant
        field = [version] if variant.is_baseline else [self.original, version]
        title = _("Measure {0}").format(_(variant.title))
        pace = first_pace(len(field), self.clock.first_blocks(len(field)))
        how = {"sets": 1, "pace": pace, "reuse": self.reuse, **how}
        measuring = self.measure_step(field, title, step, **how)
        measured = yield from version_steps.measure(measuring)
        if (failure := next(filter(None, reversed(measured.failures)), None)) is not None:
            raise JobError(failure, 1)
        last = len(field) - 1
        self.clock.record_measured(variant.id, measured)
        self.resume_from(variant.id, measured, last)
        summaries = yield from self.summarize(measured)
        original_ms = original_times(summaries[0], self.original.variant) if last else None
        version = self.take_figures(
            version, measured, last, summaries[last], interleaved=False, original_ms=original_ms
        )
        return version, measured

    def measure_step(self, versions: list[Version], title: str, step: int, **how: Any) -> MeasureStep:
        """Return the step that measures versions with the cores of this run."""
        how = {"title": title, "threads": self.threads, "step_index": step, **how}
        return version_steps.measure_step(versions, self.data.folder, **how)

    def summarize(
        self, measured: Measured, family: int | None = None, looks: int = 1
    ) -> Flow[tuple[SpeedSummary | None, ...]]:
        """Return the figures of all variants (see `version_steps.summarize`), and record how long that takes."""
        began_s = self.clock.spent_s
        summaries = yield from version_steps.summarize(measured, family, looks)
        self.clock.record_closing(self.clock.spent_s - began_s)
        return summaries

    def take_figures(
        self,
        version: Version,
        measured: Measured,
        index: int,
        summary: SpeedSummary | None,
        *,
        interleaved: bool,
        original_ms: tuple[float, float] | None = None,
    ) -> Version:
        """Record the version with the figures of variant `index`; for `original_ms` see `original_times`."""
        how = {"interleaved": interleaved, "anew": self._is_new(measured)}
        variant = with_figures(version.variant, measured, index, summary, **how, original_ms=original_ms)
        self.recorder.save_other_figures(variant.id, measured.results[index])
        return self.put(dataclasses.replace(version, variant=variant))

    def resume_from(self, variant_id: str, measured: Measured, index: int) -> None:
        """Record the single requests of variant `index` if they come from an earlier run."""
        if not self._is_new(measured):
            self.recorder.resume_from(variant_id, measured.latencies_ms[index])

    def _is_new(self, measured: Measured) -> bool:
        """Return whether this run made the measurement, now or before an interruption."""
        return measured.measured_at is None or measured.measured_at >= self.recorder.run.created_at

    def when(self, measured: Measured) -> str:
        """Return the day of the measurement in words, "" if this run made it."""
        return "" if self._is_new(measured) or measured.measured_at is None else day_words(measured.measured_at)

    def put_dropped(self, variant: Variant, error: ErrorInfo) -> Variant:
        """Mark the variant as dropped, for this reason."""
        late = self.is_late(JobError(error, 1))
        note = LATE if late else joined([_("{0}.").format(_(error.title)), _(error.detail)])
        dropped = not_tested(variant, "no_time") if late else variant
        return self.recorder.variant(dataclasses.replace(dropped, state="dropped", notes=(note, *dropped.notes)))

    def unproven(self) -> list[Variant]:
        """Return the gains without a verdict that a proof could recommend, best first."""
        versions, objective = self.variants(), self.plan.objective
        left = [v for v in versions if v.judgement is None and is_gain(v, objective) and is_eligible(v)]
        left = [v for v in left if not has_safe_rival(v, versions, objective)]
        return sorted(left, key=lambda version: cost_of(version, objective))

    def best(self) -> list[Variant]:
        """Return the versions to measure side by side with the original, best first."""
        best = self._looks_better()
        if best:
            return best
        return self.near()[:1]

    def near(self) -> list[Variant]:
        """Return versions that looked at most a fifth slower than the original, best first; noise may explain that."""
        near = [v for v in self.variants() if not v.is_baseline and is_eligible(v) and speedup_of(v) > NEAR_SHARE]
        return sorted(near, key=speedup_of, reverse=True)

    def best_ids(self) -> list[str]:
        """Return the ids of the versions to measure side by side with the original, best first."""
        return [variant.id for variant in self.best()]

    def next_ids(self) -> list[str]:
        """Return the ids of versions that were left out for better ones, in case those turn out worse."""
        return [variant.id for variant in self._looks_better() if not variant.is_side_by_side]

    def _looks_better(self) -> list[Variant]:
        measured = self.variants()
        original = next((v for v in measured if v.is_baseline), None)
        is_small = original is not None and (original.size_bytes or LARGE_BYTES) < LARGE_BYTES
        count, limit_pct = MOST_IN_FINAL if is_small else MOST_OF_LARGE, self.goal.max_loss_pct
        return versions_to_measure(measured, self.plan.objective, count, limit_pct, few_items=self.few_items)
