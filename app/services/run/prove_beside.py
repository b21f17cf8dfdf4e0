"""Prove that two models give the same predictions: an original and one that was made elsewhere.

The steps are those of a version in an optimization without the search: all examples belong to the test set, and none to
the calibration set.
"""

import dataclasses
from dataclasses import dataclass

from app.domain.outcome import SearchEnd, outcome_of
from app.domain.run import Run, RunState
from app.domain.words.results import proof_words, verdict_found
from app.services.flow.steps import Flow
from app.services.machine.describing import describe
from app.services.opening.opening import OpenedModel, ReadData
from app.services.records.run_plan import BesideRequest
from app.services.run import version_steps
from app.services.run.clock import FIRST_KINDS
from app.services.run.elsewhere import SIDE_BY_SIDE, measure_both, open_version
from app.services.run.figures import time_words
from app.services.run.first_steps import open_first, read_second
from app.services.run.optimize import recorded
from app.services.run.recorder import Recorder
from app.services.run.version_steps import Version
from workers.contracts.data.reading import NO_CALIBRATION
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.specs import Recipe

STEPS = ("Check the original", "Read the examples", "Ask the original", "Open and judge the other model", SIDE_BY_SIDE)


@dataclass(frozen=True)
class ProveRequest:
    """The original, the model to judge, and the examples."""

    model: OpenParams
    data: DataParams  # model_dir is filled in when the model is open
    beside: BesideRequest
    threads: int


def prove_beside(recorder: Recorder, request: ProveRequest) -> Flow[Run]:
    """Judge and measure the model and record the run; whatever ends it, the run is closed and results are kept."""
    return (yield from recorded(recorder, 1, _Proof(recorder, request).run()))


class _Proof:
    def __init__(self, recorder: Recorder, request: ProveRequest) -> None:
        self._recorder, self._request, self._goal = recorder, request, recorder.run.goal

    def run(self) -> Flow[None]:
        recorder = self._recorder
        recorder.plan_steps(STEPS, (*FIRST_KINDS, "version", "final"))
        model = yield from open_first(recorder, self._request.model.model_copy(update={"to_prove": True}))
        asked = self._request.data.model_copy(update={"max_calibration": 0})
        _, data = yield from read_second(recorder, model, asked, unsaid=(NO_CALIBRATION,))
        original = yield from self._ask_original(model, data)
        version = yield from self._judge(original, data)
        yield from self._measure(original, version, data)
        self._close(version)

    def _ask_original(self, model: OpenedModel, data: ReadData) -> Flow[Version]:
        recorder, step = self._recorder, 2
        recorder.step(step, state="running")
        found = yield from describe()
        recorder.save_machine(found.device)
        recipe = Recipe(title="Original", runtime=model.result.runtime)
        known = next((v for v in recorder.variants.values() if v.is_baseline), None)
        variant = known or version_steps.new_variant(recorder.run.id, 0, recipe, is_baseline=True)
        original = yield from version_steps.apply(variant, model, data, self._goal.seed, step)
        recorder.variant(original.variant)
        recorder.save(baseline_variant_id=variant.id)
        original = yield from version_steps.predict(original, data.folder, self._request.threads, step)
        original = yield from version_steps.judge_beside(original, original, data.folder, self._goal.max_loss_pct, step)
        recorder.variant(original.variant)
        for note in original.variant.judgement.notes if original.variant.judgement else ():
            recorder.warn(note)
        recorder.step(step, state="done")
        return original

    def _judge(self, original: Version, data: ReadData) -> Flow[Version]:
        recorder, step = self._recorder, 3
        recorder.step(step, state="running")
        version = yield from open_version(self._request.beside, original, data.folder, 1, step)
        known = next((v for v in recorder.variants.values() if v.recipe.id == version.variant.recipe.id), None)
        if known is not None:  # a resumed proof
            version = dataclasses.replace(version, variant=dataclasses.replace(version.variant, id=known.id))
        recorder.variant(version.variant)
        version = yield from version_steps.predict(version, data.folder, self._request.threads, step)
        items: tuple[int, ...] = ()
        if data.result.origin == "person":
            items = yield from version_steps.fingerprints(data.folder, step)
        book = recorder.look_book(frozenset(items[: min(original.n_evaluated, version.n_evaluated)]))
        earlier, limit_pct = book.number(version.variant), self._goal.max_loss_pct
        version = yield from version_steps.judge_beside(original, version, data.folder, limit_pct, step, earlier)
        book.record(version.variant, earlier)
        recorder.variant(version.variant)
        recorder.step(step, state="done", detail=verdict_found(version.variant))
        return version

    def _measure(self, original: Version, version: Version, data: ReadData) -> Flow[None]:
        recorder, step = self._recorder, 4
        recorder.step(step, state="running")
        first, second, measured = yield from measure_both(original, version, data.folder, self._request.threads, step)
        for one, results in zip((first, second), measured.results, strict=True):
            recorder.variant(one.variant)
            recorder.beside_times(one.variant.id, results)
        recorder.step(step, state="done", figure=time_words(second.variant))

    def _close(self, version: Version) -> None:
        recorder = self._recorder
        end = SearchEnd(planned=1, final="done")
        recorder.save_search(end)
        outcome = outcome_of(list(recorder.variants.values()), "speed", end)
        recorder.end(
            RunState.FINISHED if outcome.is_recommended else RunState.KEPT_ORIGINAL,
            headline=proof_words(recorder.variants[version.variant.id], self._goal.max_loss_pct),
            recommended_variant_id=outcome.best.id if outcome.best else None,
        )
