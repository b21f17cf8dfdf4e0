"""A service that logs: what was asked, kept, refused, and by which release."""

import json
import shutil
from pathlib import Path

import numpy as np
from served_bundles import start, stop
from test_hostile import INFER, ask, request

from workers.monitor.reading import read_log
from workers.pipeline.prepared import Prepared

LOAD = "/v2/repository/models/my-shop/load"


def test_it_notes_requests_in_figures_alone(cnn_bundle: Path, make_bundle, tmp_path: Path) -> None:
    """Given twelve inputs, one of them asked twice, two bad requests, and another release in between, then the log counts
    them by release; the service stops well, and the log is whole."""
    newer = make_bundle("cnn", knee=4, note="another release")
    running = start(cnn_bundle, "--log", str(tmp_path / "log"))
    items = [
        next((name, np.array(values)) for name, values in item.items())
        for item in Prepared(cnn_bundle / "golden" / "inputs")
    ]
    for item in [*items[:12], items[0]]:
        assert ask(running.port, "POST", INFER, json.dumps(request(item)).encode())[0] == 200
    for body in (b"{", b'{"inputs": []}'):
        assert ask(running.port, "POST", INFER, body)[0] == 400
    body = json.dumps({"parameters": {"path": str(newer)}}).encode()
    assert ask(running.port, "POST", LOAD, body, running.may_load)[0] == 200
    assert ask(running.port, "POST", INFER, json.dumps(request(items[0])).encode())[0] == 200
    assert stop(running)[0] == 0
    found = read_log(tmp_path / "log")
    counted = [
        tuple(sum(getattr(one, name) for one in part.records) for name in ("n", "kept", "errors", "lost"))
        for part in found.parts
    ]
    assert counted == [(13, 1, 2, 0), (1, 0, 0, 0)]
    assert not found.left_out
    assert all(sum(one.latency.values()) == one.n - one.kept for part in found.parts for one in part.records)


def test_a_release_of_before_there_was_a_log_is_not_taken(cnn_bundle: Path, tmp_path: Path) -> None:
    """Given a service that logs and a bundle that cannot, then it is told so and the present one goes on."""
    from workers.pipeline.golden import write_sums

    older = tmp_path / "older"
    shutil.copytree(cnn_bundle, older)
    shutil.rmtree(older / "fettle_bundle" / "monitor")
    write_sums(older)
    running = start(cnn_bundle, "--log", str(tmp_path / "log"))
    body = json.dumps({"parameters": {"path": str(older)}}).encode()
    status, told, _ = ask(running.port, "POST", LOAD, body, running.may_load)
    assert (status, "cannot log" in told["error"]) == (409, True)
    assert ask(running.port, "GET", "/v2/health/ready")[0] == 200
    assert stop(running)[0] == 0
