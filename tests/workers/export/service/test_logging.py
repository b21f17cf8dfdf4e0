"""A service that logs its requests: answered, from the cache, refused, and by which release."""

import shutil
from pathlib import Path

from served_bundles import INFER, item_of, load, request, running, send_request

from workers.monitor.reading import read_log
from workers.pipeline.golden import write_sums


def test_it_notes_requests_in_figures_alone(cnn_bundle: Path, make_bundle, tmp_path: Path) -> None:
    """Given twelve inputs, one of them sent twice, two bad requests, and another release in between, then the log counts
    them by release; the service stops well, and the log is whole."""
    newer = make_bundle("cnn", knee=4, note="another release")
    items = [item_of(cnn_bundle, number) for number in range(12)]
    with running(cnn_bundle, "--log", str(tmp_path / "log")) as served:
        for item in [*items, items[0]]:
            assert send_request(served.port, "POST", INFER, request(item))[0] == 200
        for body in (b"{", b'{"inputs": []}'):
            assert send_request(served.port, "POST", INFER, body)[0] == 400
        assert load(served, newer)[0] == 200
        assert send_request(served.port, "POST", INFER, request(items[0]))[0] == 200
    found = read_log(tmp_path / "log")
    counted = [
        tuple(sum(getattr(one, name) for one in part.records) for name in ("n", "kept", "errors", "lost"))
        for part in found.parts
    ]
    assert counted == [(13, 1, 2, 0), (1, 0, 0, 0)]
    assert not found.left_out
    assert all(sum(one.latency.values()) == one.n - one.kept for part in found.parts for one in part.records)


def test_a_release_of_before_there_was_a_log_is_not_taken(cnn_bundle: Path, tmp_path: Path) -> None:
    """Given a service that logs and a bundle that cannot, then that is reported and the present one stays."""
    older = tmp_path / "older"
    shutil.copytree(cnn_bundle, older)
    shutil.rmtree(older / "fettle_bundle" / "monitor")
    write_sums(older)
    with running(cnn_bundle, "--log", str(tmp_path / "log")) as served:
        status, report = load(served, older)
        assert (status, "cannot log" in report["error"]) == (409, True)
