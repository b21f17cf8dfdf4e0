"""Find why two models, or a model and expected outputs, answer differently."""

from pathlib import Path
from typing import Any

from app.domain.variant import Variant
from app.services.after.run_data import data_params_of
from app.services.flow.steps import Flow, JobStep, Refused
from app.services.flow.workspace import Workspace
from app.services.opening.opening import open_model
from app.services.records.facts import RunFacts, check_stored
from app.services.run.version_steps import Version, opened_version, stored_version
from workers.contracts.after.changes import ExplainParams, ExplainResult
from workers.contracts.jobs import OpenParams
from workers.contracts.paths import from_text
from workers.contracts.runtimes import needs_torch
from workers.contracts.specs import RunParams
from workers.contracts.translation import mark

EXPECTED_SUFFIXES = frozenset({".npz", ".npy", ".csv", ".tsv", ".jsonl", ".ndjson"})
"""Files with these endings hold expected outputs; all others are models."""
TITLE = mark("Find why the answers differ")


def explain_models(
    model: OpenParams, other: Path, data: Path, text_column: str | None = None, max_items: int | None = None
) -> Flow[ExplainResult]:
    """Open a model and another one, or a file of expected outputs, and find why they differ on the data.

    Both models may have any inputs and outputs, because differences of their interfaces are explained as well.
    """
    more: dict[str, Any] = {"text_column": text_column, **({} if max_items is None else {"max_items": max_items})}
    first = opened_version((yield from open_model(model.model_copy(update={"to_prove": True}))))
    if other.suffix.lower() in EXPECTED_SUFFIXES and other.is_file():
        return (yield from _explained(first, None, data, other, **more))
    beside = {"path": str(other.absolute()), "preprocess": None, "task": None, "data_path": None, "to_prove": True}
    second = opened_version((yield from open_model(model.model_copy(update=beside))))
    return (yield from _explained(first, second, data, **more))


def explain_version(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[ExplainResult]:
    """Find why a version of a run answers otherwise than the original, on the run's own examples.

    Raises:
        JobError: (exit code 3) The run was judged on inputs made by Fettle, or a version's files are gone.
    """
    data = data_params_of(workspace, facts)
    if data.path is None:
        detail, hint = (
            mark("This run was judged on inputs that Fettle made."),
            mark("Run it with examples of your own."),
        )
        raise Refused("no_examples", "There are no examples to compare on", detail, hint)
    for version in (facts.baseline, variant):
        check_stored(workspace, facts, version, contents=False)
    first, second = stored_version(facts, facts.baseline), stored_version(facts, variant)
    return (yield from _explained(first, second, from_text(data.path), text_column=data.text_column))


def _explained(
    first: Version, second: Version | None, data: Path, expected: Path | None = None, **more: Any
) -> Flow[ExplainResult]:
    versions = [one for one in (first, second) if one is not None]
    sides = [RunParams(**one.parameters()) for one in versions]
    limits = [one.limits for one in versions]
    other = None if expected is None else str(expected.absolute())
    params = ExplainParams(
        first=sides[0], second=sides[1] if second else None, expected=other, data_path=str(data.absolute()), **more
    )
    step = JobStep(
        "explain", params, ExplainResult, TITLE,
        (*(one.model_dir for one in versions), *(path.absolute() for path in (data, expected) if path)),
        torch=any(needs_torch(side.runtime) for side in sides),
        limits=next((one for one in limits if one.gpu or one.start_programs), limits[0]),
    )  # fmt: skip
    return (yield from step.run()).result
