"""Compute the cost of a million answers."""


def cost_per_million(price_per_hour: float, throughput_per_s: float, utilization: float) -> float:
    """Return price·10⁶/(throughput·3600·utilization) in the price's currency; `utilization` is a share, 0 < share ≤ 1.

    Raises:
        ValueError: A value is outside of its range.
    """
    if price_per_hour < 0 or throughput_per_s <= 0 or not 0 < utilization <= 1:
        raise ValueError(f"no cost from {price_per_hour} an hour, {throughput_per_s} a second, share {utilization}")
    return price_per_hour * 1e6 / (throughput_per_s * 3600 * utilization)
