"""Prove that two models give the same predictions: an original and one that was made elsewhere.

The steps are those of a version in an optimization without the search: all examples belong to the test set, and none to
the calibration set. A model that was made elsewhere is a version without steps.
"""

import dataclasses
from pathlib import Path

from app.domain.outcome import SearchEnd, outcome_of
from app.domain.run import Run
from app.domain.variant import Variant
from app.domain.words.results import proof_words, verdict_found
from app.services.flow.quiet import MOST_S, quiet_budget
from app.services.flow.steps import Flow, JobError, Measured
from app.services.machine.devices import describe
from app.services.opening.opening import OpenedModel, open_beside
from app.services.records.run_records import OtherModelRequest, RunPlan
from app.services.run import version_steps
from app.services.run.clock import FIRST_KINDS
from app.services.run.costs import FINAL_SETS, IN_TURN
from app.services.run.figures import original_times, time_words, with_figures
from app.services.run.recorder import Recorder
from app.services.run.run_steps import RunSteps, recorded
from app.services.run.version_steps import Version, as_made, measure_step, new_variant
from workers.contracts.data.reading import NO_CALIBRATION
from workers.contracts.jobs import OpenBesideParams
from workers.contracts.specs import Recipe
from workers.contracts.translation import _, mark

SIDE_BY_SIDE = mark("Measure both, side by side")


def open_version(
    request: OtherModelRequest, original: Version, data_dir: Path, index: int, step: int | None = None
) -> Flow[Version]:
    """Open a model that was made elsewhere as a version without steps; its recipe records the source.

    Raises:
        JobError: The model cannot be opened, or its inputs differ from the original's.
    """
    params = OpenBesideParams(
        opening=request.opening,
        model_dir=str(original.model_dir),
        data_dir=str(data_dir),
        original_runtime=original.variant.runtime,
        original_settings=original.settings,
        runtime=request.runtime,
        pairs=request.pairs,
    )
    opened = yield from open_beside(params, step)
    return Version(_variant(original.variant, opened, index), opened.folder, computer=original.computer)


def _variant(original: Variant, opened: OpenedModel, index: int) -> Variant:
    result, origin = opened.result, opened.result.elsewhere
    assert origin is not None
    title, recipe_id = _("{0} (made elsewhere)").format(origin.name), f"elsewhere-{opened.key[:12]}"
    recipe = Recipe(title=title, id=recipe_id, runtime=result.runtime, elsewhere=origin)
    variant = new_variant(original.run_id, index, recipe)
    return as_made(variant, opened.key, result.artifact, original.size_bytes or 0)


def measure_both(
    original: Version,
    version: Version,
    data_dir: Path,
    threads: int,
    step: int | None = None,
    *,
    family: int | None = None,
    shown: Variant | None = None,
) -> Flow[tuple[Version, Version, Measured]]:
    """Measure both versions side by side in fresh processes and return them with their figures.

    Raises:
        JobError: One of the versions cannot be measured.
    """
    how = {"sets": FINAL_SETS, "pace": IN_TURN, "threads": threads, "step_index": step}
    quiet = quiet_budget().part(MOST_S, None)
    measuring = measure_step([original, version], data_dir, title=SIDE_BY_SIDE, quiet=quiet, **how)
    measured = yield from version_steps.measure(measuring)
    failure = next((failure for failure in measured.failures if failure is not None), None)
    if failure is not None:
        raise JobError(failure, 1)
    summaries = yield from version_steps.summarize(measured, family=family)
    original_ms = original_times(summaries[0], shown)

    def timed(one: Version, index: int) -> Version:
        new = with_figures(
            one.variant, measured, index, summaries[index], interleaved=True, anew=True, original_ms=original_ms
        )
        return dataclasses.replace(one, variant=new)

    return timed(original, 0), timed(version, 1), measured


STEPS = (
    mark("Check the original"), mark("Read the examples"), mark("Ask the original"),
    mark("Open and judge the other model"), SIDE_BY_SIDE,
)  # fmt: skip


def prove_other(recorder: Recorder, plan: RunPlan, request: OtherModelRequest) -> Flow[Run]:
    """Judge and measure the model and record the run; whatever ends it, the run is closed and results are kept."""
    return (yield from recorded(recorder, 1, _Proof(recorder, plan).work(request)))


class _Proof(RunSteps):
    def work(self, request: OtherModelRequest) -> Flow[None]:
        """Evaluate the original and the other model, measure both side by side, and close the run."""
        self.recorder.plan_steps(STEPS, (*FIRST_KINDS, "version", "final"))
        yield from self.open_model(to_prove=True)
        yield from self.read_data(unreported=(NO_CALIBRATION,), max_calibration=0)
        machine = yield from describe()
        self.recorder.save_machine(machine.device)
        original = yield from self.evaluate_original(Recipe(title="Original", runtime=self.model.result.runtime))
        self.warn_of(original)
        version = yield from self._judge_other(original, request)
        yield from self._measure(original, version)
        self._close(version)

    def _judge_other(self, original: Version, request: OtherModelRequest) -> Flow[Version]:
        recorder, data, step = self.recorder, self.data, 3
        recorder.step(step, state="running")
        version = yield from open_version(request, original, data.folder, 1, step)
        known = next((v for v in recorder.variants.values() if v.recipe.id == version.variant.recipe.id), None)
        if known is not None:  # a resumed proof
            version = version.changed(id=known.id)
        recorder.variant(version.variant)
        version = yield from self.predict(version, step)
        items: tuple[int, ...] = ()
        if data.result.origin == "person":
            items = yield from version_steps.fingerprints(data.folder, step)
        book = recorder.test_set_usage(frozenset(items[: min(original.n_evaluated, version.n_evaluated)]))
        earlier = book.number(version.variant)
        version = yield from self.judge(original, version, step, earlier)
        book.record(version.variant, earlier)
        recorder.variant(version.variant)
        recorder.step(step, state="done", detail=verdict_found(version.variant))
        return version

    def _measure(self, original: Version, version: Version) -> Flow[None]:
        recorder, step = self.recorder, 4
        recorder.step(step, state="running")
        first, second, measured = yield from measure_both(original, version, self.data.folder, self.threads, step)
        for one, results in zip((first, second), measured.results, strict=True):
            recorder.variant(one.variant)
            recorder.save_other_figures(one.variant.id, results)
        recorder.step(step, state="done", figure=time_words(second.variant))

    def _close(self, version: Version) -> None:
        recorder = self.recorder
        end = SearchEnd(planned=1, final="done")
        recorder.save_search(end)
        outcome = outcome_of(list(recorder.variants.values()), "speed", end)
        recorder.finish(outcome, proof_words(recorder.variants[version.variant.id], self.goal.max_loss_pct))
