"""Latency of honest clients while the service refuses hostile requests, against a quiet minute of the same run.

    python -m pytest -n0 -s -m slow tests/benchmarks/test_service_beside_hostile.py

Processes of their own send the golden inputs on kept and on new connections. In a hostile minute each of the thirteen
kinds of `hostile_requests` comes once, evenly spread. Quiet and hostile minutes take turns. The figure is the ratio of
the 99th percentiles over all minutes of a kind; the attacks' own work shares the processor with the service.
"""

import multiprocessing
import resource
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil
import pytest
from hostile_requests import HOSTILE, all_services, bundle_of, golden_exchange, honest_for
from served_bundles import Served
from web_pages import pictures

MINUTE_S, ROUNDS = 60.0, 2
KEEPS = (True, False)
MOST_RATIO = 2.0


def minute(
    array: Served, bodies: list[bytes], expected: list[bytes], attacked: dict[str, Served] | None
) -> list[float]:
    """Seconds of each honest request in one minute."""
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    clients = []
    for keeps in KEEPS:
        ours, theirs = context.Pipe(duplex=False)
        arguments = (array.port, bodies, expected, keeps, MINUTE_S, theirs)
        clients.append(context.Process(target=honest_for, args=arguments))
        clients[-1].start()
        pipes.append(ours)
    began_s = time.monotonic()
    for number, (kind, attack) in enumerate(HOSTILE.values()):
        if attacked is not None:
            time.sleep(max(0.0, began_s + number * MINUTE_S / len(HOSTILE) - time.monotonic()))
            with suppress(AssertionError):  # how fast each is refused is another test's
                attack(attacked[kind])
    found = [pipe.recv() for pipe in pipes]
    for one in clients:
        one.join()
    assert [wrong for _, wrong in found if wrong] == []
    return [second for seconds, _ in found for second in seconds]


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_p99_during_hostile_requests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given quiet and hostile minutes in turn, Then the p99 of honest clients is under twice the quiet one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_096, hard), hard))
    with all_services(bundle_of(pictures(), tmp_path / "array"), tmp_path) as served:
        bodies, expected = golden_exchange(served["array"])
        quiet: list[float] = []
        hostile: list[float] = []
        for _ in range(ROUNDS):
            quiet += minute(served["array"], bodies, expected, None)
            hostile += minute(served["array"], bodies, expected, served)
    (q50, q99), (h50, h99) = (1000 * np.percentile(found, [50, 99]) for found in (quiet, hostile))
    with capsys.disabled():
        print(  # noqa: T201
            f"\nquiet: n {len(quiet):,}, p50 {q50:.2f} ms, p99 {q99:.2f} ms; hostile: n {len(hostile):,}, p50 {h50:.2f} ms,"
            f" p99 {h99:.2f} ms; {h99 / q99:.2f} times (load average {psutil.getloadavg()[0]:.1f})"
        )
    assert h99 < MOST_RATIO * q99
