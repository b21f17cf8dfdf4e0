"""What a measurement gives a version: its figures, and what has to be said with them."""

import dataclasses
from collections.abc import Sequence
from statistics import median

from app.domain.variant import Measurement, Variant
from app.domain.words.results import busy_words, is_measured_words, measured_words
from app.services.flow.measuring import busy_share
from app.services.flow.steps import Measured
from workers.contracts.jobs import MeasureResult, SpeedSummary
from workers.contracts.wording import in_ms


def with_figures(
    variant: Variant, measured: Measured, index: int, summary: SpeedSummary | None, *, interleaved: bool, anew: bool
) -> Variant:
    """The version with variant `index`'s figures. `anew` False: they come from an earlier run, which is noted."""
    if summary is None:
        raise RuntimeError("a variant that was measured has no summary")
    results = measured.results[index]
    sets = len(measured.latencies_ms[index])
    own = busy_share(measured.loads[index : index + 1])
    busy = measured.busy_share if own is None else own
    measurement = measurement_of(summary, results, sets, busy, interleaved)
    if measurement.peak_memory_bytes is None:  # a last set that was cut off tells no memory: keep the first look's
        before = variant.measurement
        measurement = dataclasses.replace(
            measurement, peak_memory_bytes=before.peak_memory_bytes, load_ms=before.load_ms
        )
    fallbacks = tuple(dict.fromkeys(text for result in results for text in result.fallbacks))
    when = "" if anew or measured.measured_at is None else measured_words(measured.measured_at)
    return dataclasses.replace(
        variant,
        state="confirmed" if interleaved else "measured",
        measurement=measurement,
        notes=_notes(variant, (*fallbacks, busy_words(measurement), when)),
    )


def _notes(variant: Variant, said: Sequence[str]) -> tuple[str, ...]:
    """Its notes with what is said now; what was said of an earlier measurement no longer holds."""
    old = busy_words(variant.measurement)
    kept = [note for note in variant.notes if note != old and not is_measured_words(note)]
    return tuple(dict.fromkeys((*kept, *(note for note in said if note))))


def p50_words(variant: Variant) -> str:
    """``3.97 ms``, "" where it was not measured."""
    p50 = variant.measurement.latency_p50_ms
    return in_ms(p50) if p50 is not None else ""


def speedup_of(variant: Variant) -> float:
    """How many times faster, 0 where it was not measured."""
    return variant.measurement.speedup or 0.0


def measurement_of(
    summary: SpeedSummary,
    results: tuple[MeasureResult, ...],
    sets: int,
    busy_share: float | None,
    interleaved: bool,
) -> Measurement:
    """The figures of one variant. Bounds of the speedup are kept only where both were measured in turn."""
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
        agreed_low=summary.agreed_low if interleaved else None,
        latency_mean_ms=latency.mean_ms,
        p90_speedup=summary.p90_speedup if interleaved else None,
    )
