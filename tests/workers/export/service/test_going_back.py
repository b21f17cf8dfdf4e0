"""A running service loads releases forth and back under load: no request is lost, none is answered by anything but one
whole release, and what it does not take changes nothing."""

import json
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from served_bundles import INFER, Served, export_params, request, send_request, write_bundle

from workers.export.service.bundle_files.fettle_service.loading import request_load
from workers.export.service.bundle_files.fettle_service.secret import read_secret

CLIENTS = 8


@pytest.fixture(scope="module")
def other_bundle(make_small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same interface with other weights: its answers are its own."""
    proto = onnx.load(str(make_small("cnn").folder / "model.onnx"))
    for tensor in proto.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim > 1:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values * np.float32(0.5)), tensor.name))
    return write_bundle(export_params(make_small("cnn", proto)), tmp_path_factory.mktemp("other"))


def give(served: Served, folder: Path) -> str:
    """Have the service load the release in `folder`, as ``serve.py --switch`` does; return its version."""
    name = json.loads((folder / "manifest.json").read_text())["serving"]["name"]
    return request_load("127.0.0.1", served.port, name, folder, read_secret(served.secret_file))


def under_load(served: Served, item, releases: tuple[Path, Path], times: int) -> tuple[int, list[object]]:
    """(requests answered, what went wrong) while the service changes so many times."""
    failures: list[object] = []
    answers: dict[str, set[tuple[float, ...]]] = {}
    ended, counts = threading.Event(), [0] * CLIENTS
    body = request(item)

    def client(number: int) -> None:
        while not ended.is_set():
            try:
                status, report, _ = send_request(served.port, "POST", INFER, body)
            except OSError as error:
                failures.append(error)
                continue
            if status != 200:
                failures.append((status, report))
                continue
            counts[number] += 1
            answers.setdefault(report["model_version"], set()).add(tuple(np.round(report["outputs"][0]["data"], 3)))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for one in clients:
        one.start()
    versions = []
    for number in range(times):
        versions.append(give(served, releases[(number + 1) % 2]))
        assert send_request(served.port, "GET", "/v2")[1]["version"] == versions[-1]
    ended.set()
    for one in clients:
        one.join()
    assert versions[0] != versions[1] and set(versions) == set(versions[:2])
    assert set(answers) == set(versions[:2])
    assert all(len(found) == 1 for found in answers.values()), "a release gave two answers: it was not complete"
    assert len({next(iter(found)) for found in answers.values()}) == 2, (
        "both answer alike: nothing could be distinguished"
    )
    return sum(counts), failures


def test_forth_and_back_under_load(uncached: Served, item, cnn_bundle: Path, other_bundle: Path) -> None:
    """Given eight clients that send requests without a pause, when it goes to the next release and back, then none is lost, and each
    answer is that of one whole release."""
    answered, failures = under_load(uncached, item, (cnn_bundle, other_bundle), 2)
    assert failures == [] and answered > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_times_forth_and_back_under_load(
    uncached: Served, item, cnn_bundle: Path, other_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given the same, when it changes twenty times, then of all requests none is lost, and none is answered by a
    release that is not whole."""
    answered, failures = under_load(uncached, item, (cnn_bundle, other_bundle), 20)
    with capsys.disabled():
        print(f"\n20 changes under load: {answered} requests answered, {len(failures)} lost")  # noqa: T201
    assert failures == [] and answered > 200
