"""Return what the model card says about load, from the run's records."""

from app.domain.cost import cost_per_million
from app.domain.variant import Variant
from app.services.after.loading.loading import best_per_s
from app.services.records.load import LoadRecords, Price
from workers.contracts.after.load import CardLoad, VersionLoad
from workers.contracts.wording import percent


def card_load(records: LoadRecords, price: Price | None, variant: Variant) -> CardLoad | None:
    """Return the newest load of this version, None without a record; for the original any record serves."""
    any_record = next(iter(records.records), None)
    record = records.of("") or any_record if variant.is_baseline else records.of(variant.id)
    if record is None:
        return None
    this = record.original if variant.is_baseline else record.variant
    if this is None:
        return None
    return CardLoad(
        made_at=record.made_at.isoformat(timespec="seconds"),
        seconds=record.seconds,
        processor=record.processor,
        cores=record.cores,
        original=record.original,
        this=this,
        paired=None if variant.is_baseline else record.paired,
        original_cost=cost_of(record.original, price),
        this_cost=cost_of(this, price),
        currency=price.currency if price is not None else "",
        price_words=price_words(price) if price is not None else "",
    )


def cost_of(load: VersionLoad, price: Price | None) -> float | None:
    """Return the cost of a million answers at the best batch size; None without a price or a figure."""
    per_s = best_per_s(load)
    if price is None or per_s is None:
        return None
    return cost_per_million(price.per_hour, per_s, price.utilization)


def price_words(price: Price) -> str:
    """Return the price in words, with its source."""
    where = f", as {price.source} said" if price.source else ""
    on = f" on {price.date}" if price.date else ""
    return (
        f"{price.per_hour:g} {price.currency} an hour ({price.what or 'the price given'}{where}{on}), at work "
        f"{percent(price.utilization, 0)} of the time."
    )
