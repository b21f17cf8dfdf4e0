"""What the versions of a run are judged on: its first data, and what was added to prove it."""

from dataclasses import dataclass
from pathlib import Path

from app.services.flow.artifacts import ArtifactStore
from app.services.records.facts import RunFacts
from app.services.records.proofs import Proof


@dataclass(frozen=True)
class Part:
    """Examples of one data folder. `items` None: all of them. `path` is where the person's files lie, "" if unknown.

    `answers` maps a version's id to the key of its answers. `first_number` is the number of the first item if all items
    of all parts are counted on, as `Judgement.changed` does.
    """

    data_dir: Path
    path: str
    items: tuple[int, ...] | None
    n_test: int
    first_number: int
    answers: dict[str, str]


def parts_of(artifacts: ArtifactStore, facts: RunFacts, proof: Proof) -> tuple[Part, ...]:
    """In their order. Inputs that Fettle made do not count any more once there are others."""
    found: list[Part] = []
    number, first = 0, facts.first_data
    if not (proof.parts and first is not None and first.origin == "made"):
        answers = {variant.id: variant.answers_key for variant in facts.variants if variant.answers_key}
        number = first.n_test if first is not None else 0
        found.append(Part(facts.data_dir, facts.project.data_path or "", None, number, 0, answers))
    for part in proof.parts:
        folder = artifacts.folder(part.data_key) / "data"
        found.append(Part(folder, part.path, part.items, part.n_test, number, part.answers))
        number += part.n_test
    return tuple(found)
