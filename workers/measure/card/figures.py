"""Compute a card's figures and warnings from the durations of single requests, as trtexec does.

Source of the split and of the limits: NVIDIA TensorRT, samples/common/sampleReporting.cpp (trtexec).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.contracts.gpu import slow_downs
from workers.contracts.measured.card_figures import AtOnce, CardEnergy, CardFigures, CardNote, NoteCode, Spread
from workers.contracts.specs import P99_NEEDS
from workers.infer.base import CardSpans

LAUNCH_BOUND_FROM, TRANSFER_BOUND_FROM, UNSTABLE_FROM = 0.8, 1.0, 0.01
"""Limits of warnings: enqueue over compute and copying over compute (medians), variation of compute."""

OTHER_FROM = 0.05
"""Smallest share of the card used by other programs that is reported; drawing a desktop stays below."""

MIN_FOR_VARIATION = 10

WORTH = 0.02
"""Relative gain in throughput that justifies more requests at once, which cost memory and latency."""


@dataclass(frozen=True)
class Busy:
    """Measurement while `requests` ran in `seconds`, with `streams` at once, the best number of `tried`.

    `masks` are NVML's reasons for the clocks. `other_share` is the share of the card that other programs used (0..1);
    None where the card does not report it.
    """

    requests: int
    seconds: float
    streams: int
    energy: CardEnergy | None = None
    masks: tuple[int, ...] = ()
    other_share: float | None = None
    tried: tuple[AtOnce, ...] = ()


def card_figures(card: str, spans: Sequence[CardSpans], busy: Busy | None = None) -> CardFigures:
    """Compute the figures of one card from the durations of single requests.

    Raises:
        ValueError: there are no durations.
    """
    if not spans:
        raise ValueError("no request was measured on the card")
    rows = [(one.to_card_ms, one.compute_ms, one.to_host_ms, one.enqueue_ms) for one in spans]
    to_card, compute, to_host, enqueue = np.asarray(rows, np.float64).T
    figures = CardFigures(
        card=card, n=len(spans), latency=_spread(to_card + compute + to_host), to_card=_spread(to_card),
        compute=_spread(compute), to_host=_spread(to_host), enqueue=_spread(enqueue),
        compute_variation=_variation(compute),
    )  # fmt: skip
    if busy is not None:
        per_s = busy.requests / busy.seconds
        update = {"streams": busy.streams, "throughput_per_s": per_s, "energy": busy.energy, "tried": busy.tried}
        figures = figures.model_copy(update=update)
    return figures.model_copy(update={"notes": tuple(_notes(figures, busy))})


def best_streams(tried: Sequence[AtOnce]) -> int:
    """Return the smallest number of streams whose throughput is within `WORTH` of the best.

    Raises:
        ValueError: nothing was tried.
    """
    most = max(one.throughput_per_s for one in tried)
    return min(one.streams for one in tried if one.throughput_per_s * (1 + WORTH) >= most)


def _spread(values: NDArray[np.float64]) -> Spread:
    p99 = float(np.percentile(values, 99)) if values.size >= P99_NEEDS else None
    return Spread(p50_ms=float(np.median(values)), mean_ms=float(values.mean()), p99_ms=p99)


def _variation(values: NDArray[np.float64]) -> float | None:
    """Return standard deviation over mean; None for few values, or where the card's clock is too coarse."""
    if values.size < MIN_FOR_VARIATION or values.mean() <= 0:
        return None
    return float(values.std() / values.mean())


def _notes(figures: CardFigures, busy: Busy | None) -> list[CardNote]:
    notes = []
    compute_ms = figures.compute.p50_ms
    bounds: tuple[tuple[NoteCode, Spread, float], ...] = (
        ("launch_bound", figures.enqueue, LAUNCH_BOUND_FROM),
        ("input_bound", figures.to_card, TRANSFER_BOUND_FROM),
        ("output_bound", figures.to_host, TRANSFER_BOUND_FROM),
    )
    for code, part, least in bounds:
        if compute_ms > 0 and part.p50_ms >= least * compute_ms:
            notes.append(CardNote(code=code, value=part.p50_ms / compute_ms))
    if figures.compute_variation is not None and figures.compute_variation >= UNSTABLE_FROM:
        notes.append(CardNote(code="unstable", value=figures.compute_variation))
    if busy is not None:
        reasons = tuple(dict.fromkeys(reason for mask in busy.masks for reason in slow_downs(mask)))
        if reasons:
            notes.append(CardNote(code="throttled", reasons=reasons))
        if busy.other_share is not None and busy.other_share >= OTHER_FROM:
            notes.append(CardNote(code="other_program", value=busy.other_share))
    return notes


def joules_of(times_s: Sequence[float], watts: Sequence[float]) -> float | None:
    """Return the energy in joules: power integrated over time by the trapezoid rule; None for under two readings."""
    if len(times_s) < 2:
        return None
    return float(np.trapezoid(np.asarray(watts, np.float64), np.asarray(times_s, np.float64)))
