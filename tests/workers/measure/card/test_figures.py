"""A card's figures from constructed spans: what trtexec would say of the same numbers."""

import pytest

from workers.contracts.measured.card_figures import AtOnce, CardEnergy
from workers.infer.base import CardSpans
from workers.measure.card.figures import Busy, best_streams, card_figures, joules_of


def codes(*spans: CardSpans, busy: Busy | None = None) -> dict[str, float | None]:
    return {note.code: note.value for note in card_figures("Card", spans, busy).notes}


def test_latency_holds_transfers_and_compute_does_not() -> None:
    """Given 1 + 4 + 2 ms and 3 + 4 + 2 ms, Then latency is the median of the sums, compute stays 4, and p99 waits for
    enough requests."""
    found = card_figures("Card", [CardSpans(1, 4, 2, 0.5), CardSpans(3, 4, 2, 0.5)])
    assert (found.n, found.latency.p50_ms, found.compute.p50_ms) == (2, 8, 4)
    assert (found.to_card.p50_ms, found.to_host.mean_ms, found.latency.p99_ms) == (2, 2, None)
    assert found.throughput_per_s is None and found.energy is None and found.notes == ()
    many = card_figures("Card", [CardSpans(0, number, 0, 0) for number in range(1, 301)])
    assert many.latency.p99_ms == pytest.approx(297.01)


@pytest.mark.parametrize(
    ("span", "code", "value"),
    [
        (CardSpans(1, 10, 1, 8), "launch_bound", 0.8),
        (CardSpans(10, 10, 1, 1), "input_bound", 1.0),
        (CardSpans(1, 10, 25, 1), "output_bound", 2.5),
    ],
)
def test_each_limit_is_trtexecs(span: CardSpans, code: str, value: float) -> None:
    """Given medians just at the limit, Then the note names it with its share; just below it, none."""
    assert codes(span) == {code: pytest.approx(value)}
    below = CardSpans(span.to_card_ms * 0.39, 10, span.to_host_ms * 0.39, span.enqueue_ms * 0.99)
    assert codes(below) == {}


def test_times_that_vary_by_more_than_a_hundredth_are_unstable() -> None:
    """Given compute of 9.75 and 10.25 ms in turn (a coefficient of variation of .025), then of 9.95 and 10.05."""
    assert codes(*(CardSpans(1, 9.75 + 0.5 * (n % 2), 1, 1) for n in range(20))) == {"unstable": 0.025}
    assert codes(*(CardSpans(1, 9.95 + 0.1 * (n % 2), 1, 1) for n in range(20))) == {}


def test_clock_too_coarse_divides_by_nothing() -> None:
    """Given compute that the card's clock reads as 0, Then no share is made up."""
    found = card_figures("Card", [CardSpans(0, 0, 0, 0.1)] * 20)
    assert found.compute_variation is None and found.notes == ()


def test_busy_seconds_give_throughput_energy_and_who_was_there() -> None:
    """Given 600 requests in 3 s at 90 J, a power limit (4) beside idle (1), another program at 30 %."""
    energy = CardEnergy(joules=90, seconds=3, requests=600, source="counter")
    found = card_figures("Card", [CardSpans(1, 10, 1, 1)], Busy(600, 3.0, 2, energy, (1, 4, 5), 0.3))
    assert (found.throughput_per_s, found.streams) == (200, 2)
    assert found.energy is not None and found.energy.per_request_mj == 150
    throttled, other = found.notes
    assert (throttled.code, throttled.reasons) == ("throttled", ("power_cap",))
    assert (other.code, other.value) == ("other_program", 0.3)
    assert codes(CardSpans(1, 10, 1, 1), busy=Busy(1, 1.0, 1, None, (1, 2), 0.04)) == {}


def test_more_at_once_have_to_bring_something() -> None:
    """Given 1, 2 and 4 at once, Then the one that answers the most is taken, and fewer where that brings a hundredth."""
    rates = {1: 100.0, 2: 180.0, 4: 181.0}
    tried = [AtOnce(streams=streams, throughput_per_s=rate) for streams, rate in rates.items()]
    assert best_streams(tried) == 2
    assert best_streams([*tried, AtOnce(streams=8, throughput_per_s=240.0)]) == 8
    with pytest.raises(ValueError):
        best_streams([])


def test_power_is_integrated_and_nothing_is_guessed() -> None:
    """Given 100 W rising to 300 W over 2 s, unevenly read, Then 400 J; one reading has no span."""
    assert joules_of([0.0, 0.5, 2.0], [100.0, 150.0, 300.0]) == pytest.approx(62.5 + 337.5)
    assert joules_of([0.0], [100.0]) is None


def test_no_span_has_no_figure() -> None:
    with pytest.raises(ValueError, match="no request"):
        card_figures("Card", [])
