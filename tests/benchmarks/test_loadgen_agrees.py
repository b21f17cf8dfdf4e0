"""What MLCommons LoadGen says of a model is what the own loop says, in one process and one run, in turn."""

import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from bench_space import bench_space, opened_sample

from app.services.flow.driver import Driver
from app.services.flow.events import ignore
from app.services.flow.to_end import run_to_end
from app.services.flow.workspace import Workspace
from workers.infer.base import Session
from workers.measure.load.loadgen import run_scenario
from workers.measure.opening import open_session
from workers.measure.requests import Requests, load_requests
from workers.measure.throughput import OwnScenario, run_load, warm_up

ROUNDS, SECONDS = 7, 2.0
LIMIT = 0.05
ATTEMPTS = 3
QUIET_LOAD = 0.5


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    with bench_space(tmp_path / "home") as made:
        yield made


def nothing() -> None:
    """Not cancelled."""


def ratios(session: Session, requests: Requests, scenario: OwnScenario, logs: Path) -> tuple[float, float]:
    """LoadGen's median latency and throughput over the own loop's: medians over rounds in turn, ABBA."""
    per_s = warm_up(session, requests, 4.0, nothing)
    found: dict[str, list[tuple[float, float]]] = {"loadgen": [], "own": []}
    for number in range(ROUNDS):
        for who in ("loadgen", "own") if number % 2 == 0 else ("own", "loadgen"):
            if who == "own":
                load = run_load(session, requests, scenario, SECONDS, 0, nothing)
                found[who].append((median(load.latencies_ms), load.throughput_per_s))
            else:
                result = run_scenario(
                    session, requests, scenario, SECONDS, per_s, logs / f"{scenario}-{number}", 0, nothing
                )
                assert result.valid, result.reasons
                found[who].append((result.latency.p50_ms, result.throughput_per_s))
    pairs = list(zip(found["loadgen"], found["own"], strict=True))
    return median(a[0] / b[0] for a, b in pairs), median(a[1] / b[1] for a, b in pairs)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("scenario", "batch"), [("single-stream", 1), ("offline", 8)])
def test_loadgen_and_the_own_loop_agree(scenario: OwnScenario, batch: int, space: Workspace, tmp_path: Path) -> None:
    """Given the sample, then latency and throughput of both differ by at most 5 %; a busy machine is measured again."""
    model, data = run_to_end(Driver(space, opened_sample(), ignore))
    # two threads wait for each other, so that beside other programs their times are those of the scheduler
    threads = 2 if os.getloadavg()[0] < QUIET_LOAD else 1
    session = open_session(model.folder, "onnxruntime-cpu", {}, threads)
    requests = load_requests(model.folder, data.folder, batch)
    tried = []
    while len(tried) < ATTEMPTS and not (tried and all(abs(ratio - 1) <= LIMIT for ratio in tried[-1])):
        tried.append(ratios(session, requests, scenario, tmp_path / str(len(tried))))
        print(  # noqa: T201 - the figures are the point
            f"{scenario}: latency {tried[-1][0] - 1:+.1%}, throughput {tried[-1][1] - 1:+.1%}, "
            f"load {os.getloadavg()[0]:.1f}"
        )
    session.close()
    assert all(abs(ratio - 1) <= LIMIT for ratio in tried[-1]), tried
