"""Store examples that were added to a finished run to prove it, separately from its first data."""

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from workers.contracts.base import Frozen
from workers.contracts.jobs import DataResult


class AddedPart(Frozen):
    """Data that were read for a finished run; only the new `items` count.

    `known` counts items that existed already. `answers` maps a version's id to the key of its predictions.
    """

    data_key: str
    path: str
    items: tuple[int, ...]
    known: int
    n_test: int
    labelled: bool
    answers: dict[str, str]


class Proof(Frozen):
    """All parts that were added to a run, in order.

    `looks` is what version 0.1.0 stored of its verdicts; they are now counted by item (`looks.TestSetUsage`).
    """

    parts: tuple[AddedPart, ...] = ()
    looks: dict[str, tuple[int, ...]] = {}

    @property
    def added(self) -> int:
        """Return the number of added examples that count."""
        return sum(len(part.items) for part in self.parts)

    @property
    def known(self) -> int:
        """Return the number of examples left out because they existed already."""
        return sum(part.known for part in self.parts)


PROOF = RecordKind("proof", Owner.RUN, Proof)


def read_proof(repositories: Repositories, run_id: str) -> Proof:
    """Return what was added to this run."""
    return repositories.records.get(PROOF, run_id) or Proof()


def write_proof(repositories: Repositories, run_id: str, proof: Proof) -> None:
    """Store the added parts in place of the earlier record."""
    repositories.records.put(PROOF, run_id, proof)


def data_with(data: DataResult | None, proof: Proof) -> DataResult | None:
    """Return the data that a run was judged on, with the added parts."""
    if data is None or not proof.parts:
        return data
    first = 0 if data.origin == "made" else data.n_test
    labelled = any(part.labelled for part in proof.parts) or (data.labelled and data.origin == "person")
    changes = {"origin": "person", "n_test": first + proof.added, "labelled": labelled}
    return data.model_copy(update=changes)
