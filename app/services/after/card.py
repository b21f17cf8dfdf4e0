"""Compute the statements of a model card about speed and load from the run's records."""

import math
from collections.abc import Mapping

from app.domain.choose import Objective, is_gain
from app.domain.cost import cost_per_million
from app.domain.variant import Variant
from app.services.after.loading import best_per_s
from app.services.records.after_run import LoadRecord, Price
from workers.contracts.after.load import CardLoad, VersionLoad
from workers.contracts.bundles import SpeedFacts
from workers.contracts.translation import _
from workers.contracts.wording import percent


def card_load(records: Mapping[str, LoadRecord], price: Price | None, variant: Variant) -> CardLoad | None:
    """Return the newest load of this version, None without a record; for the original any record serves."""
    any_record = next(iter(records.values()), None) if variant.is_baseline else None
    record = records.get(variant.id, any_record)
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
    text = _("{0}, as {1} said") if price.source else _("{0} on {2}") if price.date else _("{0}")
    if price.source and price.date:
        text = _("{0}, as {1} said on {2}")
    source = text.format(_(price.what) or _("the price given"), price.source, price.date)
    return _("{0:g} {1} an hour ({2}), at work {3} of the time.").format(
        price.per_hour, price.currency, source, percent(price.utilization, 0)
    )


def speed_facts(variant: Variant, objective: Objective) -> SpeedFacts:
    """Return how certain the speed of a version is, in agreement with the pages."""
    measured = variant.measurement
    if variant.is_baseline or not measured.n:
        return SpeedFacts()
    if not variant.is_side_by_side:
        return SpeedFacts(state="first_look")
    if not measured.under_load:
        return SpeedFacts()
    if not is_gain(variant, objective) or measured.agreed_low is None:
        return SpeedFacts(state="not_settled")
    return SpeedFacts(state="at_least", at_least=math.floor(100 * measured.agreed_low) / 100)
