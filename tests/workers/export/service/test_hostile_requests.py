"""Thirteen kinds of hostile requests, and honest clients in the same minute."""

import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_requests import HOSTILE, MOST_BYTES, MOST_S, Honest, Peak, all_services, golden_exchange
from served_bundles import Served

MINUTE_S = 60.0
SENDING_S = 5.0
"""What this process takes itself to open and read a thousand connections on a busy computer."""


@pytest.fixture(scope="module")
def served(cnn_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Served]]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_096, hard), hard))
    with all_services(cnn_bundle, tmp_path_factory.mktemp("hostile")) as found:
        yield found
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_hostile_requests_are_refused_and_honest_clients_get_the_same_answers(served: dict[str, Served]) -> None:
    """Given thirteen kinds of hostile requests for a minute, Then each is refused within 5 s and 250 MB, and the answers of
    honest clients in that minute are those of the quiet service to the bit."""
    bodies, expected = golden_exchange(served["array"])
    honest = [Honest(served["array"].port, bodies, expected, keeps) for keeps in (True, True, False, False)]
    clients = [threading.Thread(target=one.run) for one in honest]
    for one in clients:
        one.start()
    ends_s, rounds = time.monotonic() + MINUTE_S, 0
    slow: dict[str, float] = {}
    try:
        while time.monotonic() < ends_s or not rounds:
            for name, (kind, attack) in HOSTILE.items():
                with Peak(served[kind]) as peak:
                    began_s = time.monotonic()
                    attack(served[kind])
                    slow[name] = max(slow.get(name, 0.0), time.monotonic() - began_s)
                assert peak.growth_bytes < MOST_BYTES, name
            rounds += 1
    finally:
        for one in honest:
            one.ended.set()
        for one in clients:
            one.join()
    assert {name: seconds for name, seconds in slow.items() if seconds > MOST_S + SENDING_S} == {}
    assert [wrong for one in honest for wrong in one.wrong] == []
    assert min(len(one.seconds) for one in honest) > 100
