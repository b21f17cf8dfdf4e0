"""A card's figures and notes from constructed spans, by the rules of trtexec."""

import pytest

from workers.contracts.measured.card_figures import AtOnce, CardEnergy
from workers.infer.base import CardSpans
from workers.measure.card.figures import Busy, best_streams, card_figures, joules_of


def codes(*spans: CardSpans, busy: Busy | None = None) -> dict[str, float | None]:
    return {note.code: note.value for note in card_figures("Card", spans, busy).notes}


def test_latency_is_the_sum_of_transfers_and_compute() -> None:
    """Given 1 + 4 + 2 ms and 3 + 4 + 2 ms, then latency is the median of the sums, compute is 4, and p99 needs 300
    requests; given no span, then an error."""
    figures = card_figures("Card", [CardSpans(1, 4, 2, 0.5), CardSpans(3, 4, 2, 0.5)])
    assert (figures.n, figures.latency.p50_ms, figures.compute.p50_ms) == (2, 8, 4)
    assert (figures.to_card.p50_ms, figures.to_host.mean_ms, figures.latency.p99_ms) == (2, 2, None)
    assert figures.throughput_per_s is None and figures.energy is None and figures.notes == ()
    many = card_figures("Card", [CardSpans(0, number, 0, 0) for number in range(1, 301)])
    assert many.latency.p99_ms == pytest.approx(297.01)
    with pytest.raises(ValueError, match="no request"):
        card_figures("Card", [])


@pytest.mark.parametrize(
    ("span", "code", "value"),
    [
        (CardSpans(1, 10, 1, 8), "launch_bound", 0.8),
        (CardSpans(10, 10, 1, 1), "input_bound", 1.0),
        (CardSpans(1, 10, 25, 1), "output_bound", 2.5),
    ],
)
def test_note_begins_at_its_limit(span: CardSpans, code: str, value: float) -> None:
    """Given medians at the limit, then there is a note with the share; given medians below it, then none."""
    assert codes(span) == {code: pytest.approx(value)}
    below = CardSpans(span.to_card_ms * 0.39, 10, span.to_host_ms * 0.39, span.enqueue_ms * 0.99)
    assert codes(below) == {}


def test_varying_compute_is_a_note() -> None:
    """Given compute that varies by .025, then it is unstable; by .005, or all 0 because of a coarse clock, it is not."""
    assert codes(*(CardSpans(1, 9.75 + 0.5 * (n % 2), 1, 1) for n in range(20))) == {"unstable": 0.025}
    assert codes(*(CardSpans(1, 9.95 + 0.1 * (n % 2), 1, 1) for n in range(20))) == {}
    coarse = card_figures("Card", [CardSpans(0, 0, 0, 0.1)] * 20)
    assert coarse.compute_variation is None and coarse.notes == ()


def test_busy_card_has_throughput_energy_and_notes() -> None:
    """Given 600 requests in 3 s at 90 J, a power limit (4) and another program at 30 %, then these are figures and notes;
    idle clocks (1) and 4 % by others are no notes."""
    energy = CardEnergy(joules=90, seconds=3, requests=600, source="counter")
    figures = card_figures("Card", [CardSpans(1, 10, 1, 1)], Busy(600, 3.0, 2, energy, (1, 4, 5), 0.3))
    assert (figures.throughput_per_s, figures.streams) == (200, 2)
    assert figures.energy is not None and figures.energy.per_request_mj == 150
    throttled, other = figures.notes
    assert (throttled.code, throttled.reasons) == ("throttled", ("power_cap",))
    assert (other.code, other.value) == ("other_program", 0.3)
    assert codes(CardSpans(1, 10, 1, 1), busy=Busy(1, 1.0, 1, None, (1, 2), 0.04)) == {}


def test_best_streams_are_the_fewest_within_2_percent() -> None:
    """Given several numbers of streams, then the best throughput decides, and fewer streams within 2 % of it."""
    rates = {1: 100.0, 2: 180.0, 4: 181.0}
    tried = [AtOnce(streams=streams, throughput_per_s=rate) for streams, rate in rates.items()]
    assert best_streams(tried) == 2
    assert best_streams([*tried, AtOnce(streams=8, throughput_per_s=240.0)]) == 8
    with pytest.raises(ValueError):
        best_streams([])


def test_joules_integrate_power_over_time() -> None:
    """Given 100 W rising to 300 W over 2 s, read unevenly, then 400 J; given one reading, then None."""
    assert joules_of([0.0, 0.5, 2.0], [100.0, 150.0, 300.0]) == pytest.approx(62.5 + 337.5)
    assert joules_of([0.0], [100.0]) is None
