"""Find why two models, or a model and expected outputs, answer differently."""

from pathlib import Path
from typing import Any

from app.domain.variant import Variant
from app.services.after.run_data import data_params_of
from app.services.flow.steps import Flow, JobStep, Refused, limits_of_runtime
from app.services.flow.workspace import Workspace
from app.services.opening.opening import open_model
from app.services.records.facts import RunFacts, check_stored
from app.services.run.version_steps import stored_version
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
    more: dict[str, Any] = {} if max_items is None else {"max_items": max_items}
    more["text_column"] = text_column
    first = yield from _opened(model)
    if other.suffix.lower() in EXPECTED_SUFFIXES and other.is_file():
        return (yield from _explained(first, None, data, other, **more))
    path = str(other.absolute())
    beside = model.model_copy(update={"path": path, "preprocess": None, "task": None, "data_path": None})
    second = yield from _opened(beside)
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
    both = []
    for version in (facts.baseline, variant):
        check_stored(workspace, facts, version, contents=False)
        both.append(RunParams(**stored_version(facts, version).parameters()))
    return (yield from _explained(both[0], both[1], from_text(data.path), text_column=data.text_column))


def _opened(params: OpenParams) -> Flow[RunParams]:
    opened = yield from open_model(params.model_copy(update={"to_prove": True}))
    found = opened.result
    return RunParams(model_dir=str(opened.folder), runtime=found.runtime, settings=found.artifact.settings)


def _explained(
    first: RunParams, second: RunParams | None, data: Path, expected: Path | None = None, **more: Any
) -> Flow[ExplainResult]:
    models = [model for model in (first, second) if model is not None]
    limits = [limits_of_runtime(model.runtime, model.settings) for model in models]
    other = None if expected is None else str(expected.absolute())
    params = ExplainParams(first=first, second=second, expected=other, data_path=str(data.absolute()), **more)
    step = JobStep(
        "explain", params, ExplainResult, TITLE,
        (*(Path(model.model_dir) for model in models), *(path.absolute() for path in (data, expected) if path)),
        torch=any(needs_torch(model.runtime) for model in models),
        limits=next((one for one in limits if one.gpu or one.start_programs), limits[0]),
    )  # fmt: skip
    return (yield from step.run()).result
