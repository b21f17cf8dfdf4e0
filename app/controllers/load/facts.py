"""Format the cards below the curves: prompts, latency limit, cold start and energy."""

from collections.abc import Callable

from app.services.after.loading.words import capacity_words
from app.services.records.load import LoadRecord
from widgets.pages.load.value import Facts
from widgets.parts.format import capitalized, count, memory, ms
from workers.contracts.after.load import VersionLoad
from workers.contracts.translation import _

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
    return tuple((load.title, text) for load in loads if (text := words(load)))


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
        return found.note
    if found.tokens:
        words = _("{0:.3g} J for 1,000 tokens: {1:,.0f} J in {2:.0f} s for {3:,} tokens, prompts read as well ({4})")
        return words.format(1000 * found.joules / found.tokens, found.joules, found.seconds, found.tokens, found.source)
    return _("{0:.3g} mJ an answer: {1:,.0f} J in {2:.0f} s for {3:,} answers ({4})").format(
        1000 * found.joules / found.answers, found.joules, found.seconds, found.answers, found.source
    )
