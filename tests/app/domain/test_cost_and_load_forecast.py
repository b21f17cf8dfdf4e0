"""What a million answers cost, and what is expected at other sizes."""

import pytest

from app.domain.cost import cost_per_million
from app.domain.load_forecast import larger_picture, more_cores, other_batch


def test_cost_is_price_over_answers() -> None:
    """Given 3.60 an hour and 1,000 answers a second all the time, Then a million cost 1; half the time, twice that."""
    assert cost_per_million(3.6, 1000, 1.0) == pytest.approx(1.0)
    assert cost_per_million(3.6, 1000, 0.5) == pytest.approx(2.0)
    assert cost_per_million(0.0816, 250, 0.5) == pytest.approx(0.0816e6 / (250 * 3600 * 0.5))


@pytest.mark.parametrize("bad", [(-1, 10, 0.5), (1, 0, 0.5), (1, 10, 0), (1, 10, 1.1)])
def test_no_cost_from_nonsense(bad: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError):
        cost_per_million(*bad)


def test_other_batches_follow_the_line() -> None:
    """Given 2 ms for a request and .5 ms for each item, Then a batch of 64 is expected to take 34 ms."""
    points = [(batch, 2 + 0.5 * batch) for batch in (1, 4, 16, 32)]
    found = other_batch(points, 64)
    assert found is not None and found.throughput_per_s == pytest.approx(64 / 0.034)
    assert "2 ms" in found.basis and "0.5 ms" in found.basis
    assert other_batch([(1, 2.0)], 8) is None


def test_more_cores_by_amdahl() -> None:
    """Given twice the speed on two cores, Then four double it again; given none, Then none is expected."""
    ideal = more_cores(100, 200, 2, 4)
    assert ideal is not None and ideal.throughput_per_s == pytest.approx(400)
    none = more_cores(100, 95, 2, 8)
    assert none is not None and none.throughput_per_s == pytest.approx(100)
    half = more_cores(100, 100 / 0.75, 2, 4)
    assert half is not None and half.throughput_per_s == pytest.approx(160)
    assert more_cores(100, 100, 1, 2) is None


def test_larger_pictures_by_their_dots() -> None:
    assert larger_picture(400).throughput_per_s == 100
