"""Changed answers of a variant, with their pictures, and the model card as it will read."""

import json
from pathlib import Path

from app.domain.variant import Variant
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
    root = json.loads((facts.data_dir / "data.json").read_text(encoding="utf-8")).get("root")
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
        read_paths=(facts.data_dir, facts.original_dir, before, after, *([Path(root)] if root else [])),
        cache=True,
    )
    return done.folder, done.result.rows


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
