"""Judge a finished run again with more examples: only they are answered, nothing is optimized or measured again."""

import dataclasses
import itertools
from dataclasses import dataclass
from pathlib import Path

from app.domain.choose import choose
from app.domain.run import Run, RunState, check_transition
from app.domain.variant import Variant
from app.domain.words import headline
from app.services.candidates import TORCH_RUNTIMES, Candidate
from app.services.facts import RunFacts, check_stored
from app.services.opening import ReadData, read_data
from app.services.proofs import AddedPart, Proof, write_proof
from app.services.run_parts import Part, parts_of
from app.services.running import kept_objective
from app.services.steps import Done, Flow, JobError, JobStep, limits_of_runtime
from app.services.workspace import Workspace, usable_cores
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import AnswerParams, AnswerResult, DataParams, JudgeParams, JudgeResult
from workers.contracts.proving import FreshParams, FreshResult, JudgePart


@dataclass(frozen=True)
class Proved:
    """The run as it is now; `added` examples were new, `known` were there already and are left out."""

    run: Run
    added: int
    known: int


def prove(workspace: Workspace, facts: RunFacts, asked: DataParams) -> Flow[Proved]:
    """Read more examples, let all versions answer those that are new, judge all of them together, choose again.

    `asked.path` names the data. Each further judgement has to prove more, so that adding until it is safe does not err
    more often than a single one. Everything is written at the end: cancelled before, nothing has changed. Raises
    `JobError` (exit code 3) where nothing in it is new.
    """
    params = asked.model_copy(update={"model_dir": str(facts.original_dir), "max_calibration": 0})
    data = yield from read_data(params, seed=facts.run.goal.seed)
    fresh = yield from _fresh(workspace, facts, data)
    versions = [v for v in facts.variants if v.answers_key and (v.is_baseline or v.state != "dropped")]
    answers = {}
    for variant in versions:
        answers[variant.id] = yield from _answers(workspace, facts, variant, data)
    part = AddedPart(
        data_key=data.key,
        path=asked.path or "",
        items=fresh.items,
        known=fresh.in_test + fresh.in_calibration,
        n_test=data.result.n_test,
        labelled=data.result.labelled,
        answers=answers,
    )
    proof = Proof(parts=(*facts.proof.parts, part))
    judged = []
    for variant in versions:
        judged.append((yield from _judged(workspace, facts, proof, variant)))
    run = _write(workspace, facts, proof, judged)
    return Proved(run, len(part.items), part.known)


def _fresh(workspace: Workspace, facts: RunFacts, data: ReadData) -> Flow[FreshResult]:
    known = (facts.data_dir, *(workspace.artifacts.folder(part.data_key) / "data" for part in facts.proof.parts))
    done: Done[FreshResult] = yield JobStep(
        kind="fresh",
        params=FreshParams(data_dir=str(data.folder), known=tuple(str(folder) for folder in known)),
        result=FreshResult,
        title="Look for examples that are new",
        read_paths=(data.folder, *known),
        cache=True,
    )
    if not done.result.items:
        count = done.result.in_test + done.result.in_calibration
        raise JobError(
            ErrorInfo(
                code="nothing_new",
                title="None of these examples is new",
                detail=f"All {count:,} were there already; the same example twice proves nothing more.",
                hint="Add others that the model has not been tested with.",
            ),
            3,
        )
    return done.result


def _answers(workspace: Workspace, facts: RunFacts, variant: Variant, data: ReadData) -> Flow[str]:
    """The key of this version's answers to the new data."""
    model_dir = facts.model_dir(variant)
    check_stored(workspace, facts, variant, contents=False)
    done: Done[AnswerResult] = yield JobStep(
        kind="answer",
        params=AnswerParams(
            model_dir=str(model_dir),
            data_dir=str(data.folder),
            runtime=variant.runtime,
            settings=Candidate(variant, model_dir).settings,
        ),
        result=AnswerResult,
        title=variant.title,
        read_paths=(model_dir, data.folder),
        cache=True,
        torch=variant.runtime in TORCH_RUNTIMES,
        limits=limits_of_runtime(variant.runtime, Candidate(variant, model_dir).settings),
        threads=facts.run.goal.threads or usable_cores(),
    )
    return str(done.key)


def _judged(workspace: Workspace, facts: RunFacts, proof: Proof, variant: Variant) -> Flow[Variant]:
    """The version with the verdict over all examples, by the same judge as the first time."""
    parts = [part for part in parts_of(workspace.artifacts, facts, proof) if variant.id in part.answers]
    pairs = [_pair(workspace, facts, part, variant) for part in parts]
    first, more = pairs[0], pairs[1:]
    done: Done[JudgeResult] = yield JobStep(
        kind="judge",
        params=JudgeParams(
            data_dir=first.data_dir,
            original_answers=first.original_answers,
            variant_answers=first.variant_answers,
            max_loss_pct=facts.run.goal.max_loss_pct,
            items=parts[0].items,
            more=tuple(more),
            looks=earlier_looks([part.n_test if part.items is None else len(part.items) for part in parts]),
        ),
        result=JudgeResult,
        title=variant.title,
        read_paths=tuple(_readable(pairs)),
        cache=True,
    )
    return dataclasses.replace(variant, judgement=done.result.judgement)


def earlier_looks(sizes: list[int]) -> tuple[int, ...]:
    """How many examples each judgement before this one rested on; `sizes` are those of all parts in their order."""
    return tuple(itertools.accumulate(sizes[:-1]))


def _pair(workspace: Workspace, facts: RunFacts, part: Part, variant: Variant) -> JudgePart:
    before, after = (
        str(workspace.artifacts.folder(part.answers[version_id]) / "answers.npz")
        for version_id in (facts.baseline.id, variant.id)
    )
    return JudgePart(
        data_dir=str(part.data_dir), original_answers=before, variant_answers=after, items=part.items or ()
    )


def _readable(pairs: list[JudgePart]) -> list[Path]:
    files = [Path(path) for pair in pairs for path in (pair.original_answers, pair.variant_answers)]
    return list(dict.fromkeys([*(Path(pair.data_dir) for pair in pairs), *(file.parent for file in files)]))


def _write(workspace: Workspace, facts: RunFacts, proof: Proof, judged: list[Variant]) -> Run:
    """The record of what was added comes last: broken off before, the same data can be added again."""
    repositories, run = workspace.repositories, facts.run
    for variant in judged:
        repositories.variants.update(variant)
    now = {variant.id: variant for variant in judged}
    tried = [now.get(variant.id, variant) for variant in facts.variants if not variant.is_baseline]
    choice = choose([variant for variant in tried if variant.state == "confirmed"], kept_objective(run))
    state = RunState.FINISHED if choice.variant else RunState.KEPT_ORIGINAL
    changed = dataclasses.replace(
        run,
        state=state if state is run.state else check_transition(run.state, state),
        headline=headline(choice.variant, tried, choice.proven, run.goal.max_loss_pct),
        recommended_variant_id=choice.variant.id if choice.variant else None,
    )
    repositories.runs.update(changed)
    write_proof(repositories, run.id, proof)
    return changed
