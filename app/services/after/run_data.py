"""List the examples that a run's versions are judged on, and count how many of them were evaluated."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.domain.choose import is_safe
from app.domain.variant import Variant
from app.persistence.repositories import NotFound
from app.services.data.examples import read_items
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.workspace import Workspace
from app.services.records.after_run import Proof
from app.services.records.facts import RunFacts
from app.services.run.figures import answer_speedup_of
from workers.contracts.jobs import AnswerResult, DataParams


@dataclass(frozen=True)
class RunSection:
    """Examples of one data folder on which a run's versions are judged.

    `items` None means all. `path` is the place of the person's files, "" if unknown. `answers` maps a version's id to
    the key of its predictions. `first_number` is the number of the first item when the items of all parts are counted
    continuously, as in `Judgement.changed`.
    """

    data_dir: Path
    path: str
    items: tuple[int, ...] | None
    n_test: int
    first_number: int
    answers: dict[str, str]


def parts_of(artifacts: ArtifactStore, facts: RunFacts, proof: Proof) -> tuple[RunSection, ...]:
    """Return all parts in order; inputs made by Fettle no longer count once there are others."""
    sections: list[RunSection] = []
    number, first = 0, facts.first_data
    if not (proof.parts and first is not None and first.origin == "made"):
        answers = {variant.id: variant.answers_key for variant in facts.variants if variant.answers_key}
        number = first.n_test if first is not None else 0
        sections.append(RunSection(facts.data_dir, facts.project.data_path or "", None, number, 0, answers))
    for part in proof.parts:
        folder = artifacts.folder(part.data_key) / "data"
        sections.append(RunSection(folder, part.path, part.items, part.n_test, number, part.answers))
        number += part.n_test
    return tuple(sections)


@dataclass(frozen=True)
class EvaluatedExamples:
    """The run's own examples and how many of them its result is based on.

    `path` is their place, None for inputs made by Fettle or an unknown place. Of `n_test` test examples, the original
    and the version of the result have predicted `n_evaluated`. `stopped` names what ran out before the rest, "" if no
    more were planned. `rest_s` is the approximate time of predicting all of them in seconds, None if unknown.
    """

    path: str | None
    n_test: int
    n_evaluated: int
    stopped: Literal["", "time", "memory"] = ""
    rest_s: float | None = None

    @property
    def n_left(self) -> int:
        """Return the number of test examples without predictions."""
        return max(0, self.n_test - self.n_evaluated)


def data_params_of(workspace: Workspace, facts: RunFacts) -> DataParams:
    """Return how the run's examples were read, from our own records; only their place if the records are gone.

    Paths written by a worker process are not trusted. The project may have other examples by now.
    """
    try:
        made_by = workspace.repositories.artifacts.get(facts.run.data_key or "").made_by_json
        return DataParams.model_validate(json.loads(made_by)["params"])
    except (NotFound, KeyError, ValueError, TypeError):
        return DataParams(model_dir="", path=facts.project.data_path)


def evaluated_examples(workspace: Workspace, facts: RunFacts) -> EvaluatedExamples:
    """Return the examples with counts from stored predictions; without these, none count as missing."""
    n_test = facts.first_data.n_test if facts.first_data is not None else 0
    path = data_params_of(workspace, facts).path
    untested = [version for version in facts.outcome.untested if version.untested == "no_time"]
    shown = facts.recommended or (untested[-1] if untested else facts.baseline)
    if shown.is_baseline and all(one.judgement is None for one in facts.variants if not one.is_baseline):
        return EvaluatedExamples(path, n_test, n_test)  # no verdict is based on any of them
    kept = [answers_result(workspace, variant.answers_key) for variant in (facts.baseline, shown)]
    results = [result for result in kept if result is not None]
    least = min(results, key=lambda result: result.n, default=None)
    is_enough = least is not None and not least.stopped and is_safe(shown)  # this limit needed no more
    if least is None or ((is_enough or least.n >= n_test) and not untested):
        return EvaluatedExamples(path, n_test, n_test)
    slowest = max(results, key=lambda result: result.seconds / max(1, result.n))
    rest_s = 2 * n_test * slowest.seconds / max(1, slowest.n)
    n_evaluated = 0 if facts.recommended is None and untested else least.n
    stopped = least.stopped or ("time" if untested else "")
    return EvaluatedExamples(path, n_test, n_evaluated, stopped, rest_s)


def alone_s(workspace: Workspace, facts: RunFacts, variant: Variant) -> float | None:
    """Return the approximate seconds for a version to predict all test examples, None if unknown.

    The estimate follows from the time that the original took.
    """
    original = answers_result(workspace, facts.baseline.answers_key)
    if original is None or not original.n or facts.first_data is None:
        return None
    return facts.first_data.n_test * original.seconds / original.n / (answer_speedup_of(variant) or 1.0)


def answers_result(workspace: Workspace, key: str | None) -> AnswerResult | None:
    """Return the result of the job that wrote the predictions of this key, None if they are gone."""
    kept = workspace.artifacts.peek(key) if key else None
    return AnswerResult.model_validate(kept.result) if kept is not None else None


def judged_items(artifacts: ArtifactStore, facts: RunFacts) -> tuple[str, ...]:
    """Return the names of all test examples in the order of `Judgement.changed`; empty if the files are gone."""
    try:
        return tuple(
            item.source
            for part in parts_of(artifacts, facts, facts.proof)
            for item in read_items(part.data_dir)
            if item.is_test
        )
    except (OSError, ValueError):
        return ()
