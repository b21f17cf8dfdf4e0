"""Judge a run's versions against the result of another run that was tested with the same examples."""

import dataclasses
from typing import Any

from app.domain.variant import Variant
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.steps import Flow, JobError, Refused
from app.services.records.documents import variant_document
from app.services.records.facts import RunFacts
from app.services.run.version_steps import judge, prediction_pair
from workers.contracts.jobs import DataResult
from workers.contracts.translation import _, mark


def compare_against(
    artifacts: ArtifactStore, facts: RunFacts, other: RunFacts
) -> Flow[tuple[Variant, tuple[Variant, ...]]]:
    """Judge every version with predictions against the result of another run; return that result and the versions.

    The speedups are removed, because versions of different runs were not measured side by side.

    Raises:
        JobError: (exit code 3) The runs were tested with different examples.
    """
    _check_same_tests(artifacts, facts, other)
    reference = other.recommended or other.baseline
    before = _answers(artifacts, reference)
    if before is None:
        raise _refused(mark("The other run's answers are no longer in the store."))
    judged: list[Variant] = []
    for variant in facts.variants:
        after = _answers(artifacts, variant)
        if after is None:
            judged.append(dataclasses.replace(variant, judgement=None))
            continue
        pair = prediction_pair(facts.data_dir, before, after)
        judgement = yield from judge([pair], facts.run.goal.max_loss_pct, variant.title, cache=False)
        judged.append(dataclasses.replace(variant, judgement=judgement))
    return reference, tuple(map(_without_speedup, judged))


def _without_speedup(variant: Variant) -> Variant:
    measurement = dataclasses.replace(variant.measurement, speedup=None, speedup_low=None, speedup_high=None)
    return dataclasses.replace(variant, measurement=measurement, is_baseline=False)


def _answers(artifacts: ArtifactStore, variant: Variant) -> Any:
    entry = artifacts.get(variant.answers_key) if variant.answers_key else None
    return entry.folder if entry is not None else None


def _check_same_tests(artifacts: ArtifactStore, facts: RunFacts, other: RunFacts) -> None:
    if facts.run.data_key == other.run.data_key:
        return
    results = []
    for run in (facts.run, other.run):
        entry = artifacts.get(run.data_key) if run.data_key else None
        if entry is None:
            raise _refused(_("The examples of the run {0} are no longer in the store.").format(run.id))
        results.append(DataResult.model_validate(entry.result))
    mine, theirs = results
    if mine.origin == "made" or theirs.origin == "made":
        raise _refused(mark("One of them was tested with inputs that Fettle made for its model alone."))
    if (mine.sha256, mine.n_test, facts.run.goal.seed) != (theirs.sha256, theirs.n_test, other.run.goal.seed):
        raise _refused(mark("They were tested with different examples."))


def _refused(why: str) -> JobError:
    hint = mark("Optimize both with the same examples and the same seed, then compare again.")
    return Refused("not_comparable", "These runs cannot be compared", why, hint, "--data PATH --seed N")


def against_document(document: dict[str, Any], reference: Variant) -> dict[str, Any]:
    """Return the document of `compare` for these versions, with the other run's result as the baseline."""
    against = {"run_id": reference.run_id, "variant": reference.id}
    return {**document, "baseline": variant_document(reference), "against": against}
