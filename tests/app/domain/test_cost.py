"""What a million answers cost."""

import pytest

from app.domain.cost import cost_per_million


def test_cost_is_price_over_answers() -> None:
    """Given 3.60 an hour and 1,000 answers a second all the time, Then a million cost 1; half the time, twice that."""
    assert cost_per_million(3.6, 1000, 1.0) == pytest.approx(1.0)
    assert cost_per_million(3.6, 1000, 0.5) == pytest.approx(2.0)
    assert cost_per_million(0.0816, 250, 0.5) == pytest.approx(0.0816e6 / (250 * 3600 * 0.5))


@pytest.mark.parametrize("bad", [(-1, 10, 0.5), (1, 0, 0.5), (1, 10, 0), (1, 10, 1.1)])
def test_no_cost_from_nonsense(bad: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError):
        cost_per_million(*bad)
