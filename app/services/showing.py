"""Changed answers of a variant, with their pictures, and the model card as it will read."""

import json
from pathlib import Path

from app.domain.variant import Variant
from app.persistence.repositories import NotFound
from app.services.facts import RunFacts
from app.services.steps import Done, Flow, JobStep
from app.services.workspace import Workspace
from workers.contracts.jobs import CardFacts, CardParams, CardResult, Example, ExamplesParams, ExamplesResult

MAX_SHOWN = 200


def changed_examples(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[tuple[Path, tuple[Example, ...]]]:
    """(folder that the pictures' names are relative to, rows); empty where nothing changed."""
    judgement, baseline = variant.judgement, facts.baseline
    if judgement is None or not judgement.changed or not variant.answers_key or not baseline.answers_key:
        return Path(), ()
    before = workspace.artifacts.folder(baseline.answers_key)
    after = workspace.artifacts.folder(variant.answers_key)
    done: Done[ExamplesResult] = yield JobStep(
        kind="examples",
        params=ExamplesParams(
            data_dir=str(facts.data_dir),
            model_dir=str(facts.original_dir),
            original_answers=str(before / "answers.npz"),
            variant_answers=str(after / "answers.npz"),
            items=judgement.changed[:MAX_SHOWN],
        ),
        result=ExamplesResult,
        title="Show what changed",
        read_paths=(facts.data_dir, facts.original_dir, before, after, *_sources(workspace, facts)),
        cache=True,
    )
    return done.folder, done.result.rows


def _sources(workspace: Workspace, facts: RunFacts) -> tuple[Path, ...]:
    """Where the run's examples lie, as we know it ourselves: what a worker wrote opens no door."""
    try:
        made_by = workspace.repositories.artifacts.get(facts.run.data_key or "").made_by_json
        path = json.loads(made_by)["params"]["path"]
    except (NotFound, KeyError, ValueError, TypeError):
        path = facts.project.data_path
    return (Path(path),) if path else ()


def card_preview(facts: RunFacts, card: CardFacts) -> Flow[str]:
    """README.md as it will read."""
    done: Done[CardResult] = yield JobStep(
        kind="card",
        params=CardParams(model_dir=str(facts.original_dir), facts=card),
        result=CardResult,
        title="Write the model card",
        read_paths=(facts.original_dir,),
    )
    return done.result.text
