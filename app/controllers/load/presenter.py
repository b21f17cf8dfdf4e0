"""Format a load record as texts, rows and curves; every figure has its count and interval."""

from collections.abc import Callable, Sequence

from app.domain.words.results import times
from app.services.after.card import cost_of, price_words
from app.services.after.loading import PRESETS_S, best_per_s, busy_words, capacity_words, headline, stages
from app.services.after.loading import about as about_rate
from app.services.records.after_run import LoadRecord, Price
from app.services.records.facts import RunFacts
from presets.prices import ExamplePrice
from widgets.pages.load.value import Facts, LoadFormValue, LoadValue, PriceValue
from widgets.parts.format import about, count, memory, moment, ms
from widgets.parts.format import seconds as seconds_words
from widgets.plots.curve_plot import Curve
from widgets.plots.point_plot import PlotPoint
from workers.contracts.after.load import VersionLoad
from workers.contracts.translation import _, joined, localized, ngettext
from workers.contracts.wording import capitalized

Pairs = list[tuple[str, str]]


def facts_of(record: LoadRecord) -> tuple[Facts, ...]:
    """Return the cards that have something in them."""
    loads = [load for load in (record.original, record.variant) if load is not None]
    cards: list[Facts] = [
        (
            _("Short and long prompts"),
            _("The first word comes after the prompt was read. The prompt stays in memory during the answer."),
            _pairs(loads, _prompts),
        ),
        (
            _("Most requests within your limit"),
            _("At random moments, found by bisection. Measured with MLCommons LoadGen; not an MLPerf result."),
            _pairs(loads, lambda load: capitalized(capacity_words(load.capacity)) if load.capacity else ""),
        ),
        (
            _("Cold start"),
            _("From the start of a process to its first answer, each time in a fresh one."),
            _pairs(loads, _cold),
        ),
        (_("Energy"), "", _pairs(loads, _energy)),
    ]
    return tuple(card for card in cards if card[2])


def _pairs(loads: list[VersionLoad], words: Callable[[VersionLoad], str]) -> tuple[tuple[str, str], ...]:
    return tuple((_(load.title), text) for load in loads if (text := words(load)))


def _prompts(load: VersionLoad) -> str:
    return "\n".join(
        _("{0:,} tokens: the first after {1}, then {2} a second, {3} of memory, n {4}").format(
            point.prompt_tokens, ms(point.first_ms), count(point.tokens_per_s), memory(point.memory_bytes), point.n
        )
        for point in load.prompts
    )


def _cold(load: VersionLoad) -> str:
    if load.cold is None:
        return ""
    total, loading = sorted(load.cold.total_ms), sorted(load.cold.load_ms)
    middle = len(total) // 2
    return _("half within {0}, {1} at most ({2} for loading the model), n {3}").format(
        ms(total[middle]), ms(total[-1]), ms(loading[middle]), len(total)
    )


def _energy(load: VersionLoad) -> str:
    found = load.sweep.energy if load.sweep is not None else None
    if found is None:
        return ""
    if found.joules is None:
        return _(found.note)
    source = _(found.source)
    if found.tokens:
        words = _("{0:.3g} J for 1,000 tokens: {1:,.0f} J in {2:.0f} s for {3:,} tokens, prompts read as well ({4})")
        return words.format(1000 * found.joules / found.tokens, found.joules, found.seconds, found.tokens, source)
    return _("{0:.3g} mJ an answer: {1:,.0f} J in {2:.0f} s for {3:,} answers ({4})").format(
        1000 * found.joules / found.answers, found.joules, found.seconds, found.answers, source
    )


HOUR_S = 3600


def ask_value(facts: RunFacts, record: LoadRecord | None) -> LoadFormValue:
    """Return the form, with the recommended version first and selected."""
    versions = facts.made
    chosen = versions[0] if versions else None
    presets = []
    for seconds in PRESETS_S:
        total_s = sum(stage.expected_s for stage in stages(facts, chosen, seconds))
        duration = about(total_s) if total_s < HOUR_S else _("about {0}").format(seconds_words(total_s))
        presets.append((seconds, _("{0} in all").format(capitalized(duration))))
    return LoadFormValue(
        versions=tuple((variant.id, _(variant.title)) for variant in versions),
        chosen=chosen.id if chosen is not None else "",
        times=tuple(presets),
        can_go_back=record is not None,
        limit_ms=limit_of(record) if record is not None else None,
    )


def load_value(record: LoadRecord, price: Price | None, examples: Sequence[ExamplePrice]) -> LoadValue:
    """Return all contents of the record."""
    versions = versions_in(record)
    subtitle = _("{0:g} s for each part on {1}, {2} cores, {3}.").format(
        record.seconds, record.processor, record.cores, moment(record.made_at)
    )
    return LoadValue(
        headline=headline(record).rstrip("."),
        subtitle=subtitle,
        figures=_figures(record),
        throughput=tuple(curve for load, number in versions if (curve := _sweep(load, number)).points),
        latency=tuple(curve for load, number in versions if (curve := _rates(load, number)).points),
        facts=facts_of(record),
        price=price_value(record, price, examples),
        note=joined([busy_words(record), *_missing(record)]),
    )


def limit_of(record: LoadRecord) -> float | None:
    """Return the requested latency limit in milliseconds; None if there was none."""
    found = (load.capacity for load, _unused in versions_in(record))
    return next((one.limit_ms for one in found if one is not None), None)


def versions_in(record: LoadRecord) -> list[tuple[VersionLoad, int]]:
    """Return the versions with their color numbers, the original first."""
    return [(record.original, 0)] + ([(record.variant, 1)] if record.variant is not None else [])


def _figures(record: LoadRecord) -> tuple[tuple[str, str, str], ...]:
    paired, found = record.paired, []
    if paired is not None and record.variant is not None:
        interval = ""
        if paired.ratio_low is not None and paired.ratio_high is not None:
            interval = _("{0:.2f} to {1:.2f} (95 % each); ").format(paired.ratio_low, paired.ratio_high)
        how = ngettext(
            "{0}in turn, n {1:,} each, in {2} set of processes.",
            "{0}in turn, n {1:,} each, in {2} sets of processes.",
            paired.sets,
        ).format(interval, paired.n, paired.sets)
        found.append((f"{times(paired.ratio)} ×", _("as many answers"), how))
        batches = _("Answers, in batches of {0}; the original {1} in batches of {2}.").format(
            paired.variant_batch, about_rate(paired.original_per_s), paired.original_batch
        )
        found.append((about_rate(paired.variant_per_s), _("a second"), batches))
    else:
        per_s = best_per_s(record.original)
        if per_s is not None:
            found.append((about_rate(per_s), _("a second"), _("Answers, with the best batch size.")))
    cold = (record.variant or record.original).cold
    if cold is not None:
        times_s = sorted(value / 1000 for value in cold.total_ms)
        how = ngettext(
            "From the start of a process to its first answer; {0} start, {1:.2f} s.",
            "From the start of a process to its first answer; {0} starts, {1:.2f} s at most.",
            len(times_s),
        )
        median_s = localized(times_s[len(times_s) // 2], ".2f")
        found.append((_("{0} s").format(median_s), _("cold start"), how.format(len(times_s), times_s[-1])))
    return tuple(found)


def _sweep(load: VersionLoad, number: int) -> Curve:
    points = []
    for point in load.sweep.points if load.sweep is not None else ():
        tip = _("batch {0}: {1} a second{2}, n {3:,}").format(
            point.batch,
            about_rate(point.throughput_per_s),
            _between(point.throughput_low, point.throughput_high),
            point.n,
        )
        is_knee = load.sweep is not None and point.batch == load.sweep.knee_batch
        points.append(
            PlotPoint(
                point.batch, point.throughput_per_s, tip, point.throughput_low, point.throughput_high, is_marked=is_knee
            )
        )
    return Curve(_(load.title), number, tuple(points))


def _rates(load: VersionLoad, number: int) -> Curve:
    points = []
    for point in load.serving.alone if load.serving is not None else ():
        latency = point.latency
        tip = _("{0} a second: half within {1}, 90 % within {2}, n {3:,}").format(
            about_rate(point.rate_per_s), ms(latency.p50_ms), ms(latency.p90_ms), latency.n
        )
        points.append(PlotPoint(point.rate_per_s, latency.p50_ms, tip, latency.p50_low_ms, latency.p50_high_ms))
    return Curve(_(load.title), number, tuple(points))


def _between(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else _(" ({0} to {1})").format(about_rate(low), about_rate(high))


def _missing(record: LoadRecord) -> list[str]:
    return [
        _("Not measured of “{0}”: {1}").format(_(load.title), text)
        for load, _unused in versions_in(record)
        for text in load.missing
    ]


def price_value(record: LoadRecord, price: Price | None, examples: Sequence[ExamplePrice]) -> PriceValue:
    """Return the cost of a million predictions at the user's price; no costs without a price."""
    costs = []
    for load, _unused in versions_in(record):
        cost = cost_of(load, price)
        if cost is not None and price is not None:
            costs.append((_(load.title), f"{localized(cost, ',.2f' if cost >= 1 else '.3g')} {price.currency}"))
    message = _("Nothing is assumed: enter your price, or start from an example.")
    if price is not None:
        message = _("{0} Calculated from measurements on this computer; other computers differ.")
        message = message.format(price_words(price))
    return PriceValue(
        per_hour=price.per_hour if price is not None else None,
        currency=price.currency if price is not None else "USD",
        utilization_pct=100 * price.utilization if price is not None else 50.0,
        message=message,
        costs=tuple(costs),
        examples=tuple((one.id, f"{one.title}: {localized(one.per_hour, 'g')} {one.currency}") for one in examples),
    )
