"""Hold the state of a search, and record a version's figures: measured alone first, then side by side."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.choose import LEAST_ALIKE_ITEMS, Objective, may_win, versions_to_measure
from app.domain.outcome import SearchEnd
from app.domain.proof.sequence import not_tested
from app.domain.variant import Variant
from app.domain.words.results import day_words
from app.services.flow.measuring import TIME_LIMIT
from app.services.flow.quiet import QuietWait, quiet_budget
from app.services.flow.steps import Flow, JobError, Measured, Reuse
from app.services.opening.opening import ReadData
from app.services.run import version_steps
from app.services.run.figures import OriginalTimes, speedup_of, with_figures
from app.services.run.recorder import Recorder
from app.services.run.version_steps import MeasurementPlan, Version
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import DataParams, OpenParams, SpeedSummary
from workers.contracts.planning import ByTraits
from workers.contracts.specs import Recipe

NEAR_SHARE = 0.5
"""Least speedup of the best version that is measured side by side although nothing looked faster.

First measurements happen at different times, and a busy machine may have spoiled one of them.
"""

LATE = "It was not ready when the time was up."

MOST_FINALISTS, FINALISTS_OF_LARGE = 6, 3
LARGE_BYTES = 200_000_000
"""Bytes from which on a model is large; finalists are in memory side by side.

Their number is as high as memory permits, so that all compared versions are measured in one run.
"""


@dataclass(frozen=True)
class OptimizeRequest:
    """What to optimize and for which objective; made by the caller and owned by the run.

    Attributes:
        model: How to open the model.
        data: How to read the examples.
        recipes: The preset's recipes, in the order to try them.
        objective: What counts as better.
        threads: Cores to measure with.
        max_candidates: The most recipes to try; None means all.
        fresh: Whether to measure everything in this run, without recent measurements of other runs.
        more_s: Seconds granted from now on, whatever the run took before.
        by_traits: Techniques that the preset selects by traits and tries in addition.
        better_goals: Titles of goals for language models, if the chosen goal is not one.
    """

    model: OpenParams
    data: DataParams  # model_dir is filled in when the model is open
    recipes: tuple[Recipe, ...]
    objective: Objective
    threads: int
    max_candidates: int | None = None
    fresh: bool = False
    more_s: float | None = None
    by_traits: tuple[ByTraits, ...] = ()
    better_goals: tuple[str, ...] = ()


class Search:
    """Candidates, time budget and request of one run; owned by the run. `end` is its stored part.

    `by_words` is true for a language model, whose next words are counted. The first `most_test` test examples are
    evaluated, None means all.
    """

    def __init__(self, recorder: Recorder, ask: OptimizeRequest) -> None:
        """Create the search of a run, continuing the stored state of an earlier part."""
        self.recorder, self.ask, self.goal = recorder, ask, recorder.run.goal
        before = recorder.search_end
        went_on_s = before.went_on_s if ask.more_s is None else (*before.went_on_s, ask.more_s)
        begun_s = self.goal.time_budget_s
        limit_s = None if begun_s is None else begun_s + sum(went_on_s)
        self.end = SearchEnd(limit_s=limit_s, went_on_s=went_on_s, rounds=before.rounds)
        self.rounds_before = before.rounds
        self.clock = recorder.clock
        self.clock.set_limit(self.end.limit_s, begun_s=begun_s, from_now_s=ask.more_s)
        self.candidates: dict[str, Version] = {}
        self.reuse: Reuse | None = None
        self.by_words = False
        self.most_test: int | None = None
        self.patience = quiet_budget()
        self._base: Measured | None = None
        self._base_how: MeasurementPlan | None = None

    def save(self, **changes: Any) -> SearchEnd:
        """Change the stored state of the search and save it."""
        self.end = self.end.model_copy(update=changes)
        self.recorder.save_search(self.end)
        return self.end

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

    def is_in(self, variant_id: str) -> bool:
        """Return whether this variant was measured in this part of the run and is not dropped."""
        return variant_id in self.candidates and self.recorder.variants[variant_id].state != "dropped"

    def versions(self) -> list[Variant]:
        """Return all variants that were measured in this part of the run and are not dropped, with the original."""
        return [variant for variant in self.recorder.variants.values() if self.is_in(variant.id)]

    def known(self, recipe: Recipe) -> Variant | None:
        """Return the same candidate of an interrupted run, so that no work is repeated.

        Candidates are compared by their work, because the title may have changed.
        """
        found = next((v for v in self.recorder.variants.values() if _work(v.recipe) == _work(recipe)), None)
        return None if found is None else dataclasses.replace(found, recipe=recipe, title=recipe.title)

    def look(
        self,
        candidate: Version,
        data: ReadData,
        step: int,
        slow_over_ms: float | None = None,
        quiet: QuietWait | None = None,
    ) -> Flow[Measured]:
        """Measure one version for the first time; the original must come first.

        A kept measurement is used only if the same run also measured the original that this version is compared with.

        Raises:
            JobError: The version could not be measured.
        """
        variant, reuse = candidate.variant, self.reuse
        if self._base is not None and reuse is not None:
            reuse = dataclasses.replace(reuse, only_of=self._run_of(self._base))
        how = MeasurementPlan(1, self.clock.quick_blocks, self.ask.threads, reuse, slow_over_ms, quiet)
        measured = yield from self._looked(candidate, data, how, step)
        if variant.is_baseline:
            self._base, self._base_how = measured, how
        self.clock.record_measured(variant.id, measured)
        self.resume_from(variant.id, measured, 0)
        return measured

    def beside(self, measured: Measured, original: Version, data: ReadData, step: int) -> Flow[Measured]:
        """Return the original's first measurement to compare with.

        It must come from the same run as `measured`, so it is measured again if only one of the two came from the
        store.
        """
        if self._base is None or self._base_how is None:
            raise RuntimeError("the original is looked at first")
        if self._run_of(self._base) != self._run_of(measured):
            reuse = self._base_how.reuse
            if reuse is not None:
                reuse = dataclasses.replace(reuse, since=max(reuse.since, reuse.began))
            how = dataclasses.replace(self._base_how, reuse=reuse, quiet=None)
            self._base = yield from self._looked(original, data, how, step)
        return self._base

    def _looked(self, candidate: Version, data: ReadData, how: MeasurementPlan, step: int) -> Flow[Measured]:
        title = f"Measure {candidate.variant.title}"
        measured = yield from version_steps.measure([candidate], data.folder, how, title=title, step=step)
        if (failure := measured.failures[0]) is not None:
            raise JobError(failure, 1)
        return measured

    def _run_of(self, measured: Measured) -> datetime:
        """Return when the run began that made this measurement."""
        return measured.run_began or self.recorder.run.created_at

    def summarize(
        self, measured: Measured, against: Measured | None = None, family: int | None = None, looks: int = 1
    ) -> Flow[tuple[SpeedSummary | None, ...]]:
        """Return the figures of all variants, compared with variant 0 of `measured` or of `against`.

        Args:
            measured: The measurement.
            against: A separate measurement whose variant 0 is the original.
            family: Number of versions compared in all.
            looks: Number of rounds.
        """
        began_s = self.clock.spent_s
        summaries = yield from version_steps.summarize(measured, against, family, looks)
        self.clock.record_closing(self.clock.spent_s - began_s)
        return summaries

    def take_figures(
        self,
        candidate: Version,
        measured: Measured,
        index: int,
        summary: SpeedSummary | None,
        *,
        interleaved: bool,
        beside: OriginalTimes | None = None,
    ) -> Version:
        """Record the candidate with the figures of variant `index`; `beside` is the original measured with it."""
        anew = self._is_new(measured)
        variant = with_figures(
            candidate.variant, measured, index, summary, interleaved=interleaved, anew=anew, beside=beside
        )
        done = dataclasses.replace(candidate, variant=self.recorder.variant(variant))
        self.recorder.beside_times(variant.id, measured.results[index])
        self.candidates[variant.id] = done
        return done

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
        late = error.code == TIME_LIMIT and self.clock.left_s is not None
        note = LATE if late else f"{error.title}. {error.detail}"
        known = not_tested(variant, "no_time") if late else variant
        return self.recorder.variant(dataclasses.replace(known, state="dropped", notes=(note, *known.notes)))

    def best(self) -> list[Variant]:
        """Return the versions to measure side by side with the original, best first."""
        best = self._finalists()
        if best:
            return best
        near = [v for v in self.versions() if not v.is_baseline and may_win(v) and speedup_of(v) > NEAR_SHARE]
        return sorted(near, key=speedup_of, reverse=True)[:1]

    def best_ids(self) -> list[str]:
        """Return the ids of the versions to measure side by side with the original, best first."""
        return [variant.id for variant in self.best()]

    def next_ids(self) -> list[str]:
        """Return the ids of finalists that were left out for better ones, in case those turn out worse."""
        return [variant.id for variant in self._finalists() if not variant.is_side_by_side]

    def _finalists(self) -> list[Variant]:
        measured = self.versions()
        original = next((v for v in measured if v.is_baseline), None)
        is_small = original is not None and (original.size_bytes or LARGE_BYTES) < LARGE_BYTES
        count = MOST_FINALISTS if is_small else FINALISTS_OF_LARGE
        return versions_to_measure(
            measured, self.ask.objective, count, self.goal.max_loss_pct, few_items=self.few_items
        )


def _work(recipe: Recipe) -> tuple[Any, ...]:
    return recipe.runtime, recipe.steps, recipe.settings, recipe.elsewhere
