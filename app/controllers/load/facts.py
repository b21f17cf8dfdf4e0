"""The cards below the scenarios: batching, cache, cold start, energy, and what is expected at other sizes."""

from collections.abc import Callable

from app.controllers.words import tr
from app.domain.load_forecast import Forecast, larger_picture, more_cores, other_batch
from app.services.after.loading.loading import best_per_s
from app.services.after.loading.words import about as about_rate
from app.services.after.loading.words import capacity_words
from app.services.records.facts import RunFacts
from app.services.records.load import LoadRecord, VersionLoad
from widgets.pages.load.value import FactsValue
from widgets.parts.format import capitalized, count, memory, ms, percent
from workers.contracts.wording import percent_change

Pairs = list[tuple[str, str]]


def facts_of(facts: RunFacts, record: LoadRecord) -> tuple[FactsValue, ...]:
    """Only cards with something in them."""
    loads = [load for load in (record.original, record.variant) if load is not None]
    is_picture = facts.data is not None and facts.data.kind == "images"
    cards = [
        FactsValue(
            tr("Short and long prompts"),
            tr("The first word comes when the prompt was read; what was read stays in memory while it answers."),
            _pairs(loads, _prompts),
        ),
        FactsValue(
            tr("Requests gathered into batches"),
            tr("Worked out from how long batches take, then measured with the very same arrivals."),
            _pairs(loads, _batching),
        ),
        FactsValue(
            tr("Most requests within your limit"),
            tr("At random moments, at rates between which was bisected (LoadGen's Server scenario)."),
            _pairs(loads, lambda load: capitalized(capacity_words(load.capacity)) if load.capacity else ""),
        ),
        FactsValue(
            tr("Answers kept for inputs that come again"),
            tr("A quarter of the test inputs is kept; the k-th most wanted is asked for 1/k as often (Zipf)."),
            _pairs(loads, _cache),
        ),
        FactsValue(
            tr("Cold start"),
            tr("From the start of a process to its first answer, each time in a fresh one."),
            _pairs(loads, _cold),
        ),
        FactsValue(tr("Energy"), "", _pairs(loads, _energy)),
        FactsValue(
            tr("At other sizes"),
            tr("Worked out from the figures above; measure it to be sure."),
            _pairs(loads, lambda load: _forecasts(load, is_picture)),
            is_expected=True,
        ),
    ]
    return tuple(card for card in cards if card.pairs)


def _pairs(loads: list[VersionLoad], words: Callable[[VersionLoad], str]) -> tuple[tuple[str, str], ...]:
    return tuple((load.title, text) for load in loads if (text := words(load)))


def _prompts(load: VersionLoad) -> str:
    return "\n".join(
        tr("{0:,} tokens: the first after {1}, then {2} a second, {3} of memory, n {4}").format(
            point.prompt_tokens, ms(point.first_ms), count(point.tokens_per_s), memory(point.memory_bytes), point.n
        )
        for point in load.prompts
    )


def _batching(load: VersionLoad) -> str:
    serving = load.serving
    if serving is None:
        return ""
    found = serving.batching
    if found is None:
        return serving.why_no_batching
    measured = found.measured
    return tr(
        "{0} requests a second, up to {1} at once, waiting {2} at most: half answered within {3} (expected {4}, off by "
        "{5}), 90 % within {6} (expected {7}, off by {8}); {9:.1f} in a batch, n {10:,}."
    ).format(
        about_rate(found.rate_per_s),
        found.max_batch,
        ms(found.max_wait_ms),
        ms(measured.p50_ms),
        ms(found.expected_p50_ms),
        percent_change(found.error_p50),
        ms(measured.p90_ms),
        ms(found.expected_p90_ms),
        percent_change(found.error_p90),
        found.measured_mean_batch,
        found.n,
    )


def _cache(load: VersionLoad) -> str:
    found = load.cache
    if found is None:
        return ""
    return tr(
        "{0} of the requests were answered from {1:,} kept answers of {2:,} ({3} to {4}, n {5:,}; expected {6} by "
        "Che’s approximation): {7} answers a second instead of {8}."
    ).format(
        percent(found.hit_rate),
        found.capacity,
        found.items,
        percent(found.hit_rate_low),
        percent(found.hit_rate_high),
        found.n,
        percent(found.expected_hit_rate),
        about_rate(found.with_per_s),
        about_rate(found.without_per_s),
    )


def _cold(load: VersionLoad) -> str:
    if load.cold is None:
        return ""
    total, loading = sorted(load.cold.total_ms), sorted(load.cold.load_ms)
    middle = len(total) // 2
    return tr("half within {0}, {1} at most ({2} for loading the model), n {3}").format(
        ms(total[middle]), ms(total[-1]), ms(loading[middle]), len(total)
    )


def _energy(load: VersionLoad) -> str:
    found = next((result.energy for result in load.scenarios if result.energy is not None), None)
    if found is None:
        return ""
    if found.joules is None:
        return found.note
    if found.tokens:
        words = tr("{0:.3g} J for 1,000 tokens: {1:,.0f} J in {2:.0f} s for {3:,} tokens, prompts read as well ({4})")
        return words.format(1000 * found.joules / found.tokens, found.joules, found.seconds, found.tokens, found.source)
    return tr("{0:.3g} mJ an answer: {1:,.0f} J in {2:.0f} s for {3:,} answers ({4})").format(
        1000 * found.joules / found.answers, found.joules, found.seconds, found.answers, found.source
    )


def _forecasts(load: VersionLoad, is_picture: bool) -> str:
    sweep, found = load.sweep, list[Forecast | None]()
    if sweep is not None:
        points = [(point.batch, point.latency.p50_ms) for point in sweep.points]
        found.append(other_batch(points, 2 * points[-1][0]))
        if sweep.one_core is not None:
            one, all_cores = sweep.one_core.throughput_per_s, sweep.points[0].throughput_per_s
            found.append(more_cores(one, all_cores, sweep.threads, 2 * sweep.threads))
    per_s = best_per_s(load)
    if is_picture and per_s is not None:
        found.append(larger_picture(per_s))
    return "\n".join(
        tr("{0}: about {1} answers a second ({2}).").format(
            capitalized(one.what), about_rate(one.throughput_per_s), one.basis
        )
        for one in found
        if one is not None
    )
