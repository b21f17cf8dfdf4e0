"""Put a GPU's figures of a version, and remarks about its times, into words."""

from collections.abc import Iterable

from app.domain.choose import is_regressed
from app.domain.variant import Variant
from app.domain.words.results import times
from workers.contracts.gpu import slow_down_words
from workers.contracts.measured.card_figures import CardFigures, CardNote
from workers.contracts.runtimes import needs_gpu
from workers.contracts.translation import _, joined, localized, mark
from workers.contracts.wording import in_ms, percent, percent_of

ELSEWHERE = mark("For NVIDIA cards, and there is none here: not measured here")
"""Shown for a version that was made for a GPU on a computer without one."""

SURELY_SLOWER = 0.2
"""Relative difference from which figures of different times count, as a share."""


def note_words(note: CardNote) -> str:
    """Return the note as one sentence."""
    value = note.value or 0.0
    if note.code == "launch_bound":
        return _(
            "The card waits for the processor (launch-bound): handing a request over takes {0} of the time of computing"
            " it, so a faster card would gain little; CUDA graphs or larger batches help."
        ).format(percent_of(100 * value, 0))
    if note.code in ("input_bound", "output_bound"):
        there = _("Copying inputs to the card takes {0} times as long as computing (transfer-bound).")
        back = _("Copying answers back from the card takes {0} times as long as computing (transfer-bound).")
        return (there if note.code == "input_bound" else back).format(times(value))
    if note.code == "unstable":
        return _("The card's times vary by {0} from request to request (coefficient of variation).").format(
            percent(value)
        )
    if note.code == "throttled":
        return _("The card slowed itself down meanwhile (throttled): {0}.").format(slow_down_words(note.reasons))
    return _("Another program used up to {0} of the card meanwhile, so it can be faster than this.").format(
        percent(value, 0)
    )


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
    return _(
        "For this model the graphics card is slower than this processor: {0} at best, and {1} there. The processor is"
        " the better choice."
    ).format(in_ms(fastest[True]), in_ms(fastest[False]))


def figures_words(figures: CardFigures) -> str:
    """Return one line for the command line with both latencies, throughput and energy, as far as measured."""
    parts = [
        _("{0} with copying, {1} computing alone").format(in_ms(figures.latency.p50_ms), in_ms(figures.compute.p50_ms))
    ]
    if figures.throughput_per_s is not None:
        parts.append(
            _("{0} answers/s with {1} at once{2}").format(
                _plain(figures.throughput_per_s), figures.streams, _others(figures)
            )
        )
    if figures.energy is not None:
        parts.append(_("{0} mJ an answer").format(_plain(figures.energy.per_request_mj)))
    return _("on {0}: {1}").format(figures.card, joined(parts, ", "))


def _others(figures: CardFigures) -> str:
    """Return the throughput at other numbers of simultaneous requests in brackets, "" if none was tried."""
    rest = [one for one in figures.tried if one.streams != figures.streams]
    report = joined((_("{0} with {1}").format(_plain(one.throughput_per_s), one.streams) for one in rest), ", ")
    return _(" ({0})").format(report) if report else ""


def _plain(value: float) -> str:
    """Return a number with three significant digits, or all digits before the decimal point."""
    return localized(value, ",.0f" if value >= 99.95 else ".3g")
