"""Store measurements under load beside their version, and the person's price."""

from datetime import datetime

from pydantic import Field

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from workers.contracts.after.load import Paired, VersionLoad
from workers.contracts.base import Frozen

PRICE_KEY = "load-price"


class LoadRecord(Frozen):
    """One measurement under load; `variant` is None if only the original was measured.

    `seconds` is the time of each part.
    """

    run_id: str
    seconds: float
    made_at: datetime
    processor: str
    cores: int
    original: VersionLoad
    variant: VersionLoad | None = None
    paired: Paired | None = None
    round: int = 0


LOAD = RecordKind("load", Owner.VARIANT, LoadRecord)
"""Kind of the records, stored beside the version, or beside the original if only that was measured."""


class Price(Frozen):
    """Price of an hour of the computer, from the person or an example; `utilization` is a share from 0 to 1."""

    per_hour: float = Field(gt=0, le=1e6)
    currency: str = Field(default="USD", min_length=1, max_length=8)
    what: str = Field(default="", max_length=200)
    source: str = Field(default="", max_length=300)
    date: str = Field(default="", max_length=20)
    utilization: float = Field(default=0.5, gt=0, le=1)


class LoadRecords(Frozen):
    """The newest record of each version of a run."""

    records: tuple[LoadRecord, ...] = ()

    def of(self, variant_id: str) -> LoadRecord | None:
        """Return the record of this version beside the original ("": of the original alone), None without one."""
        return next((kept for kept in self.records if _variant_of(kept) == variant_id), None)


def read_load(repositories: Repositories, run_id: str) -> LoadRecords:
    """Return the records of a run's versions, newest first."""
    found = repositories.records.by_owner(LOAD, repositories.variants.ids(run_id))
    return LoadRecords(records=tuple(found.values()))


def write_load(repositories: Repositories, record: LoadRecord) -> None:
    """Store a record in place of the version's earlier one."""
    repositories.records.put(LOAD, _variant_of(record) or record.original.variant_id, record)


def read_price(repositories: Repositories) -> Price | None:
    """Return the person's price, None if there is none yet."""
    return repositories.settings.read(PRICE_KEY, Price)


def write_price(repositories: Repositories, price: Price | None) -> None:
    """Store the price for all runs; None removes it."""
    if price is None:
        repositories.settings.delete(PRICE_KEY)
    else:
        repositories.settings.put(PRICE_KEY, price.model_dump(mode="json"))


def _variant_of(record: LoadRecord) -> str:
    return record.variant.variant_id if record.variant is not None else ""
