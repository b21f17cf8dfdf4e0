"""The services of real models, asked by tritonclient over HTTP."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from exported_models import Optimized, manifest, opened_here, run_answers
from served_bundles import Served, ask, start, stop
from tritonclient.utils import np_to_triton_dtype

from workers.export.service.bundle_files.fettle_service.protocol import DATATYPES
from workers.pipeline.golden import compare_golden
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(3600)]
SAME = 1e-3
"""Of the largest number of an output: the server's threads add in another order."""


class Asked:
    """A session of a runtime that is the server, for `compare_golden`."""

    def __init__(self, client: triton.InferenceServerClient, name: str, outputs: list[str], binary: bool) -> None:
        self.client, self.name, self.outputs, self.binary = client, name, outputs, binary

    def run(self, feeds: Any) -> dict[str, Any]:
        inputs = []
        for name, values in feeds.items():
            one = triton.InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype))
            one.set_data_from_numpy(values, binary_data=self.binary)
            inputs.append(one)
        wanted = [triton.InferRequestedOutput(name, binary_data=self.binary) for name in self.outputs]
        answer = self.client.infer(self.name, inputs, outputs=wanted)
        return {name: answer.as_numpy(name) for name in self.outputs}


@pytest.fixture(scope="module")
def served(model: Optimized) -> Iterator[Served]:
    running = start(model.bundle("service"))
    yield running
    assert stop(running)[0] == 0


@pytest.fixture
def client(served: Served) -> Iterator[triton.InferenceServerClient]:
    made = triton.InferenceServerClient(served.address, connection_timeout=300, network_timeout=300)
    yield made
    made.close()


def test_it_is_ready_and_described(served: Served, client: triton.InferenceServerClient) -> None:
    """Given the service of an optimized version, then health, metadata and index tell the original's interface."""
    name, spec = manifest(served.folder)["serving"]["name"], load_pipeline(served.folder).spec
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(name)
    told = client.get_model_metadata(name)
    for entries, described in ((told["inputs"], spec.inputs), (told["outputs"], spec.outputs)):
        assert [(one["name"], one["datatype"]) for one in entries] == [
            (one.name, DATATYPES[one.dtype]) for one in described
        ]
        assert [one["shape"] for one in entries] == [[-1 if n is None else n for n in one.shape] for one in described]
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert client.get_model_repository_index()[0]["state"] == "READY"


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "JSON"])
def test_it_answers_as_the_app(served: Served, client: triton.InferenceServerClient, binary: bool) -> None:
    """Given the app's own answers, then both ways to send tensors give them, and all outputs are this program's own."""
    pipeline = load_pipeline(served.folder)
    names = [one.name for one in pipeline.spec.outputs]
    asked = Asked(client, manifest(served.folder)["serving"]["name"], names, binary)
    golden = served.folder / "golden"
    count = len(Prepared(golden / "inputs"))
    assert count >= 10
    assert compare_golden(golden, pipeline, asked) == (count, [])
    here = opened_here(served.folder)
    for index in range(3):
        feeds = {name: np.array(value) for name, value in Prepared(golden / "inputs")[index].items()}
        given, wanted = asked.run(feeds), here.run(feeds)
        for name in names:
            assert given[name].dtype == wanted[name].dtype and given[name].shape == wanted[name].shape
            scale = max(float(np.abs(wanted[name]).max()), 1e-6)
            np.testing.assert_allclose(given[name] / scale, wanted[name] / scale, rtol=0, atol=SAME, err_msg=name)


def test_it_answers_what_a_person_has(model: Optimized, served: Served) -> None:
    """Given pictures and texts as they are, then the service says what the Python folder's run.py says."""
    name, given = manifest(served.folder)["serving"]["name"], model.given()
    for one, wanted in zip(given, run_answers(model.bundle("python"), given), strict=True):
        body = one.encode() if isinstance(one, str) else one.read_bytes()
        status, told, _ = ask(served.port, "POST", f"/v2/models/{name}/answer", body)
        assert status == 200, told
        for key in ("scores", "shares"):
            assert told.get(key, {}) == pytest.approx(wanted.get(key, {}), abs=SAME)
        if isinstance(wanted["answer"], str):
            assert told["answer"] == wanted["answer"]


def test_a_version_for_openvino_is_what_answers(served: Served) -> None:
    """Given a version of another engine, then that engine runs here, not its fallback."""
    assert manifest(served.folder)["runtime"]["id"] == "openvino"
    status, told, _ = ask(served.port, "GET", f"/v2/models/{manifest(served.folder)['serving']['name']}")
    assert (status, told["platform"]) == (200, "openvino")
