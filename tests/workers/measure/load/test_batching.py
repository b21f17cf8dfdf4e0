"""The simulation of requests that arrive at random against queueing theory, and against the real thing."""

import time

import numpy as np
import pytest

from workers.contracts.errors import JobCancelled
from workers.measure.load.batching import Policy, poisson_arrivals, serve, service_times, simulate
from workers.measure.load.batching_times import BatchTimes, measured_service
from workers.measure.spread import median_bounds, throughput_bounds

SERVICE_S = 0.01


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_constant_service_waits_as_m_d_1(load: float) -> None:
    """Given Poisson arrivals and constant service, Then the mean wait is ρ/(2(1−ρ)) services (Pollaczek-Khinchine)."""
    arrivals = poisson_arrivals(load / SERVICE_S, 20_000 * SERVICE_S / load * 10, 3, most=400_000)
    served = simulate(arrivals, lambda _size: SERVICE_S, Policy())
    wait_s = float(served.latencies_s.mean()) - SERVICE_S
    assert wait_s == pytest.approx(SERVICE_S * load / (2 * (1 - load)), rel=0.04)
    assert served.mean_batch == 1


def test_exponential_service_waits_as_m_m_1() -> None:
    """Given exponential service, Then the mean time in the system is 1/(μ−λ)."""
    rng, load = np.random.default_rng(11), 0.6
    arrivals = poisson_arrivals(load / SERVICE_S, 4000, 5, most=400_000)
    served = simulate(arrivals, lambda _size: float(rng.exponential(SERVICE_S)), Policy())
    assert float(served.latencies_s.mean()) == pytest.approx(SERVICE_S / (1 - load), rel=0.04)


def test_the_servers_bound_is_kept_at_its_load() -> None:
    """Given constant service at the 70 % of the server scenario, Then 99 % are answered well within its bound."""
    from workers.measure.load.loadgen import SERVER_BOUND, SERVER_LOAD

    arrivals = poisson_arrivals(SERVER_LOAD / SERVICE_S, 3000, 1, most=400_000)
    served = simulate(arrivals, lambda _size: SERVICE_S, Policy())
    assert np.percentile(served.latencies_s, 99) < 8 * SERVICE_S < SERVER_BOUND * SERVICE_S


def test_batches_are_full_or_the_oldest_has_waited() -> None:
    """Given arrivals by hand, Then a full batch goes at once, a lonely request after its wait, the rest when free."""
    arrivals = np.array([0.0, 0.001, 0.002, 0.1, 0.3, 0.301])
    served = simulate(arrivals, lambda size: 0.01 * size, Policy(max_batch=3, max_wait_s=0.02))
    assert served.batches == (3, 1, 2)
    assert served.latencies_s == pytest.approx([0.032, 0.031, 0.030, 0.03, 0.04, 0.039])


def test_a_batch_gathers_while_the_model_is_busy() -> None:
    arrivals = np.array([0.0, 0.01, 0.02, 0.03])
    served = simulate(arrivals, lambda _size: 0.1, Policy(max_batch=2))
    assert served.batches == (1, 2, 1)


def test_times_of_sizes_between_and_beyond() -> None:
    service = service_times([(1, 1.0), (4, 2.5), (8, 3.5)])
    assert [service(size) for size in (1, 2, 4, 6, 12)] == pytest.approx([1.0, 1.5, 2.5, 3.0, 4.5])
    with pytest.raises(ValueError):
        service_times([])


def test_drawn_times_vary_as_measured_and_repeat() -> None:
    times = BatchTimes({1: np.array([1.0, 3.0]), 4: np.array([4.0, 4.0])})
    first = [times.drawn(5)(1) for _ in range(1)] + [times.drawn(5)(3)]
    assert first[0] in (1.0, 3.0) and first[1] == pytest.approx(2.0 + 2 / 3 * 2.0)
    assert [times.drawn(9)(1) for _ in range(3)] == [times.drawn(9)(1)] * 3


def test_the_real_run_is_what_was_simulated() -> None:
    """Given a model that takes 4 ms and .5 ms for each of a batch, Then the run's median is that of the simulation."""

    def answer(_first: int, size: int) -> None:
        end = time.perf_counter() + 0.004 + 0.0005 * size
        while time.perf_counter() < end:
            time.sleep(0.0002)

    times = measured_service(answer, 8, 0.2, lambda: None)
    assert sorted(times.seconds) == [1, 2, 4, 8] and times.median(8) > times.median(1)
    arrivals = poisson_arrivals(400, 1.0, 2)
    policy = Policy(8, 0.008)
    expected = simulate(arrivals, times.drawn(0), policy)
    measured = serve(arrivals, answer, policy, lambda: None)
    assert len(measured.latencies_s) == len(arrivals) and sum(measured.batches) == len(arrivals)
    ratio = float(np.median(expected.latencies_s) / np.median(measured.latencies_s))
    assert 0.6 < ratio < 1.5 and measured.mean_batch > 1.5


def test_serving_stops_when_asked_and_when_it_cannot_keep_up() -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        serve(np.array([0.0, 5.0]), lambda _first, _size: None, Policy(), check)
    slow = serve(poisson_arrivals(500, 0.2, 0), lambda _first, _size: time.sleep(0.05), Policy(), lambda: None)
    assert 1 <= len(slow.latencies_s) < 60


def test_bounds_need_enough_and_hold_the_middle() -> None:
    ends = np.cumsum(np.random.default_rng(0).gamma(20, 0.001 / 20, 4000))
    low, high = throughput_bounds(ends.tolist(), 0.0)
    assert low is not None and high is not None and 950 < low < 4000 / ends[-1] < high < 1050
    assert throughput_bounds([0.1] * 10, 0.0) == (None, None) == median_bounds([1.0] * 10)
    assert median_bounds([2.0] * 100) == (2.0, 2.0)


def test_no_request_is_left_out_of_the_interval() -> None:
    """Given 104 requests of which only the last was slow, then the bounds hold what all of them gave."""
    ends = [0.01 * (number + 1) for number in range(103)] + [2.03]
    low, high = throughput_bounds(ends, 0.0)
    assert low is not None and low <= len(ends) / ends[-1] and (high is None or high > len(ends) / ends[-1])
