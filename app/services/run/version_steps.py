"""Provide the job steps of one version of a model for all use cases: apply, predict, judge, measure.

A run makes versions and drops those that fail, with the reason. Actions after a run open them again.
"""

import dataclasses
import functools
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from app.domain.variant import Variant
from app.services.flow.steps import (
    Flow,
    JobError,
    JobStep,
    Measured,
    MeasuredVariant,
    MeasureStep,
    StepResult,
    limits_of_runtime,
)
from app.services.opening.opening import OpenedModel, ReadData
from app.services.records.facts import RunFacts
from workers.contracts import jobs
from workers.contracts.base import Rows
from workers.contracts.folder import read_model
from workers.contracts.planning import Arithmetic
from workers.contracts.process.allowance import usable_cores
from workers.contracts.process.disk import DiskFull
from workers.contracts.process.messages import Limits
from workers.contracts.proof.proving import FingerprintsResult, ItemsParams, PredictionPair
from workers.contracts.runtimes import needs_torch
from workers.contracts.specs import Judgement, ModelArtifact, Recipe, RecipeStep

IDLE_S = 20.0
"""Seconds without progress after which a technique or runtime counts as hung, to protect the time of other versions."""

PREDICTIONS = "answers.npz"

R = TypeVar("R", bound=BaseModel)


@dataclasses.dataclass(frozen=True)
class Target:
    """The computer that versions are made for; `name` "" means this one.

    `fast` are the number formats that its processor computes fast, None if they are those of this computer.
    `techniques` are the ids of the techniques that depend on them.
    """

    computer: str = ""
    fast: tuple[Arithmetic, ...] | None = None
    techniques: frozenset[str] = frozenset()

    def fast_for(self, steps: Iterable[RecipeStep]) -> tuple[Arithmetic, ...] | None:
        """Return `fast` if one of these steps depends on it, so that all others are made once for all computers."""
        return self.fast if any(step.technique in self.techniques for step in steps) else None


HERE = Target()

Predictions = StepResult[jobs.AnswerResult]
"""Stored predictions of one version for the first examples of a split."""


@dataclasses.dataclass(frozen=True)
class Version:
    """A variant with the folder of its model and any predictions for the test set; owned by its use case.

    It predicts and is measured on `computer`, the name of another computer; "" means this one. `row_columns` are those
    of the data's rows of numbers, in the order of the model.
    """

    variant: Variant
    model_dir: Path
    predictions: Predictions | None = None
    computer: str = ""
    row_columns: tuple[str, ...] = ()

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        """Return the artifact's settings, overridden by the recipe's."""
        return {**read_model(self.model_dir).artifact.settings, **self.variant.recipe.settings}

    @property
    def limits(self) -> Limits:
        """Return the resource limits of a job that runs this version."""
        return limits_of_runtime(self.variant.runtime, self.settings)

    @property
    def n_evaluated(self) -> int:
        """Return the number of test examples with a prediction."""
        return 0 if self.predictions is None else self.predictions.result.n

    def changed(self, **changes: Any) -> "Version":
        """Return the version with these fields of its variant changed."""
        return dataclasses.replace(self, variant=dataclasses.replace(self.variant, **changes))

    def parameters(self) -> dict[str, Any]:
        """Return the parameters that all jobs that run this version share."""
        return {"model_dir": str(self.model_dir), "runtime": self.variant.runtime, "settings": self.settings}

    def step(
        self, kind: str, params: BaseModel, result: type[R], data_dir: Path, more: Iterable[Path] = (), **changed: Any
    ) -> JobStep[R]:
        """Return a job that runs this version on the examples of a folder; it may read `more` paths."""
        usual = {"title": self.variant.title, "limits": self.limits, "torch": needs_torch(self.variant.runtime)}
        read_paths = (self.model_dir, data_dir, *more)
        return JobStep(kind, params, result, read_paths=read_paths, **{**usual, **changed})


def stored_version(facts: RunFacts, variant: Variant) -> Version:
    """Return a version of a completed run; raise `JobError` (exit code 3) for one that could not be made."""
    row_columns = facts.data.row_columns if facts.data is not None else ()
    return Version(variant, facts.model_dir(variant), computer=facts.run.goal.computer, row_columns=row_columns)


def opened_version(opened: OpenedModel, title: str = "Original", runtime: str = "") -> Version:
    """Return an opened model as a version outside of all runs."""
    recipe = Recipe(title=title, runtime=runtime or opened.result.runtime)
    return Version(new_variant("", 0, recipe, is_baseline=True), opened.folder)


def threads_of(facts: RunFacts) -> int:
    """Return the number of cores with which the run measured."""
    there = facts.device.cores if facts.run.goal.computer and facts.device is not None else usable_cores()
    return min(facts.run.goal.threads or there, there) if facts.run.goal.computer else facts.run.goal.threads or there


def new_variant(run_id: str, index: int, recipe: Recipe, *, is_baseline: bool = False) -> Variant:
    """Return a planned variant."""
    return Variant(
        id=uuid.uuid4().hex[:12],
        run_id=run_id,
        index=index,
        title=recipe.title,
        recipe=recipe,
        runtime=recipe.runtime,
        precision="fp32",
        state="planned",
        is_baseline=is_baseline,
    )


def as_made(variant: Variant, key: str, artifact: ModelArtifact, original_bytes: int) -> Variant:
    """Return the variant with the facts of its model, which is stored under `key`."""
    return dataclasses.replace(
        variant,
        state="applied",
        artifact_key=key,
        precision=artifact.precision,
        weights_kept=artifact.weights_kept,
        size_bytes=artifact.size_bytes,
        size_ratio=original_bytes / artifact.size_bytes if artifact.size_bytes else None,
        notes=artifact.notes,
    )


def apply(
    variant: Variant, model: OpenedModel, data: ReadData, seed: int, step: int, target: Target = HERE
) -> Flow[Version]:
    """Apply the recipe's techniques for the target; without any, the version is the model itself."""
    folder, key = model.folder, model.key
    if variant.recipe.steps:
        made = JobStep(
            "apply",
            jobs.ApplyParams(
                model_dir=str(model.folder),
                steps=variant.recipe.steps,
                data_dir=str(data.folder),
                fast=target.fast_for(variant.recipe.steps),
            ),
            jobs.ApplyResult,
            variant.title,
            (model.folder, data.folder),
            cache=True,
            goes_on=bool(model.result.artifact.settings.get("chat")),
            seed=seed,
            limits=_with_idle_limit(Limits()),
            step_index=step,
        )
        done = yield from made.run()
        folder, key = done.folder / done.result.model_dir, done.key
    original_bytes = model.result.artifact.size_bytes
    made_as = as_made(variant, key, read_model(folder).artifact, original_bytes)
    return Version(made_as, folder, computer=target.computer)


def predict(
    version: Version,
    data_dir: Path,
    threads: int,
    step: int | None = None,
    max_s: float | None = None,
    most: int | None = None,
) -> Flow[Version]:
    """Return the version with predictions for the first `most` test examples, as many as fit into `max_s`.

    Predictions that the version already has are reused.
    """
    done = yield from answer(version, data_dir, threads, step, max_s, most=most)
    state = "answered" if version.variant.state == "applied" else version.variant.state
    return dataclasses.replace(version.changed(state=state, answers_key=done.key), predictions=done)


def answer(
    version: Version,
    data_dir: Path,
    threads: int,
    step: int | None = None,
    max_s: float | None = None,
    split: jobs.Split = "test",
    most: int | None = None,
) -> Flow[Predictions]:
    """Return the version's predictions for the first `most` examples of a split, as many as fit into `max_s`.

    Its predictions for the first test examples save time and do not change the result, so the cache key leaves them
    out: a run with another time limit finds the same entry.
    """
    predicted = version.predictions if split == "test" else None
    earlier = "" if predicted is None else str(predicted.folder / PREDICTIONS)
    params = jobs.AnswerParams(
        **version.parameters(), data_dir=str(data_dir), max_seconds=max_s, split=split, most=most, earlier=earlier
    )
    done: Predictions = yield version.step(
        "answer",
        params,
        jobs.AnswerResult,
        data_dir,
        () if predicted is None else (predicted.folder,),
        cache=True,
        identity={earlier: ""} if earlier else {},
        threads=threads,
        limits=_with_idle_limit(version.limits),
        step_index=step,
        computer=version.computer,
    )
    return done


def _with_idle_limit(limits: Limits) -> Limits:
    """Return the limits with an idle limit; jobs on a GPU or a compiler use no processor time and get none."""
    return limits if limits.gpu or limits.start_programs else limits.model_copy(update={"idle_s": IDLE_S})


def prediction_pair(
    data_dir: Path, original: Path, version: Path, items: tuple[int, ...] | None = None, first_number: int = 0
) -> PredictionPair:
    """Return the examples of a data folder with the predictions that are stored in the folders of both versions."""
    before, after = str(original / PREDICTIONS), str(version / PREDICTIONS)
    return PredictionPair(
        data_dir=str(data_dir), original_answers=before, variant_answers=after, items=items, first_number=first_number
    )


def judge(
    pairs: Sequence[PredictionPair],
    max_loss_pct: float,
    title: str,
    earlier: int = 0,
    step: int | None = None,
    cache: bool = True,
    split: jobs.Split = "test",
) -> Flow[Judgement]:
    """Return the verdict over all pairs together.

    `earlier` is the number of earlier looks at these examples. Without `cache` nothing is written, for commands that
    only read.
    """
    first = pairs[0].model_dump(exclude={"first_number"})
    how: dict[str, Any] = {"max_loss_pct": max_loss_pct, "more": tuple(pairs[1:]), "earlier": earlier, "split": split}
    params, folders = jobs.JudgeParams(**first, **how), folders_of(pairs)
    done = yield from JobStep("judge", params, Judgement, title, folders, cache=cache, step_index=step).run()
    return done.result


def folders_of(pairs: Iterable[PredictionPair]) -> tuple[Path, ...]:
    """Return the folders that a job on these pairs reads."""
    folders = [
        path
        for pair in pairs
        for path in (Path(pair.data_dir), Path(pair.original_answers).parent, Path(pair.variant_answers).parent)
    ]
    return tuple(dict.fromkeys(folders))


def judge_version(
    original: Version, version: Version, data_dir: Path, max_loss_pct: float, step: int, earlier: int = 0
) -> Flow[Version]:
    """Return the version with the verdict on its predictions, compared with the original's."""
    assert original.predictions is not None and version.predictions is not None
    pair = prediction_pair(data_dir, original.predictions.folder, version.predictions.folder)
    judgement = yield from judge([pair], max_loss_pct, version.variant.title, earlier, step)
    return version.changed(judgement=judgement)


def fingerprints(data_dir: Path, step: int | None = None) -> Flow[tuple[int, ...]]:
    """Return the fingerprints that identify the test examples of a folder, in their order."""
    import numpy as np

    done = yield from JobStep(
        "fingerprints",
        ItemsParams(data_dir=str(data_dir)),
        FingerprintsResult,
        "Know the examples again",
        (data_dir,),
        cache=True,
        step_index=step,
    ).run()
    values = np.load(done.folder / done.result.path, allow_pickle=False)
    return tuple(int(value) for value in values)


def measured_variant(version: Version, data_dir: Path, batch: int = 1) -> MeasuredVariant:
    """Return the version as one variant of a measurement, with requests of `batch` examples."""
    params = jobs.MeasureParams(**version.parameters(), data_dir=str(data_dir), batch=batch)
    return MeasuredVariant(version.variant.id, params, (version.model_dir, data_dir))


def measure_step(versions: Sequence[Version], data_dir: Path, **how: Any) -> MeasureStep:
    """Return the step that times single requests of all versions in turn; `how` are fields of `MeasureStep`."""
    variants = tuple(measured_variant(version, data_dir) for version in versions)
    return MeasureStep(variants, computer=versions[0].computer, **how)


def measure(step: MeasureStep) -> Flow[Measured]:
    """Time the requests of a step, in one fresh process per version and set.

    Raises:
        JobError: The disk was full or the other computer failed, so nothing is known of any version.
    """
    measured: Measured = yield step
    errors = (JobError(failure, DiskFull.exit_code) for failure in measured.failures if failure is not None)
    fatal = next((error for error in errors if error.ends_run), None)
    if fatal is not None:
        raise fatal
    return measured


def summarize(
    measured: Measured, family: int | None = None, looks: int = 1
) -> Flow[tuple[jobs.SpeedSummary | None, ...]]:
    """Return percentiles and speedups of all variants over variant 0 of the same measurement.

    Args:
        measured: The measurement.
        family: Number of versions compared in all, if `measured` has a part of them.
        looks: Number of rounds.
    """
    done = yield from JobStep(
        "summarize",
        jobs.SummarizeParams(latencies_ms=measured.latencies_ms, loads=measured.loads, family=family, looks=looks),
        Rows[jobs.SpeedSummary | None],
        "Work out the figures",
        cache=True,
    ).run()
    return done.result.rows
