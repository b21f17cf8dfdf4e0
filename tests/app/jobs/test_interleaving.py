"""Test that variants take turns: one process at a time, A B B A, fresh sets, and a failure that harms no other."""

import os
import signal
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from jobs_bench import Bench, drive, is_alive

from app.jobs.client import JobClient
from app.jobs.interleaving import MOST_MORE, BlockGroup, Pace, order
from workers.contracts.process.messages import BlockDone, Cancelled, Finished, Progress, Ready, RunBlock, RunJob, Sample


@pytest.fixture
def bench(new_bench: Bench) -> Bench:
    """Return a bench without a fork server, because measured processes are never forked."""
    return new_bench


def group(bench: Bench, *params: dict[str, Any], **options: Any) -> BlockGroup:
    jobs: list[RunJob] = [bench.job("measure", params=one, job_id=f"m{number}") for number, one in enumerate(params)]

    def new_client() -> JobClient:
        client = bench.pool.take()
        bench.clients.append(client)
        return client

    paces = ("warmup_requests", "timed_requests", "block_max_s", "blocks", "least_block_s")
    pace = {name: options.pop(name) for name in paces if name in options}
    known = {"warmup_requests": 10, "timed_requests": 40, "block_max_s": 4.0, "blocks": 4}
    return BlockGroup(jobs, Pace(**{**known, **pace}), new_client=new_client, **{"sets": 3, **options})


def run(measured: BlockGroup, timeout_s: float = 120) -> list[tuple[int, Any]]:
    return drive(measured, lambda: measured.done, timeout_s)


def test_order_is_abba() -> None:
    assert order([0, 1], 4) == [0, 1, 1, 0, 0, 1, 1, 0]
    assert order([0, 2, 5], 2) == [0, 2, 5, 5, 2, 0]
    assert order([], 2) == []


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7])
def test_each_holds_each_place_equally_often(count: int) -> None:
    """Given as many sets as variants, Then each takes each place of a round equally often, and with an even number each
    follows each other one equally often."""
    rounds = [order(range(count), 2, number)[half : half + count] for number in range(count) for half in (0, count)]
    for place in range(count):
        assert Counter(one[place] for one in rounds) == dict.fromkeys(range(count), 2)
    if count % 2 == 0:
        followed = Counter(pair for one in rounds for pair in pairwise(one))
        assert set(followed.values()) == {2} and len(followed) == count * (count - 1)


@pytest.mark.whole
def test_two_variants_in_fresh_sets(bench: Bench) -> None:
    """Given two variants, Then each set has new processes, blocks follow A B B A, and all latencies are kept apart."""
    measured = group(bench, {}, {"request_s": 0.002}, sets=2, blocks=2, warmup_requests=2, timed_requests=5)
    came = run(measured)

    blocks = [index for index, message in came if isinstance(message, BlockDone)]
    assert blocks == [0, 1, 1, 0, 1, 0, 0, 1]
    a, b = measured.outcomes
    assert [[len(block) for block in one_set] for one_set in a.blocks_ms] == [[5, 5], [5, 5]]
    assert a.latencies_ms == [[1.0] * 10] * 2
    assert b.latencies_ms == [[2.0] * 10] * 2
    assert (len(a.results), a.failure) == (2, None)
    assert [[load.busy_share for load in one_set] for one_set in a.loads] == [[0.25] * 2] * 2
    pids = {message.pid for _, message in came if isinstance(message, Ready)}
    assert len(pids) == 4
    assert not any(is_alive(pid) for pid in pids)
    assert list((bench.root / "jobs").iterdir()) == []
    assert (measured.blocks_done, measured.total_blocks, measured.sets_done) == (8, 8, 2)


@pytest.mark.whole
def test_disturbed_set_gets_more_blocks_while_that_helps(bench: Bench) -> None:
    """Given a variant whose first blocks of a set are disturbed, Then all variants get more blocks in turn; given one that
    stays disturbed, Then only its first set does; given too little time or a single variant, Then there are none."""

    def blocks(*params: dict[str, Any], **options: Any) -> list[list[int]]:
        measured = group(
            bench, *params, sets=2, blocks=2, warmup_requests=0, timed_requests=20, block_max_s=2.0, **options
        )
        run(measured)
        assert measured.blocks_done <= measured.total_blocks
        return [[len(one_set) for one_set in timing.blocks_ms] for timing in measured.outcomes]

    assert blocks({}, {"disturbed_blocks": 4}) == [[6, 6]] * 2
    assert blocks({}, {"disturbed_blocks": 99}) == [[2 + 2 * MOST_MORE, 2]] * 2
    assert blocks({}, {"disturbed_blocks": 99}, budget_s=0.01) == [[2], [2]]
    assert blocks({"disturbed_blocks": 99}) == [[2, 2]]


@pytest.mark.whole
def test_blocks_of_all_variants_begin_with_the_same_input(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a slow variant with fewer requests per block, Then each of its blocks begins with the same input as the
    fast one's, in every set."""
    sent: dict[JobClient, list[RunBlock]] = {}
    send = JobClient.send

    def recorded(client: JobClient, turn: RunBlock) -> None:
        sent.setdefault(client, []).append(turn)
        send(client, turn)

    monkeypatch.setattr(JobClient, "send", recorded)
    options = {"sets": 2, "blocks": 2, "warmup_requests": 0, "timed_requests": 5, "block_max_s": 0.1, "budget_s": 60}
    run(group(bench, {}, {"request_s": 0.03}, **options))
    firsts = sorted([turn.first_request for turn in turns] for turns in sent.values())
    assert firsts == [[0, 5], [0, 5], [10, 15], [10, 15]]
    assert {turn.timed_requests for turns in sent.values() for turn in turns} == {5, 3}


def test_all_are_loaded_before_the_first_turn_and_none_overlap(bench: Bench) -> None:
    """Given three variants, Then every process is loaded before the first block, and blocks never overlap."""
    measured = group(bench, {}, {}, {}, sets=1, blocks=2, warmup_requests=1, timed_requests=5)
    came = run(measured)

    kinds = [type(message) for _, message in came]
    loaded = [place for place, (_, m) in enumerate(came) if isinstance(m, Ready) and m.state == "loaded"]
    assert max(loaded) < kinds.index(Sample)
    spans = sorted(tuple(message.times_s) for _, message in came if isinstance(message, Sample))
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_all_have_started_before_the_first_loads(bench: Bench) -> None:
    """Given three variants, Then their processes start together in each set before the first one loads."""
    came = run(group(bench, {}, {}, {}, sets=2, blocks=2, warmup_requests=0, timed_requests=2))

    states = [message.state for _, message in came if isinstance(message, Ready)]
    assert states == [*["started"] * 3, *["loaded"] * 3] * 2


def test_one_that_dies_while_it_starts_does_not_stop_the_others(bench: Bench) -> None:
    """Given three processes that start together, When one is killed early, Then the others are measured."""
    measured = group(bench, {}, {}, {}, sets=1, blocks=2, warmup_requests=0, timed_requests=2)
    os.kill(measured.pids[1], signal.SIGKILL)
    run(measured)

    assert [timing.failure is None for timing in measured.outcomes] == [True, False, True]
    assert [len(timing.latencies_ms[0]) for timing in measured.outcomes] == [4, 0, 4]


def test_nothing_is_sent_inside_a_turn(bench: Bench) -> None:
    """Given a handler that reports progress during its turn, Then the report comes after the block."""
    measured = group(bench, {}, sets=1, blocks=2, warmup_requests=0, timed_requests=2)
    came = [message for _, message in run(measured)]

    first = next(place for place, message in enumerate(came) if isinstance(message, Progress))
    assert isinstance(came[first + 1], Sample)
    assert isinstance(came[first + 2], BlockDone)


@pytest.mark.whole
@pytest.mark.parametrize("bad", [{"fail_in_block": 1}, {"refuse_to_load": True}])
def test_one_that_fails_does_not_stop_the_others(bench: Bench, bad: dict[str, Any]) -> None:
    """Given a variant that crashes in a block or cannot be loaded, Then it has a failure, and the rest is measured."""
    measured = group(bench, {}, bad, {}, sets=2, blocks=2, warmup_requests=0, timed_requests=3)
    came = run(measured)

    good, broken, also_good = measured.outcomes
    assert [len(one_set) for one_set in good.latencies_ms] == [6, 6]
    assert [len(one_set) for one_set in also_good.latencies_ms] == [6, 6]
    assert broken.failure is not None
    assert broken.results == []
    assert len([1 for index, m in came if index == 1 and not isinstance(m, (Ready, BlockDone, Sample, Progress))]) == 1


@pytest.mark.whole
@pytest.mark.parametrize("where", ["loading", "turn"])
def test_one_that_hangs_does_not_stop_the_others(bench: Bench, where: str) -> None:
    """Given a variant that never loads, or never ends its turn, Then it is ended as hanging, and the others are
    measured."""
    options = {"sets": 1, "blocks": 2, "warmup_requests": 0, "timed_requests": 3, "block_max_s": 0.02}
    measured = group(bench, {}, {"hang_in": where}, {}, load_deadline_s=8.0, block_deadline_s=4.0, **options)
    run(measured)

    good, hanging, also_good = measured.outcomes
    assert (good.failure, also_good.failure) == (None, None)
    assert [[len(one_set) for one_set in timing.latencies_ms] for timing in (good, also_good)] == [[6], [6]]
    assert hanging.failure.code == "hangs"


def test_cancel_ends_all_within_a_second(bench: Bench) -> None:
    measured = group(bench, {"request_s": 0.5}, {}, sets=3, blocks=2)
    came = drive(measured, lambda: measured._holder is not None)
    measured.cancel()
    came += drive(measured, lambda: measured.done, 1.0)

    assert {message for _, message in came if isinstance(message, Cancelled)} == {Cancelled()}
    assert not any(is_alive(message.pid) for _, message in came if isinstance(message, Ready))
    assert list((bench.root / "jobs").iterdir()) == []


def test_cancel_while_loading(bench: Bench) -> None:
    measured = group(bench, {}, {}, sets=1)
    measured.poll()
    measured.cancel()
    drive(measured, lambda: measured.done, 1.0)
    assert all(timing.outcome in (None, Cancelled()) for timing in measured.outcomes)


@pytest.mark.whole
def test_a_very_slow_model_gets_few_requests(bench: Bench) -> None:
    """Given a request that takes longer than a block may, Then two blocks of one request each are measured in one
    set."""
    measured = group(bench, {"request_s": 0.3}, sets=3, blocks=4, block_max_s=0.1, budget_s=1.0)
    came = run(measured)

    assert measured.sets_done == 1
    assert [len(block) for block in measured.outcomes[0].blocks_ms[0]] == [1, 1]
    assert isinstance(came[-1][1], Finished)
    assert len(measured.outcomes[0].results) == 1


def test_pace_fits_blocks_into_their_time() -> None:
    pace = Pace(warmup_requests=10, timed_requests=40, block_max_s=4.0, blocks=4)
    assert pace.block(None) == (10, 40)
    assert pace.block(1.0) == (10, 40)
    assert pace.block(200.0) == (4, 16)
    assert pace.block(30_000.0) == (0, 1)
    assert (pace.blocks_of(3000.0), pace.blocks_of(30_000.0)) == (4, 2)


def test_pace_lengthens_blocks_of_fast_models() -> None:
    """Given a least duration, Then blocks of the fastest model have as many requests as fill it, within a limit, with a
    fifth for the warm-up; slower ones get the same number."""
    pace = Pace(warmup_requests=10, timed_requests=40, block_max_s=2.0, blocks=2, least_block_s=0.08)
    assert pace.block(0.4, 0.4) == (40, 200)
    assert pace.block(0.8, 0.4) == pace.block(None, 0.4) == (40, 200)
    assert pace.block(0.01, 0.01) == (80, 400)
    assert pace.block(5.0, 5.0) == pace.block(None, None) == (10, 40)
    assert pace.block(20.0, 0.4) == (20, 80)


@pytest.mark.whole
def test_blocks_grow_for_all_alike(bench: Bench) -> None:
    """Given requests of 1 ms and of 4 ms, Then from the second block on both have as many requests as fill a tenth of a
    second of the faster one."""
    measured = group(
        bench, {}, {"request_s": 0.004}, sets=1, blocks=3, warmup_requests=0, timed_requests=5, least_block_s=0.1
    )
    run(measured)
    fast, slow = ([len(block) for block in timing.blocks_ms[0]] for timing in measured.outcomes)
    assert fast == slow and fast[0] == 5 and min(fast[1:]) > 20


def test_no_jobs_is_done_at_once() -> None:
    assert BlockGroup([], Pace(10, 40, 4.0, 4), sets=3).done


def test_a_slow_one_gets_two_blocks(bench: Bench) -> None:
    """Given a variant that is clearly slower than wanted, Then it gets two blocks, and a fast one gets all."""
    for params, blocks in (({"request_s": 0.002}, 2), ({}, 5)):
        measured = group(bench, params, sets=1, blocks=5, warmup_requests=0, timed_requests=4, slow_over_ms=1.5)
        run(measured)
        (timing,) = measured.outcomes
        assert [len(one_set) for one_set in timing.blocks_ms] == [blocks]
        assert timing.failure is None and len(timing.results) == 1
