"""Compute the figures of a version from a measurement, and the notes that belong to them."""

import dataclasses
import math
from collections.abc import Sequence
from statistics import median

from app.domain.variant import Measurement, Variant
from app.domain.words.results import busy_words, earlier_words
from app.services.flow.measuring import busy_share
from app.services.flow.steps import Measured
from workers.contracts.jobs import AnswerResult, MeasureResult, SpeedSummary
from workers.contracts.wording import in_ms

LEAST_ANSWER_S = 1.0
"""Least seconds of predictions from which on their speed is compared."""


def original_times(summary: SpeedSummary | None, shown: Variant | None = None) -> tuple[float, float] | None:
    """Return the original's mean request time in milliseconds in the rounds of a version, and the displayed one.

    `summary` covers the rounds that the version took part in. `shown` is the original with its displayed figures, which
    cover all rounds.
    """
    mean_ms = summary.latency.mean_ms if summary is not None else None
    if mean_ms is None:
        return None
    shown_ms = shown.measurement.latency_mean_ms if shown is not None else None
    return mean_ms, shown_ms or mean_ms


def with_figures(
    variant: Variant,
    measured: Measured,
    index: int,
    summary: SpeedSummary | None,
    *,
    interleaved: bool,
    anew: bool,
    original_ms: tuple[float, float] | None = None,
) -> Variant:
    """Return the version with the figures of variant `index`.

    Args:
        variant: The version as it is recorded.
        measured: The measurement.
        index: Position of the version in `measured`.
        summary: Its figures; None is an error.
        interleaved: Whether several sets were measured side by side, which gives bounds.
        anew: False if the figures come from an earlier run, which is then noted.
        original_ms: Times of the original in the same measurement (see `original_times`); the speedup is then the
            ratio of the two displayed mean times.
    """
    if summary is None:
        raise RuntimeError("a variant that was measured has no summary")
    if original_ms is not None:
        summary = _in_shown_times(summary, *original_ms)
    results = measured.results[index]
    sets = len(measured.latencies_ms[index])
    own = busy_share(measured.loads[index : index + 1])
    busy = measured.busy_share if own is None else own
    measurement = measurement_of(summary, results, sets, busy, interleaved)
    measurement = dataclasses.replace(measurement, taken_at=None if anew else measured.measured_at)
    if measurement.peak_memory_bytes is None:  # a stopped last set has no memory figure: keep the first one
        before = variant.measurement
        measurement = dataclasses.replace(
            measurement, peak_memory_bytes=before.peak_memory_bytes, load_ms=before.load_ms
        )
    fallbacks = tuple(dict.fromkeys(text for result in results for text in result.fallbacks))
    return dataclasses.replace(
        variant,
        state="confirmed" if interleaved else "measured",
        measurement=measurement,
        notes=_notes(variant, (*fallbacks, busy_words(measurement), earlier_words(measurement))),
    )


def _in_shown_times(summary: SpeedSummary, original_ms: float, shown_ms: float) -> SpeedSummary:
    """Scale the figures to the time scale of the displayed original.

    Rounds happen at different times, and a slower version gets fewer requests into a block. A version's mean time is
    therefore the original's over all rounds, divided by the speedup over the same requests of the same rounds. Under
    load the speedup is the lowest of all comparisons and matches no pair of wall times, so times then stay as measured.
    """
    mean_ms = summary.latency.mean_ms
    if mean_ms is None:
        return summary
    same_requests_ms = mean_ms if summary.under_load else original_ms / summary.speedup
    scale = shown_ms / original_ms * same_requests_ms / mean_ms
    latency = summary.latency
    scaled = {
        name: value * scale
        for name, value in latency.model_dump().items()
        if name.endswith("_ms") and value is not None
    }
    return summary.model_copy(
        update={
            "latency": latency.model_copy(update=scaled),
            "throughput_per_s": summary.throughput_per_s / scale,
            "set_p50_ms": tuple(value * scale for value in summary.set_p50_ms),
        }
    )


def _notes(variant: Variant, new: Sequence[str]) -> tuple[str, ...]:
    """Return the version's notes and the `new` ones, without those about an earlier measurement."""
    old = ("", busy_words(variant.measurement), earlier_words(variant.measurement))
    return tuple(dict.fromkeys((*(note for note in variant.notes if note not in old), *filter(None, new))))


def time_words(variant: Variant) -> str:
    """Return the mean request time as text (``3.97 ms``), or "" if the version was not measured."""
    typical_ms = variant.measurement.typical_ms
    return in_ms(typical_ms) if typical_ms is not None else ""


def speedup_of(variant: Variant) -> float:
    """Return the speedup over the original, 0 if the version was not measured."""
    return variant.measurement.speedup or 0.0


def answer_speedup(original: AnswerResult, version: AnswerResult) -> float:
    """Return how many times faster the version predicted the same examples, 0 if the time was too short to compare."""
    if min(original.seconds, version.seconds) < LEAST_ANSWER_S:
        return 0.0
    return (original.seconds / original.read_share) / (version.seconds / version.read_share)


def answer_speedup_of(variant: Variant) -> float:
    """Return how many times faster than the original a version predicts examples.

    It is the smaller one of the ratio measured on the calibration set and the speedup of a request.
    """
    screened = variant.screening.answer_speedup if variant.screening is not None else 0.0
    return min(screened or math.inf, speedup_of(variant))


def measurement_of(
    summary: SpeedSummary, results: tuple[MeasureResult, ...], sets: int, busy_share: float | None, interleaved: bool
) -> Measurement:
    """Return the figures of one version; bounds of the speedup are kept only for a side-by-side measurement."""
    memory = [result.peak_memory_bytes for result in results if result.peak_memory_bytes is not None]
    latency = summary.latency
    return Measurement(
        latency_p50_ms=latency.p50_ms,
        latency_p90_ms=latency.p90_ms,
        latency_p99_ms=latency.p99_ms,
        latency_max_ms=latency.max_ms,
        throughput_per_s=summary.throughput_per_s,
        peak_memory_bytes=int(median(memory)) if memory else None,
        load_ms=median([result.load_ms for result in results]) if results else None,
        n=latency.n,
        speedup=summary.speedup,
        speedup_low=summary.speedup_low if interleaved else None,
        speedup_high=summary.speedup_high if interleaved else None,
        sets=sets,
        busy_share=busy_share,
        latency_p50_low_ms=latency.p50_low_ms,
        latency_p50_high_ms=latency.p50_high_ms,
        set_p50_ms=summary.set_p50_ms,
        under_load=summary.under_load,
        cpu_speedup=summary.cpu_speedup,
        wall_speedup=summary.wall_speedup,
        agreed_low=summary.agreed_low if interleaved else None,
        undisturbed=summary.undisturbed and interleaved,
        latency_mean_ms=latency.mean_ms,
        p90_speedup=summary.p90_speedup if interleaved else None,
        memory_share=_memory_share(results),
    )


def _memory_share(results: Sequence[MeasureResult]) -> float | None:
    """Return the median share of what memory allows, over sets of processes; None for other models and on GPUs."""
    shares = [
        result.roof.share(median(speeds))
        for result in results
        if result.roof and (speeds := [row.tokens_per_s for row in result.speech if row.tokens_per_s])
    ]
    return median(shares) if shares else None
