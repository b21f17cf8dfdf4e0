"""Which examples a run's result rests on: where they lie, and how many of them were asked."""

import json
from dataclasses import dataclass
from typing import Literal

from app.domain.choose import is_safe
from app.domain.variant import Variant
from app.persistence.repositories import NotFound
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts
from workers.contracts.jobs import AnswerResult


@dataclass(frozen=True)
class AskedExamples:
    """`path` is where the run's own examples lie, None for those that Fettle made or where it is not known.

    Of its `n_test` test examples `n_asked` were answered by the original and by the version that the result is of;
    `stopped` is what ran out before the others, "" where no more were planned. `rest_s` is about how long all of them
    take, None where that is not known.
    """

    path: str | None
    n_test: int
    n_asked: int
    stopped: Literal["", "time", "memory"] = ""
    rest_s: float | None = None

    @property
    def n_left(self) -> int:
        """Those that nobody was asked yet."""
        return max(0, self.n_test - self.n_asked)


def data_path_of(workspace: Workspace, facts: RunFacts) -> str | None:
    """As we know it ourselves: what a worker wrote opens no door. The project may have other examples by now."""
    try:
        made_by = workspace.repositories.artifacts.get(facts.run.data_key or "").made_by_json
        path = json.loads(made_by)["params"]["path"]
    except (NotFound, KeyError, ValueError, TypeError):
        return facts.project.data_path
    return path if isinstance(path, str) else None


def asked_examples(workspace: Workspace, facts: RunFacts) -> AskedExamples:
    """The counts are those of the answers that are kept; where they are gone, nothing is said to be missing."""
    n_test = facts.first_data.n_test if facts.first_data is not None else 0
    path = data_path_of(workspace, facts)
    untested = [version for version in facts.outcome.untested if version.untested == "no_time"]
    shown = facts.recommended or (untested[-1] if untested else facts.baseline)
    if shown.is_baseline and all(one.judgement is None for one in facts.variants if not one.is_baseline):
        return AskedExamples(path, n_test, n_test)  # no verdict rests on any of them
    kept = [answers_result(workspace, variant.answers_key) for variant in (facts.baseline, shown)]
    found = [result for result in kept if result is not None]
    least = min(found, key=lambda result: result.n, default=None)
    is_enough = least is not None and not least.stopped and is_safe(shown)  # no more were planned for this limit
    if least is None or ((is_enough or least.n >= n_test) and not untested):
        return AskedExamples(path, n_test, n_test)
    slowest = max(found, key=lambda result: result.seconds / max(1, result.n))
    rest_s = 2 * n_test * slowest.seconds / max(1, slowest.n)
    n_asked = 0 if facts.recommended is None and untested else least.n
    stopped = least.stopped or ("time" if untested else "")
    return AskedExamples(path, n_test, n_asked, stopped, rest_s)


def alone_s(workspace: Workspace, facts: RunFacts, variant: Variant) -> float | None:
    """About how many seconds a version takes to answer all test examples, by what the original took; None where that is
    not known.
    """
    known = answers_result(workspace, facts.baseline.answers_key)
    if known is None or not known.n or facts.first_data is None:
        return None
    return facts.first_data.n_test * known.seconds / known.n / (variant.measurement.speedup or 1.0)


def answers_result(workspace: Workspace, key: str | None) -> AnswerResult | None:
    """What the job told that wrote the answers of this key; None where they are gone."""
    kept = workspace.artifacts.peek(key) if key else None
    return AnswerResult.model_validate(kept.result) if kept is not None else None
