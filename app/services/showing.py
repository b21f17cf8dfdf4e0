"""Changed answers of a variant, with their pictures, and the model card as it will read."""

import json
from pathlib import Path

from app.domain.variant import Variant
from app.persistence.repositories import NotFound
from app.services.facts import NOTHING_ADDED, RunFacts
from app.services.run_parts import Part, parts_of
from app.services.steps import Done, Flow, JobStep
from app.services.workspace import Workspace
from workers.contracts.jobs import CardFacts, CardParams, CardResult, Example, ExamplesParams, ExamplesResult
from workers.contracts.paths import from_text

MAX_SHOWN, MAX_TO_TRY = 200, 13


def changed_examples(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[tuple[Example, ...]]:
    """Rows, worst first, their pictures by whole paths; empty where nothing changed."""
    judgement = variant.judgement
    if judgement is None or not judgement.changed:
        return ()
    wanted = judgement.changed[:MAX_SHOWN]
    rows: dict[int, Example] = {}
    for part in parts_of(workspace.artifacts, facts, facts.proof):
        first, end = part.first_number, part.first_number + part.n_test
        items = tuple(number - first for number in wanted if first <= number < end)
        for row in (yield from _examples(workspace, facts, part, variant, items, "Show what changed")):
            rows[row.item + first] = row.model_copy(update={"item": row.item + first})
    return tuple(rows[number] for number in wanted if number in rows)


def _examples(
    workspace: Workspace, facts: RunFacts, part: Part, variant: Variant, items: tuple[int, ...], title: str
) -> Flow[tuple[Example, ...]]:
    before_key, after_key = part.answers.get(facts.baseline.id), part.answers.get(variant.id)
    if not items or before_key is None or after_key is None:
        return ()
    before, after = workspace.artifacts.folder(before_key), workspace.artifacts.folder(after_key)
    sources = _sources(workspace, facts) if part.data_dir == facts.data_dir else _existing(part.path)
    done: Done[ExamplesResult] = yield JobStep(
        kind="examples",
        params=ExamplesParams(
            data_dir=str(part.data_dir),
            model_dir=str(facts.original_dir),
            original_answers=str(before / "answers.npz"),
            variant_answers=str(after / "answers.npz"),
            items=items,
        ),
        result=ExamplesResult,
        title=title,
        read_paths=(part.data_dir, facts.original_dir, before, after, *sources),
        cache=True,
    )
    return tuple(
        row.model_copy(update={"picture": str(done.folder / row.picture)}) if row.picture else row
        for row in done.result.rows
    )


def _existing(path: str) -> tuple[Path, ...]:
    return (from_text(path),) if path else ()


def examples_to_try(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[tuple[Example, ...]]:
    """Some of the first data that changed, then some from all over them, in the form of `changed_examples`."""
    baseline, first = facts.baseline, parts_of(workspace.artifacts, facts, NOTHING_ADDED)[0]
    kept = [workspace.artifacts.peek(key) for key in (baseline.answers_key, variant.answers_key) if key]
    count = min((int(entry.result["n"]) for entry in kept if entry is not None), default=0)
    if len(kept) < 2 or None in kept or not count:
        return ()
    counts = parts_of(workspace.artifacts, facts, facts.proof)[0].data_dir == facts.data_dir
    changed = variant.judgement.changed if variant.judgement is not None and counts else ()
    spread = range(0, count, max(1, count // MAX_TO_TRY))
    known = [item for item in changed if item < count][: MAX_TO_TRY // 3]
    items = tuple(dict.fromkeys((*known, *spread)))[:MAX_TO_TRY]
    found = yield from _examples(workspace, facts, first, variant, items, "Show examples to try")
    return found


def _sources(workspace: Workspace, facts: RunFacts) -> tuple[Path, ...]:
    """Where the run's examples lie, as we know it ourselves: what a worker wrote opens no door."""
    try:
        made_by = workspace.repositories.artifacts.get(facts.run.data_key or "").made_by_json
        path = json.loads(made_by)["params"]["path"]
    except (NotFound, KeyError, ValueError, TypeError):
        path = facts.project.data_path
    return _existing(path)


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
