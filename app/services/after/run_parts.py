"""List the data on which versions of a run are judged: its first data, and data added to prove it."""

from dataclasses import dataclass
from pathlib import Path

from app.services.flow.artifacts import ArtifactStore
from app.services.records.facts import RunFacts
from app.services.records.proofs import Proof


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
    found: list[RunSection] = []
    number, first = 0, facts.first_data
    if not (proof.parts and first is not None and first.origin == "made"):
        answers = {variant.id: variant.answers_key for variant in facts.variants if variant.answers_key}
        number = first.n_test if first is not None else 0
        found.append(RunSection(facts.data_dir, facts.project.data_path or "", None, number, 0, answers))
    for part in proof.parts:
        folder = artifacts.folder(part.data_key) / "data"
        found.append(RunSection(folder, part.path, part.items, part.n_test, number, part.answers))
        number += part.n_test
    return tuple(found)
