"""Numbers: one (regression), a few channels of very different sizes, series with quantiles, unknown planes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from zoo import ROUNDED, Array, Change, Rng, Zoo, each, no_number, some, stacked


def prices(n: int, rng: Rng) -> list[Array]:
    """(1,) each: most small, a few very large."""
    return list(np.exp(rng.normal(3, 1.2, (n, 1))).astype(np.float32))


def channels(n: int, rng: Rng) -> list[Array]:
    """(6,) each: pixels and shares."""
    size = np.array([300, 300, 80, 80, 0.05, 0.002])
    return list((size * (1 + 0.5 * rng.standard_normal((n, 6)))).astype(np.float32))


def forecasts(n: int, rng: Rng) -> list[Array]:
    """(24 steps, 5 quantiles) each, of levels that differ from series to series."""
    level = rng.normal(0, 3, (n, 1, 1)) + np.cumsum(rng.normal(0, 0.5, (n, 24, 1)), axis=1)
    width = rng.uniform(0.5, 1.5, (n, 1, 1)) * np.sqrt(np.arange(1, 25))[None, :, None] * 0.3
    return list((level + width * np.array([-1.6, -0.7, 0, 0.7, 1.6])).astype(np.float32))


def planes(n: int, rng: Rng) -> list[Array]:
    """(3, 12, 10) each: smooth planes of different size."""
    from scipy.ndimage import gaussian_filter

    rough = rng.standard_normal((n, 3, 12, 10))
    smooth = gaussian_filter(rough, sigma=(0, 0, 1.5, 1.5)) * np.array([10, 1, 0.01])[None, :, None, None]
    return list(smooth.astype(np.float32))


def channel(at: int, change: str) -> Change:
    """One channel (the last axis) is dead (its mean), zero, halved or another item's."""

    def changed(rows: Array, rng: Rng) -> Array:
        if change == "dead":
            rows[..., at] = rows[..., at].mean()
        elif change == "halved":
            rows[..., at] /= 2
        else:
            rows[..., at] = rows[rng.permutation(len(rows))][..., at]
        return rows

    return stacked(changed)


def tail_cut(rows: Array, rng: Rng) -> Array:
    """What lies above the 95th percentile of all is cut there."""
    return np.minimum(rows, np.quantile(rows, 0.95))


def small_zeroed(rows: Array, rng: Rng) -> Array:
    """The smaller half of the numbers is lost: the spread comes from a few large ones and hardly shows it."""
    rows[np.abs(rows) < np.median(np.abs(rows))] = 0
    return rows


def noise(row: Array, rng: Rng) -> Array:
    return (row + rng.normal(0, max(float(row.std()), float(np.abs(row).max())), row.shape)).astype(np.float32)


def spread_noise(share: float) -> Change:
    """Noise of this share of each channel's spread."""
    return stacked(
        lambda rows, rng: (rows + share * rows.std(axis=0, keepdims=True) * rng.standard_normal(rows.shape)).astype(
            np.float32
        )
    )


def biased(share: float) -> Change:
    """Every number is too high by this share of its spread."""
    return stacked(lambda rows, rng: (rows + share * rows.std(axis=0, keepdims=True)).astype(np.float32))


def endless(row: Array, rng: Rng) -> Array:
    row.flat[rng.integers(row.size)] = np.inf
    return row


ANY_HARM: dict[str, Change] = {
    "infinity in 5 %": some(0.05, endless),
    "halved": each(lambda row, rng: row / 2),
    "answers of other items": stacked(lambda rows, rng: rows[rng.permutation(len(rows))]),
    "noise on 5 %": some(0.05, noise),
    "no number on 5 %": some(0.05, no_number),
    "always the same": stacked(lambda rows, rng: np.broadcast_to(rows.mean(axis=0), rows.shape)),
    "noise of 30 % of the spread": spread_noise(0.3),
}
HARMLESS: dict[str, Change] = {
    **ROUNDED,
    "noise of 1 % of its size": each(lambda row, rng: row * (1 + 0.01 * rng.uniform(-1, 1, row.shape))),
    "four digits": each(lambda row, rng: _four_digits(row)),
}


def _four_digits(row: Array) -> Array:
    size = 10.0 ** (np.floor(np.log10(np.maximum(np.abs(row), 1e-12))) - 3)
    return (np.round(row / size) * size).astype(np.float32)


def truths(old: list[Array], rng: Rng) -> Sequence[Mapping[str, Any]]:
    """The original is off by half of the spread."""
    spread = np.stack(old).std(axis=0)
    return [{"target": tuple((row + 0.5 * spread * rng.standard_normal(row.shape)).tolist())} for row in old]


def _zoo(name: str, make: Callable[[int, Rng], list[Array]], harm: dict[str, Change], *, known: bool = False) -> Zoo:
    wrong = (lambda row, rng: row * np.float32(0.9)) if known else noise
    return Zoo(name, "numbers", "tensor", make, ANY_HARM | harm, HARMLESS, wrong, truths if known else None)


def as_median(rows: Array, rng: Rng) -> Array:
    rows[..., 4] = rows[..., 2]
    return rows


def last_steps(rows: Array, rng: Rng) -> Array:
    rows[:, -4:] = rows[:, -5:-4]
    return rows


def dead_plane(rows: Array, rng: Rng) -> Array:
    rows[:, 2] = rows[:, 2].mean()
    return rows


CHANNELS_HARM = {
    "the smallest channel dead": channel(5, "dead"),
    "scores halved": channel(4, "halved"),
    "one channel of other items": channel(2, "shuffled"),
    "two outputs swapped": stacked(lambda rows, rng: rows[:, [1, 0, 2, 3, 4, 5]]),
}
ZOOS = [
    _zoo(
        "one number",
        prices,
        {
            "a little too high": biased(0.06),
            "small ones lost": stacked(small_zeroed),
            "above the 95th percentile cut": stacked(tail_cut),
        },
    ),
    _zoo("channels of other sizes", channels, CHANNELS_HARM | {"all a little too high": biased(0.06)}),
    _zoo(
        "forecasts",
        forecasts,
        {
            "a tail quantile is the median": stacked(as_median),
            "last steps repeated": stacked(last_steps),
            "a step late": stacked(lambda rows, rng: np.concatenate([rows[:, :1], rows[:, :-1]], axis=1)),
            "peaks cut": stacked(lambda rows, rng: np.minimum(rows, np.quantile(rows, 0.9, axis=1, keepdims=True))),
            "two quantiles swapped": stacked(lambda rows, rng: rows[..., [0, 3, 2, 1, 4]]),
            "a tail quantile of other items": channel(4, "shuffled"),
        },
    ),
    _zoo("channels that are known", channels, CHANNELS_HARM, known=True),
    _zoo("planes", planes, {"the faintest plane dead": stacked(dead_plane)}),
]
