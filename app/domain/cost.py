"""What a million answers cost."""


def cost_per_million(price_per_hour: float, throughput_per_s: float, utilization: float) -> float:
    """In the price's own currency: price·10⁶/(throughput·3600·utilization). `utilization` is a share, 0 < share ≤ 1.

    Raises ValueError where one of them makes no sense.
    """
    if price_per_hour < 0 or throughput_per_s <= 0 or not 0 < utilization <= 1:
        raise ValueError(f"no cost from {price_per_hour} an hour, {throughput_per_s} a second, share {utilization}")
    return price_per_hour * 1e6 / (throughput_per_s * 3600 * utilization)
