"""Examples that were added to a finished run to prove it: kept beside the run, never mixed into its first data."""

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from workers.contracts.base import Frozen
from workers.contracts.jobs import DataResult


class AddedPart(Frozen):
    """Data that were read for a run that was finished; only `items`, which were new, count.

    `known` is how many others were there already. `answers` maps a version's id to the key of its answers.
    """

    data_key: str
    path: str
    items: tuple[int, ...]
    known: int
    n_test: int
    labelled: bool
    answers: dict[str, str]


class Proof(Frozen):
    """All that was added, in the order in which it came.

    `looks` is what version 0.1.0 kept of its verdicts; they are counted by item now (`looks.LookBook`).
    """

    parts: tuple[AddedPart, ...] = ()
    looks: dict[str, tuple[int, ...]] = {}

    @property
    def added(self) -> int:
        """Examples that count."""
        return sum(len(part.items) for part in self.parts)

    @property
    def known(self) -> int:
        """Examples that were left out since they were there already."""
        return sum(part.known for part in self.parts)


PROOF = RecordKind("proof", Owner.RUN, Proof)


def read_proof(repositories: Repositories, run_id: str) -> Proof:
    """What was added to this run."""
    return repositories.records.get(PROOF, run_id) or Proof()


def write_proof(repositories: Repositories, run_id: str, proof: Proof) -> None:
    """Keep it in place of what was there."""
    repositories.records.put(PROOF, run_id, proof)


def data_with(data: DataResult | None, proof: Proof) -> DataResult | None:
    """What a run was judged on, with what was added."""
    if data is None or not proof.parts:
        return data
    first = 0 if data.origin == "made" else data.n_test
    labelled = any(part.labelled for part in proof.parts) or (data.labelled and data.origin == "person")
    changes = {"origin": "person", "n_test": first + proof.added, "labelled": labelled}
    return data.model_copy(update=changes)
