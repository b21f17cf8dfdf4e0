"""Test how the clock of a run divides its time."""

import time
from collections.abc import Generator
from typing import Any

import pytest
from flows import refusal

from app.services.flow.steps import Flow, JobError, JobStep, Measured, MeasuredVariant, MeasureStep
from app.services.run.clock import RunClock, bounded, within
from app.services.run.costs import IN_TURN, SWITCH_S, FinalPlan
from workers.contracts.base import Nothing
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DescribeResult, MeasureParams

STEP = JobStep(kind="describe", params=Nothing(), result=DescribeResult, title="Look")


class Elapsed:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def measured(p50_ms: float, blocks: int, seconds: float) -> Measured:
    return Measured(((((p50_ms,) * (40 * blocks)),),), ((),), (None,), None, seconds)


@pytest.fixture
def elapsed(monkeypatch: pytest.MonkeyPatch) -> Elapsed:
    """Return a clock that a test sets, on a computer with one core."""
    monkeypatch.setattr("app.services.run.costs.usable_cores", lambda: 1)
    return Elapsed()


def limited(total_s: float | None, elapsed: Elapsed, **more: float) -> RunClock:
    clock = RunClock(elapsed)
    clock.set_limit(total_s, **more)
    return clock


def a_clock(total_s: float | None, elapsed: Elapsed, p50_ms: float = 10.0) -> RunClock:
    """Return a clock after 20 s for the original: 2 s of loading and 8 blocks of half a second."""
    clock = limited(total_s, elapsed)
    clock.record_measured("original", measured(p50_ms, 8, 2 + 8 * 0.05 * p50_ms))
    clock.record_step("original", 20.0)
    clock.record_closing(1.0)
    return clock


TURNS_S = 2 * (SWITCH_S + 50 * 0.01)
"""Seconds of the turns of a set for a version of 10 ms: 10 requests that warm up and 40 that are timed in each."""


def test_final_s_follows_from_the_first_measurement(elapsed: Elapsed) -> None:
    """Given the original's first measurement, Then a final run of two takes 5 sets of 2 processes with 2 turns, and a
    reserve."""
    clock = a_clock(100, elapsed)
    assert clock.final_s(["a"], FinalPlan(1, 5)) == pytest.approx(1.3 * (5 * 2 * (2 + TURNS_S) + 1))


def test_final_s_counts_parallel_starts_once_per_core(elapsed: Elapsed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given four cores and six processes of 0.4 s, Then these 0.4 s count one and a half times in a set, and everything
    else once per process."""
    clock = a_clock(100, elapsed)
    alone_s = clock.final_s("abcde", FinalPlan(5, 1))
    monkeypatch.setattr("app.services.run.costs.usable_cores", lambda: 4)
    assert alone_s - clock.final_s("abcde", FinalPlan(5, 1)) == pytest.approx(1.3 * (6 * 0.4 - 1.5 * 0.4))


def test_steps_s_of_final_run_and_proof_follow_from_measurements(elapsed: Elapsed) -> None:
    """Given the original alone, Then a final run of one similar version is expected, with two ids one of two; and a
    proof by the duration of the original's predictions."""
    clock = a_clock(100, elapsed)
    clock.record_predictions(items=100, evaluated=50, seconds=5.0, other_s=2.0)
    clock.kinds = ("final", "proof")
    assert clock.steps_s == pytest.approx((5 * 2 * (2 + TURNS_S) + 1, 2 + 100 * 0.1 + 1))
    clock.final_ids = ["a", "b"]
    assert clock.steps_s[0] == pytest.approx(5 * 3 * (2 + TURNS_S) + 1)


@pytest.mark.parametrize(("request_s", "turns", "requests"), [(0.1, 2, 20), (3.0, 2, 1)])
def test_final_s_of_slow_models_counts_fewer_requests(
    elapsed: Elapsed, request_s: float, turns: int, requests: int
) -> None:
    """Given slow requests, Then a turn has as many as two seconds hold, at least one."""
    clock = limited(200, elapsed)
    times_ms = (((1000 * request_s,) * 32,),)
    clock.record_measured("original", Measured(times_ms, ((),), (None,), None, 2.0 + 1.25 * 32 * request_s))
    clock.record_closing(1.0)
    set_s = 2.0 + turns * (SWITCH_S + requests * request_s)
    assert clock.final_s(["a"], FinalPlan(1, 1)) == pytest.approx(1.3 * (2 * set_s + 1))


def test_final_s_of_fast_models_counts_longer_blocks(elapsed: Elapsed) -> None:
    """Given an original of 1 ms and a version of 0.4 ms, Then both get the 200 requests of the version's longer turn."""
    clock = limited(100, elapsed)
    for name, p50_ms in (("original", 1.0), ("fast", 0.4)):
        clock.record_measured(name, measured(p50_ms, 4, 2.0 + 1.25 * 160 * p50_ms / 1000))
    turns_s = 2 * (2 * SWITCH_S + 240 * (0.001 + 0.0004))
    assert clock.final_s(["fast"], FinalPlan(1, 1)) == pytest.approx(1.3 * (2 * 2.0 + turns_s), rel=0.01)


def test_worth_trying_ends_when_only_the_final_run_fits(elapsed: Elapsed) -> None:
    """Given less and less time, Then versions are tried until only the final run fits."""
    clock = a_clock(100, elapsed)
    assert clock.worth_trying([])
    elapsed.now = 60
    clock.record_step("version", 15)
    assert clock.worth_trying(["a"])
    elapsed.now = 85
    assert not clock.worth_trying(["a"])


def test_plan_final_with_less_time_is_shorter(elapsed: Elapsed) -> None:
    """Given less and less time, Then the final run has 5 sets, fewer, and finally two."""
    clock = a_clock(100, elapsed)
    ids = ["a", "b", "c"]
    assert clock.plan_final(ids) == FinalPlan(6, 5)
    elapsed.now = 54
    assert clock.plan_final(ids) == FinalPlan(1, 5)
    elapsed.now = 70
    assert clock.plan_final(ids) == FinalPlan(1, 3)
    elapsed.now = 80
    assert clock.plan_final(ids) == FinalPlan(1, 2)
    elapsed.now = 99
    assert clock.plan_final(ids) == FinalPlan(1, 2, 1)


def test_clock_without_a_limit_bounds_nothing(elapsed: Elapsed) -> None:
    """Given no limit, Then every version is worth trying and nothing has an end."""
    clock = a_clock(None, elapsed)
    elapsed.now = 1e6
    assert clock.worth_trying(["a"])
    left = clock.left_s, clock.answer_s, clock.round_left_s(FinalPlan(1, 5)), clock.left_to_try_s(["a"])
    assert left == (None,) * 4
    assert clock.plan_final(["a", "b", "c"]) == FinalPlan(6, 5)


def test_first_blocks_are_fewer_for_slow_models_and_shared_with_the_original(elapsed: Elapsed) -> None:
    """Given a model of 1 ms and one of 100 ms, Then the slow one has 3 blocks instead of 8 in its first measurement, and
    each has half as many beside a version."""
    for p50_ms, alone, beside in ((1, 8, 4), (100, 3, 2)):
        clock = a_clock(100, elapsed, p50_ms=p50_ms)
        assert (clock.first_blocks(1), clock.first_blocks(2)) == (alone, beside)


def test_cost_of_a_version_leaves_out_the_original_beside_it(elapsed: Elapsed) -> None:
    """Given an original that loads for 1.6 s and a version measured beside it, Then the version costs what is its own."""
    clock = limited(100, elapsed)
    times_ms = ((10.0,) * 160,)
    clock.record_measured("original", Measured((times_ms,), ((),), (None,), None, 2.0 + 1.25 * 1.6))
    both = Measured((times_ms, times_ms), ((), ()), (None, None), None, 0.4 + 1.6 + 0.7 + 2 * 1.25 * 1.6)
    clock.record_measured("a", both)
    alone_s = 0.4 + TURNS_S  # one core starts both processes
    assert clock.final_s(["a"], FinalPlan(1, 1)) == pytest.approx(1.3 * (2 * alone_s + 1.6 + 0.7))


def test_bounded_limits_jobs_and_measurements() -> None:
    """Given the remaining time, Then a job gets it as its wall time, and a measurement as the moment of its end."""
    assert bounded(STEP, 7.0).limits.wall_s == 7.0
    assert bounded(STEP, None) is STEP
    variant = MeasuredVariant("a", MeasureParams(model_dir="", data_dir="", runtime="x"), ())
    step = bounded(MeasureStep((variant,), title="M", sets=1, pace=IN_TURN, threads=1), 3.0)
    assert step.until_s == pytest.approx(time.monotonic() + 3.0, abs=0.5)


@pytest.mark.parametrize("left_s", [-3.0, 0.0, 0.2])
def test_bounded_without_time_refuses_the_step(left_s: float) -> None:
    """Given too little time for any work, Then the step is not begun."""
    assert refusal(bounded, STEP, left_s).error.code == "time_limit"


def test_worth_trying_without_versions_ignores_the_final_run(elapsed: Elapsed) -> None:
    """Given 28 of 60 s left and a final run that would need them, When no version looked better yet, Then one is
    tried."""
    clock = a_clock(60, elapsed, p50_ms=1000.0)
    elapsed.now = 32
    assert clock.final_s(["a"], FinalPlan(1, 2, 1)) > 20
    assert clock.worth_trying([])
    assert not clock.worth_trying(["a"])  # there time goes to showing what it looked like


def test_set_limit_with_more_time_counts_from_now_on(elapsed: Elapsed) -> None:
    """Given a run of 60 s that is resumed for 300 s, Then it has these 300 s whatever the cache saves, and predicts as
    many items as before."""
    clock = limited(360, elapsed, begun_s=60, from_now_s=300)
    clock.record_cached(50)
    elapsed.now = 10
    assert clock.left_s == 290
    assert clock.answer_s == limited(60, elapsed).answer_s


def test_plan_more_with_less_time_has_fewer_versions_and_sets(elapsed: Elapsed) -> None:
    """Given less and less time, Then another round has fewer versions, then fewer sets, and finally there is none."""
    clock = a_clock(100, elapsed)
    found = []
    for now in (0, 70, 85, 93, 97, 99.5):
        elapsed.now = now
        plan = clock.plan_more(["a", "b", "c"], [])
        found.append(None if plan is None else (plan.versions, plan.sets))
    assert found[0] == (3, 5) and found[-1] is None
    known = [one for one in found if one is not None]
    assert known == sorted(known, reverse=True) and known[-1] == (1, 2)


@pytest.mark.parametrize(("limit_s", "reserve_s"), [(100, 1.3 * 21), (60, 1.3 * 14), (40, 0.35 * 40), (20, 0.0)])
def test_proof_s_covers_two_versions_then_one_then_a_share(elapsed: Elapsed, limit_s: float, reserve_s: float) -> None:
    """Given 10 s of predictions and a version that predicts twice as fast as another, Then the reserve covers both by
    their own speed, or the first, or the share of the limit, and nothing where 59 examples exceed that."""
    clock = limited(limit_s, elapsed)
    clock.record_predictions(items=100, evaluated=100, seconds=10.0, other_s=2.0)
    clock.record_answer_speedup("b", 2.0)
    assert clock.proof_s(["a", "b", "c"]) == pytest.approx(reserve_s)
    clock.to_prove = ["a"]
    assert clock.proof_s(["b"]) == pytest.approx(reserve_s)


def test_items_in_time_counts_what_is_predicted(elapsed: Elapsed) -> None:
    """Given 13 s, an original and a version that need .1 s for an example and 1 s to start, Then both predict 40; if each
    has predicted 20, they come to 60, and only the rest of the original is expected."""
    clock = limited(14, elapsed)
    clock.record_predictions(items=100, evaluated=0, seconds=10.0, other_s=1.0, share=1.0)
    assert clock.items_in_time(1.0) == 40
    clock.record_predictions(items=100, evaluated=20, seconds=2.0)
    assert clock.items_in_time(1.0, 20) == 60
    assert clock.rest_s == pytest.approx(9.0)


def test_more_s_grows_with_untried_recipes_and_open_versions(elapsed: Elapsed) -> None:
    """Given nothing left to do, Then no more time is offered; with untried recipes or open versions, more for each."""
    clock = a_clock(100, elapsed)
    assert clock.more_s(0, []) is None
    one, two, open_one = clock.more_s(1, []), clock.more_s(2, []), clock.more_s(0, ["a"])
    assert open_one < one < two
    assert limited(60, elapsed).more_s(3, []) == 60  # where not even the original was measured, as much again


def test_within_passes_results_and_errors() -> None:
    """Given a flow that yields, catches and returns, When it is bounded, Then results and errors reach it as before."""
    error = JobError(ErrorInfo(code="x", title="X", detail="It is.", hint="Go."), 3)

    def inner() -> Flow[list[Any]]:
        seen = [(yield STEP)]
        try:
            yield STEP
        except JobError as caught:
            seen.append(caught)
        return seen

    flow: Generator[Any, Any, Any] = within(inner(), lambda: 5.0)
    assert next(flow).limits.wall_s == 5.0
    assert flow.send("first").limits.wall_s == 5.0
    with pytest.raises(StopIteration) as stop:
        flow.throw(error)
    assert stop.value.value == ["first", error]


def test_within_closes_the_inner_flow() -> None:
    """Given a program that closes, Then the inner flow is closed too."""
    closed = []

    def inner() -> Flow[None]:
        try:
            yield STEP
        finally:
            closed.append(True)

    flow = within(inner(), lambda: 5.0)
    next(flow)
    flow.close()
    assert closed == [True]
