"""Judge a finished run again with more examples: only they are answered, nothing is optimized or measured again."""

import dataclasses
import itertools
from dataclasses import dataclass
from pathlib import Path

from app.domain.outcome import outcome_of
from app.domain.outcome_words import headline
from app.domain.run import Run, RunState, check_transition
from app.domain.variant import Variant
from app.services.after import run_data
from app.services.after.run_parts import Part, parts_of
from app.services.flow.steps import Done, Flow, JobError, JobStep
from app.services.flow.workspace import Workspace
from app.services.opening.opening import ReadData, read_data
from app.services.records.facts import RunFacts, check_stored, read_facts
from app.services.records.proofs import AddedPart, Proof, write_proof
from app.services.records.run_plan import kept_objective
from app.services.run.version_steps import PREDICTIONS, Pair, judge, predict, stored_version, threads_of
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import DataParams
from workers.contracts.proving import FreshParams, FreshResult


@dataclass(frozen=True)
class Proved:
    """The run as it is now; `added` examples were new, `known` were there already and are left out.

    `merged` is how many of those that were given were the same as another one of them.
    """

    run: Run
    added: int
    known: int
    merged: int = 0


def prove(workspace: Workspace, facts: RunFacts, asked: DataParams) -> Flow[Proved]:
    """Read more examples, let all versions answer those that are new, judge all of them together, choose again.

    `asked.path` names the data. Each further judgement has to prove more, so that adding until it is safe does not err
    more often than a single one. Everything is written at the end: cancelled before, nothing has changed. Raises
    `JobError` (exit code 3) where nothing in it is new.
    """
    params = asked.model_copy(update={"model_dir": str(facts.original_dir), "max_calibration": 0})
    data = yield from read_data(params, seed=facts.run.goal.seed)
    fresh = yield from _fresh(workspace, facts, data)
    versions = judged_versions(facts)
    answers = {}
    for variant in versions:
        answers[variant.id] = yield from answers_of(workspace, facts, variant, data.folder)
    part = AddedPart(
        data_key=data.key,
        path=asked.path or "",
        items=fresh.items,
        known=fresh.in_test + fresh.in_calibration,
        n_test=data.result.n_test,
        labelled=data.result.labelled,
        answers=answers,
    )
    proof = Proof(parts=(*facts.proof.parts, part), looks=facts.proof.looks)
    run = yield from judge_again(workspace, facts, proof, versions)
    return Proved(run, len(part.items), part.known, data.result.merged_doubles)


def ask_rest(workspace: Workspace, facts: RunFacts) -> Flow[Proved]:
    """Let all versions answer those of the run's own test examples for which its time was too short; judge again.

    As `prove`, it writes everything at the end, and each look at the verdict counts.
    """
    before = run_data.asked_examples(workspace, facts).n_asked
    versions = []
    for variant in judged_versions(facts):
        key = yield from answers_of(workspace, facts, variant, facts.data_dir)
        versions.append(dataclasses.replace(variant, answers_key=key))
    run = yield from judge_again(workspace, facts, facts.proof, versions)
    after = run_data.asked_examples(workspace, read_facts(workspace, run.id)).n_asked
    return Proved(run, after - before, 0)


def judged_versions(facts: RunFacts) -> list[Variant]:
    """The original and the versions that have a verdict to lose or to win."""
    return [v for v in facts.variants if v.answers_key and (v.is_baseline or v.state != "dropped")]


def judge_again(workspace: Workspace, facts: RunFacts, proof: Proof, versions: list[Variant]) -> Flow[Run]:
    """Judge the versions, with their answers as they are now, over everything that counts, and write the run."""
    asked = {variant.id: variant for variant in versions}
    now = dataclasses.replace(facts, variants=tuple(asked.get(variant.id, variant) for variant in facts.variants))
    judged, looks = [], dict(proof.looks)
    for variant in versions:
        earlier = looks_so_far(workspace, facts, variant.id)
        judged.append((yield from _judged(workspace, now, proof, variant, earlier)))
        looks[variant.id] = (*earlier, sum(_sizes(workspace, now, proof, variant.id)))
    return _write(workspace, facts, proof.model_copy(update={"looks": looks}), judged)


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


def answers_of(workspace: Workspace, facts: RunFacts, variant: Variant, data_dir: Path) -> Flow[str]:
    """The key of this version's answers to all test examples of a data folder."""
    check_stored(workspace, facts, variant, contents=False)
    version = yield from predict(stored_version(facts, variant), data_dir, threads_of(facts))
    return str(version.variant.answers_key)


def _judged(
    workspace: Workspace, facts: RunFacts, proof: Proof, variant: Variant, looks: tuple[int, ...]
) -> Flow[Variant]:
    """The version with the verdict over all examples, by the same judge as the first time."""
    parts = [part for part in parts_of(workspace.artifacts, facts, proof) if variant.id in part.answers]
    pairs = [_pair(workspace, facts, part, variant) for part in parts]
    judgement = yield from judge(pairs, facts.run.goal.max_loss_pct, variant.title, looks)
    return dataclasses.replace(variant, judgement=judgement)


def looks_so_far(workspace: Workspace, facts: RunFacts, version_id: str) -> tuple[int, ...]:
    """How many examples each judgement of this version rested on until now; those on made inputs prove nothing."""
    kept = facts.proof.looks.get(version_id)
    if kept is not None:
        return kept
    if facts.first_data is not None and facts.first_data.origin == "made" and not facts.proof.parts:
        return ()
    return tuple(itertools.accumulate(_sizes(workspace, facts, facts.proof, version_id)))


def _sizes(workspace: Workspace, facts: RunFacts, proof: Proof, version_id: str) -> list[int]:
    """How many examples of each part count for a version: those that it and the original answered."""
    sizes = []
    for part in parts_of(workspace.artifacts, facts, proof):
        keys = [part.answers.get(one) for one in (facts.baseline.id, version_id)]
        told = [run_data.answers_result(workspace, key) for key in keys if key is not None]
        if len(told) == 2:
            known = min((result.n for result in told if result is not None), default=part.n_test)
            sizes.append(known if part.items is None else sum(item < known for item in part.items))
    return sizes


def _pair(workspace: Workspace, facts: RunFacts, part: Part, variant: Variant) -> Pair:
    before, after = (
        workspace.artifacts.folder(part.answers[version_id]) / PREDICTIONS
        for version_id in (facts.baseline.id, variant.id)
    )
    return Pair(part.data_dir, before, after, part.items)


def _write(workspace: Workspace, facts: RunFacts, proof: Proof, judged: list[Variant]) -> Run:
    """All of it or nothing: verdicts over examples that nobody knows of, or the other way round, would be wrong."""
    repositories, run = workspace.repositories, facts.run
    now = {variant.id: variant for variant in judged}
    tried = [now.get(variant.id, variant) for variant in facts.variants if not variant.is_baseline]
    objective = kept_objective(run)
    outcome = outcome_of([facts.baseline, *tried], objective, facts.search)
    state = RunState.FINISHED if outcome.is_recommended else RunState.KEPT_ORIGINAL
    changed = dataclasses.replace(
        run,
        state=state if state is run.state else check_transition(run.state, state),
        headline=headline(outcome, objective, run.goal.max_loss_pct),
        recommended_variant_id=outcome.best.id if outcome.best else None,
    )
    known = set(repositories.variants.ids(run.id))
    with repositories.together():
        for variant in judged:
            (repositories.variants.update if variant.id in known else repositories.variants.add)(variant)
        repositories.runs.update(changed)
        write_proof(repositories, run.id, proof)
    return changed
