"""Changed answers of a variant, with their pictures, and the model card as it will read."""

import json
from pathlib import Path

from app.domain.variant import Variant
from app.persistence.repositories import NotFound
from app.services.facts import RunFacts
from app.services.steps import Done, Flow, JobStep
from app.services.workspace import Workspace
from workers.contracts.jobs import CardFacts, CardParams, CardResult, Example, ExamplesParams, ExamplesResult

MAX_SHOWN, MAX_TO_TRY = 200, 13


def changed_examples(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[tuple[Path, tuple[Example, ...]]]:
    """(folder that the pictures' names are relative to, rows); empty where nothing changed."""
    judgement = variant.judgement
    if judgement is None or not judgement.changed or not variant.answers_key or not facts.baseline.answers_key:
        return Path(), ()
    found = yield from _examples(workspace, facts, variant, judgement.changed[:MAX_SHOWN], "Show what changed")
    return found


def _examples(
    workspace: Workspace, facts: RunFacts, variant: Variant, items: tuple[int, ...], title: str
) -> Flow[tuple[Path, tuple[Example, ...]]]:
    before = workspace.artifacts.folder(str(facts.baseline.answers_key))
    after = workspace.artifacts.folder(str(variant.answers_key))
    done: Done[ExamplesResult] = yield JobStep(
        kind="examples",
        params=ExamplesParams(
            data_dir=str(facts.data_dir),
            model_dir=str(facts.original_dir),
            original_answers=str(before / "answers.npz"),
            variant_answers=str(after / "answers.npz"),
            items=items,
        ),
        result=ExamplesResult,
        title=title,
        read_paths=(facts.data_dir, facts.original_dir, before, after, *_sources(workspace, facts)),
        cache=True,
    )
    return done.folder, done.result.rows


def examples_to_try(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[tuple[Path, tuple[Example, ...]]]:
    """Some that changed, then some from all over the test data, in the form of `changed_examples`."""
    baseline = facts.baseline
    kept = [workspace.artifacts.peek(key) for key in (baseline.answers_key, variant.answers_key) if key]
    count = min((int(entry.result["n"]) for entry in kept if entry is not None), default=0)
    if len(kept) < 2 or None in kept or not count:
        return Path(), ()
    changed = [item for item in (variant.judgement.changed if variant.judgement else ()) if item < count]
    spread = range(0, count, max(1, count // MAX_TO_TRY))
    items = tuple(dict.fromkeys((*changed[: MAX_TO_TRY // 3], *spread)))[:MAX_TO_TRY]
    found = yield from _examples(workspace, facts, variant, items, "Show examples to try")
    return found


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
