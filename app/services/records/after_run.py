"""Store additions to a finished run: more examples, findings under stress, measurements under load."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from pydantic import Field, ValidationError

from app.domain.record import Moment, Owner, RecordKind
from app.persistence import Repositories
from app.services.flow.artifacts import ArtifactStore
from workers.contracts.after.load import Paired, VersionLoad
from workers.contracts.after.phone import BrowserFigures
from workers.contracts.after.stress import StressResult
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


class StressRecord(Frozen):
    """The key of the newest findings, and how often a repetition was requested."""

    key: str
    again: int = 0


STRESS = RecordKind("stress", Owner.VARIANT, StressRecord)


def read_record(repositories: Repositories, variant_id: str) -> StressRecord | None:
    """Return the record, None if the version was never put under stress."""
    return repositories.records.get(STRESS, variant_id)


def save_stress(repositories: Repositories, variant_id: str, key: str, again: int) -> None:
    """Store the newest findings about a version in place of earlier ones."""
    repositories.records.put(STRESS, variant_id, StressRecord(key=key, again=again))


def read_stress(
    repositories: Repositories, artifacts: ArtifactStore, variant_ids: Iterable[str]
) -> Mapping[str, StressResult]:
    """Return findings by version id, as far as the store still holds them."""
    findings = {}
    for variant_id, record in repositories.records.by_owner(STRESS, variant_ids).items():
        entry = artifacts.peek(record.key)
        if entry is not None:
            try:
                findings[variant_id] = StressResult.model_validate(entry.result)
            except ValidationError:  # written by another program version
                continue
    return findings


class PhoneFigures(Frozen):
    """Figures of one browser, with the time of the measurement."""

    figures: BrowserFigures
    made_at: Moment


class PhoneRecord(Frozen):
    """Figures of a version in the browsers that measured it, the newest first; one for each name of a browser."""

    rows: tuple[PhoneFigures, ...] = ()


PHONE = RecordKind("phone", Owner.VARIANT, PhoneRecord)
MOST_PHONES = 5


def add_phone(repositories: Repositories, variant_id: str, figures: BrowserFigures) -> None:
    """Store what a browser measured in place of its earlier figures."""
    known = repositories.records.get(PHONE, variant_id) or PhoneRecord()
    others = tuple(row for row in known.rows if row.figures.browser != figures.browser)
    rows = (PhoneFigures(figures=figures, made_at=datetime.now(UTC)), *others)[:MOST_PHONES]
    repositories.records.put(PHONE, variant_id, PhoneRecord(rows=rows))


PRICE_KEY = "load-price"


class LoadRecord(Frozen):
    """One measurement under load; `variant` is None if only the original was measured.

    `seconds` is the time of each part.
    """

    run_id: str
    seconds: float
    made_at: Moment
    processor: str
    cores: int
    original: VersionLoad
    variant: VersionLoad | None = None
    paired: Paired | None = None
    round: int = 0


LOAD = RecordKind("load", Owner.VARIANT, LoadRecord)
"""Kind of the records, which belong to the version, or to the original if only that was measured."""


class Price(Frozen):
    """Price of an hour of the computer, from the person or an example; `utilization` is a share from 0 to 1."""

    per_hour: float = Field(gt=0, le=1e6)
    currency: str = Field(default="USD", min_length=1, max_length=8)
    what: str = Field(default="", max_length=200)
    source: str = Field(default="", max_length=300)
    date: str = Field(default="", max_length=20)
    utilization: float = Field(default=0.5, gt=0, le=1)


def read_load(repositories: Repositories, run_id: str) -> dict[str, LoadRecord]:
    """Return the newest record of each version, newest first; that of the original is of it alone."""
    return repositories.records.by_owner(LOAD, repositories.variants.ids(run_id))


def write_load(repositories: Repositories, record: LoadRecord) -> None:
    """Store a record in place of the version's earlier one."""
    repositories.records.put(LOAD, (record.variant or record.original).variant_id, record)


def read_price(repositories: Repositories) -> Price | None:
    """Return the person's price, None if there is none yet."""
    return repositories.settings.read(PRICE_KEY, Price)


def write_price(repositories: Repositories, price: Price | None) -> None:
    """Store the price for all runs; None removes it."""
    if price is None:
        repositories.settings.delete(PRICE_KEY)
    else:
        repositories.settings.put(PRICE_KEY, price.model_dump(mode="json"))
