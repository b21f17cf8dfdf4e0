"""What the card says of load, from the record that the run keeps."""

from app.domain.cost import cost_per_million
from app.domain.variant import Variant
from app.services.after.loading.loading import best_per_s
from app.services.records.load import LoadRecords, Price, VersionLoad
from workers.contracts.after.load import CardLoad
from workers.contracts.wording import percent


def card_load(records: LoadRecords, price: Price | None, variant: Variant) -> CardLoad | None:
    """The newest record of this version beside the original; of the original itself any will do. None without one."""
    any_record = next(iter(records.records), None)
    record = records.of("") or any_record if variant.is_baseline else records.of(variant.id)
    if record is None:
        return None
    this = record.original if variant.is_baseline else record.variant
    if this is None:
        return None
    paired = record.paired if not variant.is_baseline else None
    return CardLoad(
        made_at=record.made_at.isoformat(timespec="seconds"),
        seconds=record.seconds,
        processor=record.processor,
        cores=record.cores,
        original=record.original.scenarios,
        this=this.scenarios,
        original_cold=record.original.cold,
        this_cold=this.cold,
        ratio=paired.ratio if paired is not None else None,
        ratio_low=paired.ratio_low if paired is not None else None,
        ratio_high=paired.ratio_high if paired is not None else None,
        n=paired.n if paired is not None else 0,
        original_cost=cost_of(record.original, price),
        this_cost=cost_of(this, price),
        currency=price.currency if price is not None else "",
        price_words=price_words(price) if price is not None else "",
        knee_batch=this.sweep.knee_batch if this.sweep is not None else None,
    )


def cost_of(load: VersionLoad, price: Price | None) -> float | None:
    """A million answers of the fastest way that is valid, in the price's currency; None without price or figure."""
    per_s = best_per_s(load)
    if price is None or per_s is None:
        return None
    return cost_per_million(price.per_hour, per_s, price.utilization)


def price_words(price: Price) -> str:
    """What was reckoned with, and where that comes from."""
    where = f", as {price.source} said" if price.source else ""
    on = f" on {price.date}" if price.date else ""
    return (
        f"{price.per_hour:g} {price.currency} an hour ({price.what or 'the price given'}{where}{on}), at work "
        f"{percent(price.utilization, 0)} of the time."
    )
