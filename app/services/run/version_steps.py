"""The job steps of one version of a model, for all use cases: applied, predicted, judged, measured.

A run makes versions and drops one that fails, with its reason; what comes after a run opens them again.
"""

import dataclasses
import functools
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from app.domain.screening import Screening
from app.domain.variant import Variant
from app.services.flow.quiet import QuietWait
from app.services.flow.steps import (
    Done,
    Flow,
    JobError,
    JobStep,
    Measured,
    MeasuredVariant,
    MeasureStep,
    Reuse,
    limits_of_runtime,
)
from app.services.opening.opening import OpenedModel, ReadData
from app.services.records.facts import RunFacts
from app.services.run.budget import BLOCK_MAX_S, LEAST_BLOCK_S
from workers.contracts.folder import read_model
from workers.contracts.jobs import (
    AnswerParams,
    AnswerResult,
    ApplyParams,
    ApplyResult,
    JudgeParams,
    JudgeResult,
    MeasureParams,
    SpeedSummary,
    Split,
    SummarizeParams,
    SummarizeResult,
)
from workers.contracts.process.allowance import usable_cores
from workers.contracts.process.disk import DISK_FULL, DiskFull
from workers.contracts.process.messages import Limits
from workers.contracts.proof.proving import FingerprintsParams, FingerprintsResult, JudgePart
from workers.contracts.runtimes import needs_torch
from workers.contracts.specs import Judgement, Recipe

IDLE_S = 20.0
"""A technique or a runtime that does nothing for so long hangs; without this it would eat the time of all others."""

PREDICTIONS = "answers.npz"

R = TypeVar("R", bound=BaseModel)


@dataclasses.dataclass(frozen=True)
class Version:
    """A variant with where its model lies, and its predictions for the test examples once there are any: for the first
    `n_asked`, which took `asked_s` and hold `asked_share` of what is read of all that are to be asked."""

    variant: Variant
    model_dir: Path
    predictions: Path | None = None
    n_asked: int = 0
    asked_s: float = 0.0
    asked_share: float = 1.0

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        """The artifact's settings, overruled by the recipe's."""
        return {**read_model(self.model_dir).artifact.settings, **self.variant.recipe.settings}

    @property
    def limits(self) -> Limits:
        """What a job that runs it may use."""
        return limits_of_runtime(self.variant.runtime, self.settings)

    def parameters(self) -> dict[str, Any]:
        """What the parameters of all jobs that run it have in common."""
        return {"model_dir": str(self.model_dir), "runtime": self.variant.runtime, "settings": self.settings}

    def step(
        self, kind: str, params: BaseModel, result: type[R], data_dir: Path, more: Iterable[Path] = (), **changed: Any
    ) -> JobStep[R]:
        """A job that runs it on the examples of a folder, with its runtime's limits; `more` may be read, too."""
        usual = {"title": self.variant.title, "limits": self.limits, "torch": needs_torch(self.variant.runtime)}
        read_paths = (self.model_dir, data_dir, *more)
        return JobStep(kind=kind, params=params, result=result, read_paths=read_paths, **{**usual, **changed})


def stored_version(facts: RunFacts, variant: Variant) -> Version:
    """A version of a run that is over. Raises `JobError` (exit code 3) for one that could not be made."""
    return Version(variant, facts.model_dir(variant))


def threads_of(facts: RunFacts) -> int:
    """Cores that the run was measured with."""
    return facts.run.goal.threads or usable_cores()


def new_variant(run_id: str, index: int, recipe: Recipe, *, is_baseline: bool = False) -> Variant:
    """A planned variant."""
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


def apply(variant: Variant, model: OpenedModel, data: ReadData, seed: int, step: int) -> Flow[Version]:
    """Apply the recipe's techniques (none: the model as it is)."""
    folder, key = model.folder, model.key
    if variant.recipe.steps:
        done: Done[ApplyResult] = yield JobStep(
            kind="apply",
            params=ApplyParams(model_dir=str(model.folder), steps=variant.recipe.steps, data_dir=str(data.folder)),
            result=ApplyResult,
            title=variant.title,
            read_paths=(model.folder, data.folder),
            cache=True,
            goes_on=bool(model.result.artifact.settings.get("chat")),
            seed=seed,
            limits=_unless_it_hangs(Limits()),
            step_index=step,
        )
        folder, key = done.folder / done.result.model_dir, str(done.key)
    artifact = read_model(folder).artifact
    made = dataclasses.replace(
        variant,
        state="applied",
        artifact_key=key,
        precision=artifact.precision,
        weights_kept=artifact.weights_kept,
        size_bytes=artifact.size_bytes,
        size_ratio=model.result.artifact.size_bytes / artifact.size_bytes,
        notes=artifact.notes,
    )
    return Version(made, folder)


def predict(
    version: Version,
    data_dir: Path,
    threads: int,
    step: int | None = None,
    max_s: float | None = None,
    most: int | None = None,
) -> Flow[Version]:
    """The version with its predictions for the first `most` test examples, as many as there are in `max_s`. Those that
    it has are not made again."""
    done = yield from answer(version, data_dir, threads, step, max_s, most=most, earlier=version.predictions)
    state = "answered" if version.variant.state == "applied" else version.variant.state
    variant = dataclasses.replace(version.variant, state=state, answers_key=done.key)
    n, seconds, path = done.result.n, done.result.seconds, done.folder / done.result.path
    share = done.result.read_share
    return dataclasses.replace(
        version, variant=variant, predictions=path, n_asked=n, asked_s=seconds, asked_share=share
    )


def answer(
    version: Version,
    data_dir: Path,
    threads: int,
    step: int | None = None,
    max_s: float | None = None,
    split: Split = "test",
    most: int | None = None,
    earlier: Path | None = None,
) -> Flow[Done[AnswerResult]]:
    """The version's predictions for the first `most` examples of a split, as many as there are in `max_s`.

    `earlier` are its predictions for the first ones. They save time and change nothing, so the store does not tell
    apart with which ones it was gone on: a run with another time limit finds the same.
    """
    known = () if earlier is None else (earlier.parent,)
    params = AnswerParams(
        **version.parameters(),
        data_dir=str(data_dir),
        max_seconds=max_s,
        split=split,
        most=most,
        earlier="" if earlier is None else str(earlier),
    )
    done: Done[AnswerResult] = yield version.step(
        "answer",
        params,
        AnswerResult,
        data_dir,
        known,
        cache=True,
        identity={} if earlier is None else {str(earlier): ""},
        threads=threads,
        limits=_unless_it_hangs(version.limits),
        step_index=step,
    )
    return done


def _unless_it_hangs(limits: Limits) -> Limits:
    """Whoever waits for a GPU or for a compiler works elsewhere than on this process's processor time."""
    return limits if limits.gpu or limits.start_programs else limits.model_copy(update={"idle_s": IDLE_S})


@dataclasses.dataclass(frozen=True)
class Asking:
    """How answers are asked for: the step that it is a part of, the most seconds and examples, cores."""

    threads: int
    step: int
    max_s: float | None = None
    most: int | None = None


@dataclasses.dataclass(frozen=True)
class Pair:
    """Files of the original's and a version's predictions for the test examples of a folder; `items` None: for all."""

    data_dir: Path
    original: Path
    version: Path
    items: tuple[int, ...] | None = None

    def parameters(self) -> dict[str, Any]:
        """As the parameters of a judgement have it."""
        return {
            "data_dir": str(self.data_dir),
            "original_answers": str(self.original),
            "variant_answers": str(self.version),
        }


def judge(
    pairs: Sequence[Pair],
    max_loss_pct: float,
    title: str,
    earlier: int = 0,
    step: int | None = None,
    cache: bool = True,
    split: Split = "test",
) -> Flow[Judgement]:
    """The verdict over all pairs together; `earlier` is how many looks at these examples came before.

    Without `cache` nothing is written, for commands that only read.
    """
    first, *added = pairs
    more = tuple(JudgePart(**pair.parameters(), items=pair.items or ()) for pair in added)
    done: Done[JudgeResult] = yield JobStep(
        kind="judge",
        params=JudgeParams(
            **first.parameters(),
            items=first.items,
            max_loss_pct=max_loss_pct,
            more=more,
            earlier=earlier,
            split=split,
        ),
        result=JudgeResult,
        title=title,
        read_paths=tuple(
            dict.fromkeys(path for pair in pairs for path in (pair.data_dir, pair.original.parent, pair.version.parent))
        ),
        cache=cache,
        step_index=step,
    )
    return done.result.judgement


def judge_beside(
    original: Version, version: Version, data_dir: Path, max_loss_pct: float, step: int, earlier: int = 0
) -> Flow[Version]:
    """The version with the verdict on its predictions beside the original's."""
    assert original.predictions is not None and version.predictions is not None
    pair = Pair(data_dir, original.predictions, version.predictions)
    judgement = yield from judge([pair], max_loss_pct, version.variant.title, earlier, step)
    return dataclasses.replace(version, variant=dataclasses.replace(version.variant, judgement=judgement))


def screen(original: Path, version: Version, data_dir: Path, max_loss_pct: float, how: Asking) -> Flow[Version]:
    """The version with what it changed on the calibration examples; `original` is the file of the original's answers
    to them."""
    done = yield from answer(version, data_dir, how.threads, how.step, how.max_s, "calibration", how.most)
    pair = Pair(data_dir, original, done.folder / done.result.path)
    judgement = yield from judge([pair], max_loss_pct, version.variant.title, step=how.step, split="calibration")
    found = Screening(
        n=judgement.n,
        changed=judgement.changed_count,
        regressed=judgement.verdict == "regressed",
        similarity=judgement.similarity or 0.0,
    )
    return dataclasses.replace(version, variant=dataclasses.replace(version.variant, screening=found))


def fingerprints(data_dir: Path, step: int | None = None) -> Flow[tuple[int, ...]]:
    """By what the test examples of a folder are known again, in their order."""
    import numpy as np

    done: Done[FingerprintsResult] = yield JobStep(
        kind="fingerprints",
        params=FingerprintsParams(data_dir=str(data_dir)),
        result=FingerprintsResult,
        title="Know the examples again",
        read_paths=(data_dir,),
        cache=True,
        step_index=step,
    )
    found = np.load(done.folder / done.result.path, allow_pickle=False)
    return tuple(int(value) for value in found)


@dataclasses.dataclass(frozen=True)
class Pass:
    """How a measurement is made: fresh sets of processes, blocks in each, whether an earlier one is as good, and how
    long it may wait for a quiet computer. `number` tells one that is made again from the first.
    """

    sets: int
    blocks: int
    threads: int
    reuse: Reuse | None = None
    slow_over_ms: float | None = None
    quiet: QuietWait | None = None
    number: int = 0


def measured_variant(version: Version, data_dir: Path, batch: int = 1) -> MeasuredVariant:
    """The version as one variant of a measurement, with requests of so many examples."""
    params = MeasureParams(**version.parameters(), data_dir=str(data_dir), batch=batch)
    return MeasuredVariant(version.variant.id, params, (version.model_dir, data_dir))


def measure(versions: Sequence[Version], data_dir: Path, how: Pass, *, title: str, step: int | None) -> Flow[Measured]:
    """Time single requests of all versions in turn, one fresh process each and per set.

    Raises `JobError` where the disk was full: then nothing is known of any of them.
    """
    measured: Measured = yield MeasureStep(
        tuple(measured_variant(version, data_dir) for version in versions),
        title=title,
        sets=how.sets,
        blocks=how.blocks,
        threads=how.threads,
        block_max_s=BLOCK_MAX_S,
        least_block_s=LEAST_BLOCK_S if len(versions) > 1 else 0.0,
        slow_over_ms=how.slow_over_ms,
        reuse=how.reuse,
        quiet=how.quiet,
        number=how.number,
        step_index=step,
    )
    full = next((failure for failure in measured.failures if failure is not None and failure.code == DISK_FULL), None)
    if full is not None:
        raise JobError(full, DiskFull.exit_code)
    return measured


def summarize(
    measured: Measured, against: Measured | None = None, family: int | None = None, looks: int = 1
) -> Flow[tuple[SpeedSummary | None, ...]]:
    """Percentiles and speedups over variant 0, or over variant 0 of `against` for a measurement apart. `family` is
    how many versions were compared in all, where `measured` has a part of them, `looks` in how many rounds."""
    times, loads = measured.latencies_ms, measured.loads
    if against is not None:
        times = (against.latencies_ms[0], *times)
        loads = (against.loads[0] if against.loads else (), *loads)
    done: Done[SummarizeResult] = yield JobStep(
        kind="summarize",
        params=SummarizeParams(latencies_ms=times, loads=loads, family=family, looks=looks),
        result=SummarizeResult,
        title="Work out the figures",
        cache=True,
    )
    return done.result.summaries[(0 if against is None else 1) :]
