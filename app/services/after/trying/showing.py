"""Show the predictions of a version and of the original with their examples, and preview the model card."""

import dataclasses
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.variant import Variant
from app.services.after.run_data import RunSection, data_params_of, parts_of
from app.services.flow.steps import Flow, JobStep, StepResult
from app.services.flow.workspace import Workspace
from app.services.records.facts import NOTHING_ADDED, RunFacts
from app.services.run.version_steps import folders_of, prediction_pair
from workers.contracts.base import Rows
from workers.contracts.bundles import CardFacts, CardParams, ExportResult
from workers.contracts.data.rows import AnswerRowsResult
from workers.contracts.jobs import Example, ExamplesParams
from workers.contracts.paths import from_text
from workers.contracts.proof.proving import PredictionPair
from workers.contracts.translation import mark

MAX_SHOWN, MAX_TO_TRY = 200, 13
LOOK_PX, LOOK_CHARS = 480, 20_000
PICTURES = ("picture", "mask_before", "mask_after")
"""Fields of `Example` that name pictures."""


def changed_examples(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[tuple[Example, ...]]:
    """Return changed examples with the worst first, then Fettle's own; pictures have absolute paths."""
    judgement = variant.judgement
    wanted = () if judgement is None else (*judgement.changed, *judgement.beside_changed)[:MAX_SHOWN]
    if not wanted:
        return ()
    rows: dict[int, Example] = {}
    for part, items in _placed(workspace, facts, wanted):
        for row in (yield from _examples(workspace, facts, part, variant, items, "Show what changed")):
            rows[row.item + part.first_number] = row.model_copy(update={"item": row.item + part.first_number})
    return tuple(rows[number] for number in wanted if number in rows)


@dataclass(frozen=True)
class ShownInput:
    """One example at full size: PNG and WAV bytes, empty if it has none.

    `masks` are both models' masks over the picture.
    """

    row: Example
    picture: bytes = b""
    masks: tuple[bytes, bytes] = (b"", b"")
    sound: bytes = b""


def look_at(
    workspace: Workspace, facts: RunFacts, variant: Variant, wanted: tuple[int, ...]
) -> Flow[tuple[ShownInput, ...]]:
    """Return examples by their numbers at full size; nothing is stored, since there may be 100,000."""
    shown: dict[int, ShownInput] = {}
    look = {"side_px": LOOK_PX, "text_chars": LOOK_CHARS, "sounds": True}
    for part, items in _placed(workspace, facts, wanted):
        step = _examples_step(workspace, facts, part, variant, items, mark("Look at an example"), **look)
        if step is None:
            continue
        done = yield from dataclasses.replace(step, cache=False, keep_folder=True).run()
        try:
            for row in done.result.rows:
                names = (row.picture, row.mask_before, row.mask_after, row.sound)
                picture, before, after, sound = (_bytes(done.folder, name) for name in names)
                number = row.item + part.first_number
                shown[number] = ShownInput(row.model_copy(update={"item": number}), picture, (before, after), sound)
        finally:
            shutil.rmtree(done.folder, ignore_errors=True)
    return tuple(shown[number] for number in wanted if number in shown)


def _bytes(folder: Path, name: str | None) -> bytes:
    return (folder / name).read_bytes() if name else b""


def _placed(workspace: Workspace, facts: RunFacts, wanted: tuple[int, ...]) -> list[tuple[RunSection, tuple[int, ...]]]:
    """Return which items of which parts these numbers are."""
    placed = []
    for part in parts_of(workspace.artifacts, facts, facts.proof):
        first, end = part.first_number, part.first_number + part.n_test
        placed.append((part, tuple(number - first for number in wanted if first <= number < end)))
    return placed


def _examples(
    workspace: Workspace, facts: RunFacts, part: RunSection, variant: Variant, items: tuple[int, ...], title: str
) -> Flow[tuple[Example, ...]]:
    step = _examples_step(workspace, facts, part, variant, items, title)
    if step is None:
        return ()
    return with_paths((yield from step.run()))


def with_paths(done: StepResult[Rows[Example]]) -> tuple[Example, ...]:
    """Return the examples of a job with absolute paths of their pictures."""
    examples = []
    for row in done.result.rows:
        paths = {name: getattr(row, name) for name in PICTURES}
        absolute = {name: str(done.folder / path) for name, path in paths.items() if path is not None}
        examples.append(row.model_copy(update=absolute))
    return tuple(examples)


def _examples_step(
    workspace: Workspace,
    facts: RunFacts,
    part: RunSection,
    variant: Variant,
    items: tuple[int, ...],
    title: str,
    **look: Any,
) -> JobStep[Rows[Example]] | None:
    """Return the step for examples, None if none are wanted or one version lacks predictions (see `examples_step`)."""
    before_key, after_key = part.answers.get(facts.baseline.id), part.answers.get(variant.id)
    if not items or before_key is None or after_key is None:
        return None
    before, after = workspace.artifacts.folder(before_key), workspace.artifacts.folder(after_key)
    sources = part_sources(workspace, facts, part)
    return examples_step(facts, prediction_pair(part.data_dir, before, after, items), title, sources, **look)


def examples_step(
    facts: RunFacts, pair: PredictionPair, title: str, sources: Iterable[Path], **look: Any
) -> JobStep[Rows[Example]]:
    """Return the step that shows the items of a pair; `look` are further fields of `ExamplesParams`."""
    params = ExamplesParams(**pair.model_dump(exclude={"first_number"}), model_dir=str(facts.original_dir), **look)
    read_paths = (*folders_of([pair]), facts.original_dir, *sources)
    return JobStep("examples", params, Rows[Example], title, read_paths, cache=True)


def _existing(path: str | None) -> tuple[Path, ...]:
    return (from_text(path),) if path else ()


def answer_rows(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[StepResult[AnswerRowsResult] | None]:
    """Return all predictions as one table (see `AnswerRowsResult`), None if the version has none."""
    pairs: list[PredictionPair] = []
    for part in parts_of(workspace.artifacts, facts, facts.proof):
        keys = [part.answers.get(version_id) for version_id in (facts.baseline.id, variant.id)]
        kept = [workspace.artifacts.peek(key) for key in keys if key]
        folders = [entry.folder for entry in kept if entry is not None]
        if len(folders) < 2 or not (part.data_dir / "data.json").is_file():
            continue
        pairs.append(prediction_pair(part.data_dir, folders[0], folders[1], part.items, part.first_number))
    if not pairs:
        return None
    params, title = Rows[PredictionPair](rows=tuple(pairs)), mark("List all answers")
    step = JobStep("answer_rows", params, AnswerRowsResult, title, folders_of(pairs), cache=True)
    return (yield from step.run())


def examples_to_try(workspace: Workspace, facts: RunFacts, variant: Variant) -> Flow[tuple[Example, ...]]:
    """Return some changed examples of the first data, then some spread over all, as in `changed_examples`.

    A version without predictions has no known changes.
    """
    baseline, first = facts.baseline, parts_of(workspace.artifacts, facts, NOTHING_ADDED)[0]
    requested = variant if variant.answers_key else baseline
    kept = [workspace.artifacts.peek(key) for key in (baseline.answers_key, requested.answers_key) if key]
    count = min((int(entry.result["n"]) for entry in kept if entry is not None), default=0)
    if len(kept) < 2 or None in kept or not count:
        return ()
    counts = parts_of(workspace.artifacts, facts, facts.proof)[0].data_dir == facts.data_dir
    changed = variant.judgement.changed if variant.judgement is not None and counts else ()
    spread = range(0, count, max(1, count // MAX_TO_TRY))
    changed_here = [item for item in changed if item < count][: MAX_TO_TRY // 3]
    items = tuple(dict.fromkeys((*changed_here, *spread)))[:MAX_TO_TRY]
    found = yield from _examples(workspace, facts, first, requested, items, mark("Show examples to try"))
    return found


def part_sources(workspace: Workspace, facts: RunFacts, part: RunSection) -> tuple[Path, ...]:
    """Return the place of a part's examples."""
    return sources_of(workspace, facts) if part.data_dir == facts.data_dir else _existing(part.path)


def sources_of(workspace: Workspace, facts: RunFacts) -> tuple[Path, ...]:
    """Return the place of the run's examples from our own records; paths written by a worker are not trusted."""
    return _existing(data_params_of(workspace, facts).path)


def card_preview(facts: RunFacts, card: CardFacts, target: str) -> Flow[str]:
    """Return README.md as a bundle for this target will contain it."""
    done = yield from JobStep(
        "card",
        CardParams(target=target, model_dir=str(facts.original_dir), facts=card),
        ExportResult,
        "Write the model card",
        (facts.original_dir,),
    ).run()
    return done.result.card_text
