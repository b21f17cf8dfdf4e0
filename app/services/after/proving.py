"""Judge a finished run again with more examples; nothing is optimized or measured again."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from app.domain.outcome import outcome_of
from app.domain.proof.sequence import ProofOrder, Step, sequence_of
from app.domain.run import Run, RunState, check_transition
from app.domain.variant import Variant
from app.domain.words.outcome import headline
from app.services.after import run_data
from app.services.after.run_data import RunSection, parts_of
from app.services.flow.steps import Flow, JobStep, Refused
from app.services.flow.workspace import Workspace
from app.services.opening.opening import ReadData, read_data
from app.services.records.after_run import AddedPart, Proof, write_proof
from app.services.records.facts import RunFacts, check_stored, read_facts
from app.services.records.measured import TestSetUsage
from app.services.records.run_records import saved_objective
from app.services.run.proof_steps import Looked, PredictedVersion, ProofSequence
from app.services.run.version_steps import fingerprints, judge, predict, prediction_pair, stored_version, threads_of
from workers.contracts.jobs import DataParams
from workers.contracts.proof.proving import FreshResult, ItemsParams
from workers.contracts.specs import Judgement
from workers.contracts.translation import _, mark


@dataclass(frozen=True)
class Proved:
    """The updated run and the numbers of examples: `added` were new, `known` existed already and are left out.

    `merged` counts given examples that were identical to another given one.
    """

    run: Run
    added: int
    known: int
    merged: int = 0


def prove(workspace: Workspace, facts: RunFacts, data: DataParams) -> Flow[Proved]:
    """Read more examples, predict the new ones with all gains, test these on all examples, and choose again.

    Each further look has to prove more, so that adding examples until a version is safe errs no more often than a
    single look. Everything is written at the end, so a cancel changes nothing.

    Args:
        workspace: Store, database and processes.
        facts: The finished run.
        data: How to read the examples; `data.path` names them.

    Raises:
        JobError: (exit code 3) None of the examples is new.
    """
    params = data.model_copy(update={"model_dir": str(facts.original_dir), "max_calibration": 0})
    read = yield from read_data(params, seed=facts.run.goal.seed)
    fresh = yield from _fresh(workspace, facts, read)
    part = AddedPart(
        data_key=read.key,
        path=data.path or "",
        items=fresh.items,
        known=fresh.in_test + fresh.in_calibration,
        n_test=read.result.n_test,
        labelled=read.result.labelled,
        answers={},
    )
    proof = Proof(parts=(*facts.proof.parts, part))
    run = yield from _Proving(workspace, facts, proof).again()
    return Proved(run, len(part.items), part.known, read.result.merged_doubles)


def evaluate_rest(workspace: Workspace, facts: RunFacts) -> Flow[Proved]:
    """Predict the run's own test examples that its time limit left out, with all gains, and judge again.

    As in `prove`, everything is written at the end, and each look at the verdict counts.
    """
    before = run_data.evaluated_examples(workspace, facts).n_evaluated
    run = yield from _Proving(workspace, facts, facts.proof, whole=True).again()
    after = run_data.evaluated_examples(workspace, read_facts(workspace, run.id)).n_evaluated
    return Proved(run, after - before, 0)


def judge_alone(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[Run]:
    """Test this version of `facts` alone as a separate look, choose again, and store the run."""
    return (yield from _Proving(workspace, facts, facts.proof).alone(variant))


def choose_again(workspace: Workspace, facts: RunFacts, variant: Variant) -> Run:
    """Write this version with the figures and the verdict that it has, choose again and write the run."""
    return _Proving(workspace, facts, facts.proof).as_it_is(variant)


class _Proving(ProofSequence):
    """Versions of a finished run, tested again in their sequence; `whole` predicts the run's own examples in full."""

    def __init__(self, workspace: Workspace, facts: RunFacts, proof: Proof, *, whole: bool = False) -> None:
        super().__init__(saved_objective(facts.run))
        self._workspace, self._facts, self._proof, self._whole = workspace, facts, proof, whole
        self._judged: dict[str, Variant] = {}
        self._looks: list[tuple[Variant, Looked]] = []
        self._items: dict[Path, tuple[int, ...]] = {}

    def again(self) -> Flow[Run]:
        """Predict, judge and store: gains first in their sequence, then all other versions with a verdict."""
        variants = self._facts.variants
        order = sequence_of(variants, self._objective)
        first = {version.id for version in order.versions}
        judged = (v for v in variants if v.judgement is not None and not v.is_baseline and v.state != "dropped")
        original = yield from self._answered(self._facts.baseline)
        judgement = yield from self._judge(original, 0)
        self.keep(dataclasses.replace(original, judgement=judgement))
        others = tuple(Step(version) for version in judged if version.id not in first)
        return (yield from self._prove_all(ProofOrder((*order.steps, *others))))

    def alone(self, variant: Variant) -> Flow[Run]:
        """Test one version and store the result; other versions stay as they are."""
        return (yield from self._prove_all(ProofOrder((Step(variant),))))

    def as_it_is(self, variant: Variant) -> Run:
        """Store the new figures of this version without a look."""
        self.keep(variant)
        return self._write()

    def _prove_all(self, order: ProofOrder) -> Flow[Run]:
        for part in self._parts:
            self._items[part.data_dir] = yield from fingerprints(part.data_dir)
        yield from self.prove(order)
        return self._write()

    @property
    def _parts(self) -> tuple[RunSection, ...]:
        return parts_of(self._workspace.artifacts, self._facts, self._proof)

    def _answered(self, variant: Variant) -> Flow[Variant]:
        """Return the version with predictions for all parts."""
        for place, part in enumerate(self._parts):
            is_first = part.items is None
            if variant.id in part.answers and not (is_first and self._whole):
                continue
            key = yield from answers_of(self._workspace, self._facts, variant, part.data_dir)
            if is_first:
                variant = dataclasses.replace(variant, answers_key=key)
                others = (variant if one.id == variant.id else one for one in self._facts.variants)
                self._facts = dataclasses.replace(self._facts, variants=tuple(others))
            else:
                self._add(place - len(self._parts), variant.id, key)
        return variant

    def _add(self, place: int, version_id: str, key: str) -> None:
        """Add the predictions of one more version to the added part at this place, counted from the end."""
        parts = list(self._proof.parts)
        answers = {**parts[place].answers, version_id: key}
        parts[place] = parts[place].model_copy(update={"answers": answers})
        self._proof = self._proof.model_copy(update={"parts": tuple(parts)})

    def predicted(self, variant: Variant) -> Flow[PredictedVersion | None]:
        """Return a version with its predictions for all parts."""
        version = yield from self._answered(variant)
        items, n_left = [], 0
        for part in self._parts:
            counted = self._counted(part, version.id)
            items += [self._items[part.data_dir][item] for item in counted]
            n_left += (part.n_test if part.items is None else len(part.items)) - len(counted)
        if self._is_made:
            items = []
        facts = self._facts
        limit_pct, sha256 = facts.run.goal.max_loss_pct, facts.project.model_sha256
        book = TestSetUsage(self._workspace.repositories, sha256, facts.run.id, frozenset(items), limit_pct)
        return PredictedVersion(version, book, n_left, lambda earlier: self._judge(version, earlier))

    @property
    def _is_made(self) -> bool:
        """Return whether all inputs were made by Fettle."""
        first = self._facts.first_data
        return first is not None and first.origin == "made" and not self._proof.parts

    def _counted(self, part: RunSection, version_id: str) -> list[int]:
        """Return the items of a part that both this version and the original predicted."""
        keys = (part.answers[one] for one in (self._facts.baseline.id, version_id))
        report = [run_data.answers_result(self._workspace, key) for key in keys]
        known = min((result.n for result in report if result is not None), default=part.n_test)
        return [item for item in (range(part.n_test) if part.items is None else part.items) if item < known]

    def _judge(self, variant: Variant, earlier: int) -> Flow[Judgement]:
        """Return the verdict over all examples, by the same judge as in the run."""
        folder, original_id = self._workspace.artifacts.folder, self._facts.baseline.id
        pairs = [
            prediction_pair(
                part.data_dir, folder(part.answers[original_id]), folder(part.answers[variant.id]), part.items
            )
            for part in self._parts
        ]
        return (yield from judge(pairs, self._facts.run.goal.max_loss_pct, variant.title, earlier))

    def keep(self, variant: Variant, looked: Looked | None = None) -> None:
        """Keep a version and its look until everything is written."""
        self._judged[variant.id] = variant
        if looked is not None:
            self._looks.append((variant, looked))

    def _write(self) -> Run:
        """Store everything in one transaction, because verdicts and their examples must stay consistent."""
        repositories, run, facts = self._workspace.repositories, self._facts.run, self._facts
        tried = [self._judged.get(variant.id, variant) for variant in facts.variants if not variant.is_baseline]
        objective = saved_objective(run)
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
            for variant in self._judged.values():
                (repositories.variants.update if variant.id in known else repositories.variants.add)(variant)
            for variant, (book, number) in self._looks:
                book.record(variant, number)
            repositories.runs.update(changed)
            write_proof(repositories, run.id, self._proof)
        return changed


def _fresh(workspace: Workspace, facts: RunFacts, data: ReadData) -> Flow[FreshResult]:
    known = (facts.data_dir, *(workspace.artifacts.folder(part.data_key) / "data" for part in facts.proof.parts))
    done = yield from JobStep(
        "fresh",
        ItemsParams(data_dir=str(data.folder), known=tuple(str(folder) for folder in known)),
        FreshResult,
        "Look for examples that are new",
        (data.folder, *known),
        cache=True,
    ).run()
    if not done.result.items:
        count = done.result.in_test + done.result.in_calibration
        detail = _("All {0:,} were there already; the same example twice proves nothing more.").format(count)
        hint = mark("Add others that the model has not been tested with.")
        raise Refused("nothing_new", "None of these examples is new", detail, hint)
    return done.result


def answers_of(workspace: Workspace, facts: RunFacts, variant: Variant, data_dir: Path) -> Flow[str]:
    """Return the key of this version's predictions for all test examples of a data folder."""
    check_stored(workspace, facts, variant, contents=False)
    version = yield from predict(stored_version(facts, variant), data_dir, threads_of(facts))
    return str(version.variant.answers_key)
