"""One candidate of a run: made, asked, judged, measured. A candidate that fails is dropped with its reason."""

import dataclasses
import uuid
from pathlib import Path
from typing import Any

from app.domain.variant import Variant
from app.services.flow.quiet import QuietWait
from app.services.flow.steps import (
    Contender,
    Done,
    Flow,
    JobError,
    JobStep,
    Measured,
    MeasureStep,
    Reuse,
    limits_of_runtime,
)
from app.services.opening.opening import OpenedModel, ReadData
from app.services.run.budget import BLOCK_MAX_S
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
    SummarizeParams,
    SummarizeResult,
)
from workers.contracts.process.disk import DISK_FULL, DiskFull
from workers.contracts.process.messages import Limits
from workers.contracts.specs import Recipe

IDLE_S = 20.0
"""A technique or a runtime that does nothing for so long hangs; without this it would eat the time of all others."""

TORCH_RUNTIMES = ("torch-cpu", "torch-cuda")


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A variant with where its model and its answers lie."""

    variant: Variant
    model_dir: Path
    answers: Path | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The artifact's settings, overruled by the recipe's."""
        return {**read_model(self.model_dir).artifact.settings, **self.variant.recipe.settings}


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


def make(variant: Variant, model: OpenedModel, data: ReadData, seed: int, step: int) -> Flow[Candidate]:
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
        size_bytes=artifact.size_bytes,
        size_ratio=model.result.artifact.size_bytes / artifact.size_bytes,
        notes=artifact.notes,
    )
    return Candidate(made, folder)


def ask(candidate: Candidate, data: ReadData, threads: int, step: int, max_s: float | None = None) -> Flow[Candidate]:
    """Answer the test inputs, as many as can be answered in `max_s`."""
    done: Done[AnswerResult] = yield JobStep(
        kind="answer",
        params=AnswerParams(
            model_dir=str(candidate.model_dir),
            data_dir=str(data.folder),
            runtime=candidate.variant.runtime,
            settings=candidate.settings,
            max_seconds=max_s,
        ),
        result=AnswerResult,
        title=candidate.variant.title,
        read_paths=(candidate.model_dir, data.folder),
        cache=True,
        torch=candidate.variant.runtime in TORCH_RUNTIMES,
        limits=_unless_it_hangs(limits_of_runtime(candidate.variant.runtime, candidate.settings)),
        threads=threads,
        step_index=step,
    )
    answered = dataclasses.replace(candidate.variant, state="answered", answers_key=done.key)
    return dataclasses.replace(candidate, variant=answered, answers=done.folder / done.result.path)


def _unless_it_hangs(limits: Limits) -> Limits:
    """Whoever waits for a GPU or for a compiler works elsewhere than on this process's processor time."""
    return limits if limits.gpu or limits.start_programs else limits.model_copy(update={"idle_s": IDLE_S})


def judge(original: Candidate, candidate: Candidate, data: ReadData, limit_pct: float, step: int) -> Flow[Candidate]:
    """Compare the answers with the original's."""
    done: Done[JudgeResult] = yield JobStep(
        kind="judge",
        params=JudgeParams(
            data_dir=str(data.folder),
            original_answers=str(original.answers),
            variant_answers=str(candidate.answers),
            max_loss_pct=limit_pct,
        ),
        result=JudgeResult,
        title=candidate.variant.title,
        read_paths=(data.folder, *_folders(original, candidate)),
        cache=True,
        step_index=step,
    )
    judged = dataclasses.replace(candidate.variant, judgement=done.result.judgement)
    return dataclasses.replace(candidate, variant=judged)


def _folders(*candidates: Candidate) -> list[Path]:
    return [candidate.answers.parent for candidate in candidates if candidate.answers is not None]


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


def measure(candidates: list[Candidate], data: ReadData, how: Pass, *, title: str, step: int) -> Flow[Measured]:
    """Time single requests of all candidates in turn, one fresh process each and per set.

    Raises `JobError` where the disk was full: then nothing is known of any of them.
    """
    contenders = tuple(
        Contender(
            candidate.variant.id,
            MeasureParams(
                model_dir=str(candidate.model_dir),
                data_dir=str(data.folder),
                runtime=candidate.variant.runtime,
                settings=candidate.settings,
            ),
            (candidate.model_dir, data.folder),
        )
        for candidate in candidates
    )
    measured: Measured = yield MeasureStep(
        contenders,
        title=title,
        sets=how.sets,
        blocks=how.blocks,
        threads=how.threads,
        block_max_s=BLOCK_MAX_S,
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


def summarize(measured: Measured, against: Measured | None = None) -> Flow[tuple[SpeedSummary | None, ...]]:
    """Percentiles and speedups over contender 0, or over contender 0 of `against` for a measurement apart."""
    times, loads = measured.latencies_ms, measured.loads
    if against is not None:
        times = (against.latencies_ms[0], *times)
        loads = (against.loads[0] if against.loads else (), *loads)
    done: Done[SummarizeResult] = yield JobStep(
        kind="summarize",
        params=SummarizeParams(latencies_ms=times, loads=loads),
        result=SummarizeResult,
        title="Work out the figures",
        cache=True,
    )
    return done.result.summaries[(0 if against is None else 1) :]
