"""Put a GPU's figures of a version, and remarks about its times, into words."""

from collections.abc import Iterable

from app.domain.choose import is_regressed
from app.domain.variant import Variant
from app.domain.words.results import times
from workers.contracts.gpu import slow_down_words
from workers.contracts.measured.card_figures import CardFigures, CardNote
from workers.contracts.runtimes import needs_gpu
from workers.contracts.wording import in_ms, percent, percent_of

ELSEWHERE = "For NVIDIA cards, and there is none here: not measured here"
"""Shown for a version that was made for a GPU on a computer without one."""

SURELY_SLOWER = 0.2
"""Relative difference from which figures of different times count, as a share."""


def note_words(note: CardNote) -> str:
    """Return the note as one sentence."""
    value = note.value or 0.0
    if note.code == "launch_bound":
        return (
            "The card waits for the processor (launch-bound): handing a request over takes "
            f"{percent_of(100 * value, 0)} of the time of computing it, so a faster card would gain little; CUDA "
            "graphs or larger batches help."
        )
    if note.code in ("input_bound", "output_bound"):
        what = "inputs to the card" if note.code == "input_bound" else "answers back from the card"
        return f"Copying {what} takes {times(value)} times as long as computing (transfer-bound)."
    if note.code == "unstable":
        return f"The card's times vary by {percent(value)} from request to request (coefficient of variation)."
    if note.code == "throttled":
        return f"The card slowed itself down meanwhile (throttled): {slow_down_words(note.reasons)}."
    return f"Another program used up to {percent(value, 0)} of the card meanwhile, so it can be faster than this."


def processor_wins(variants: Iterable[Variant]) -> str:
    """Return a sentence if the GPU's fastest version is slower than the processor's, else "".

    It must be slower by more than `SURELY_SLOWER`, both must be measured, and regressed versions do not count. First
    measurements suffice, because slow versions are not measured side by side afterwards.
    """
    fastest: dict[bool, float] = {}
    for variant in variants:
        ms = variant.measurement.latency_p50_ms
        if ms is not None and not is_regressed(variant):
            on_card = needs_gpu(variant.runtime)
            fastest[on_card] = min(ms, fastest.get(on_card, ms))
    if len(fastest) < 2 or fastest[True] < (1 + SURELY_SLOWER) * fastest[False]:
        return ""
    return (
        f"For this model the graphics card is slower than this processor: {in_ms(fastest[True])} at best, and "
        f"{in_ms(fastest[False])} there. The processor is the better choice."
    )


def figures_words(figures: CardFigures) -> str:
    """Return one line for the command line with both latencies, throughput and energy, as far as measured."""
    parts = [f"{in_ms(figures.latency.p50_ms)} with copying, {in_ms(figures.compute.p50_ms)} computing alone"]
    if figures.throughput_per_s is not None:
        parts.append(f"{_plain(figures.throughput_per_s)} answers/s with {figures.streams} at once{_others(figures)}")
    if figures.energy is not None:
        parts.append(f"{_plain(figures.energy.per_request_mj)} mJ an answer")
    return f"on {figures.card}: {', '.join(parts)}"


def _others(figures: CardFigures) -> str:
    """Return the throughput at other numbers of simultaneous requests in brackets, "" if none was tried."""
    rest = [one for one in figures.tried if one.streams != figures.streams]
    report = ", ".join(f"{_plain(one.throughput_per_s)} with {one.streams}" for one in rest)
    return f" ({report})" if report else ""


def _plain(value: float) -> str:
    """Return a number with three significant digits, or all digits before the decimal point."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}"
