"""Requests at random moments against queueing theory, and the bounds of measured rates."""

import time
from unittest.mock import Mock

import numpy as np
import pytest

from workers.contracts.errors import JobCancelled
from workers.measure.latency import median_bounds, throughput_bounds
from workers.measure.load.loadgen import SERVER_BOUND, SERVER_LOAD
from workers.measure.throughput import knee, poisson_arrivals, serve

SERVICE_S = 0.01


def waited(arrivals_s, service_s):
    """Return each request's seconds from arrival to prediction for given service times (Lindley's recursion)."""
    done = np.cumsum(service_s)
    free = np.maximum.accumulate(arrivals_s - np.concatenate([[0.0], done[:-1]]))
    return done + free - arrivals_s


@pytest.mark.parametrize(("load", "is_constant"), [(0.3, True), (0.6, True), (0.8, True), (0.6, False)])
def test_poisson_arrivals_wait_as_queueing_theory_predicts(load: float, is_constant: bool) -> None:
    """Given constant service, then the mean wait is ρ/(2(1−ρ)) services (Pollaczek-Khinchine); given exponential service,
    then the mean time in the system is 1/(μ−λ)."""
    arrivals = poisson_arrivals(load / SERVICE_S, 200_000 * SERVICE_S / load, 3, most=400_000)
    service_s = np.full(arrivals.size, SERVICE_S)
    if is_constant:
        wait_s = waited(arrivals, service_s).mean() - SERVICE_S
        assert wait_s == pytest.approx(SERVICE_S * load / (2 * (1 - load)), rel=0.04)
    else:
        served = waited(arrivals, np.random.default_rng(11).exponential(SERVICE_S, arrivals.size))
        assert served.mean() == pytest.approx(SERVICE_S / (1 - load), rel=0.04)


def test_server_scenario_keeps_its_bound_at_its_load() -> None:
    """Given constant service at the 70 % of the server scenario, then 99 % of requests are well within its bound."""
    arrivals = poisson_arrivals(SERVER_LOAD / SERVICE_S, 3000, 1, most=400_000)
    served = waited(arrivals, np.full(arrivals.size, SERVICE_S))
    assert np.percentile(served, 99) < 8 * SERVICE_S < SERVER_BOUND * SERVICE_S


class Clock:
    """Time that passes by sleeping, by predicting, and by a microsecond with each reading."""

    now_s = 100.0

    def perf_counter(self) -> float:
        self.now_s += 1e-6
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def test_serve_counts_the_wait_of_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a model that takes 4 ms, then the latencies are those of the recursion."""
    clock = Clock()
    monkeypatch.setattr("workers.measure.throughput.time", clock)
    arrivals = poisson_arrivals(150, 1.0, 2)
    measured = serve(arrivals, lambda _number: clock.sleep(0.004), lambda: None)
    assert measured == pytest.approx(waited(arrivals, np.full(arrivals.size, 0.004)), abs=1e-4)


def test_serve_ends_when_cancelled_or_when_the_model_is_too_slow() -> None:
    """Given a check that raises, then serving ends by it; given a model that cannot keep up, then it ends early."""
    check = Mock(side_effect=[None, None, None, JobCancelled])
    with pytest.raises(JobCancelled):
        serve(np.array([0.0, 5.0]), lambda _number: None, check)
    slow = serve(poisson_arrivals(500, 0.2, 0), lambda _number: time.sleep(0.05), lambda: None)
    assert 1 <= len(slow) < 60


def test_bounds_hold_the_rate_of_all_requests() -> None:
    """Given many requests, then the bounds are close around their rate, also if only the last one was slow; given ten,
    then there are none. The knee is the smallest batch close to the best rate."""
    ends = np.cumsum(np.random.default_rng(0).gamma(20, 0.001 / 20, 4000))
    low, high = throughput_bounds(ends.tolist(), 0.0)
    assert low is not None and high is not None and 950 < low < 4000 / ends[-1] < high < 1050
    assert throughput_bounds([0.1] * 10, 0.0) == (None, None) == median_bounds([1.0] * 10)
    assert median_bounds([2.0] * 100) == (2.0, 2.0)
    late = [0.01 * (number + 1) for number in range(103)] + [2.03]
    low, high = throughput_bounds(late, 0.0)
    assert low is not None and low <= len(late) / late[-1] and (high is None or high > len(late) / late[-1])
    assert knee((1, 2, 4, 8), (50.0, 80.0, 97.0, 100.0)) == 4 and knee((1,), (5.0,)) == 1
