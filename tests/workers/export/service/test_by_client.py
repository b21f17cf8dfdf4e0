"""The running server, used by tritonclient, the protocol's usual client."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tritonclient.http as triton
from served_bundles import Served
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from workers.infer.onnxruntime_cpu import load
from workers.pipeline.golden import compare_golden
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared

NAME = "my-shop"


class ByClient:
    """A session of a runtime that is the server, for `compare_golden`."""

    def __init__(self, client: triton.InferenceServerClient, binary: bool) -> None:
        self.client, self.binary = client, binary

    def run(self, feeds):
        inputs = []
        for name, values in feeds.items():
            one = triton.InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype))
            one.set_data_from_numpy(values, binary_data=self.binary)
            inputs.append(one)
        outputs = [triton.InferRequestedOutput("logits", binary_data=self.binary)]
        return {"logits": self.client.infer(NAME, inputs, outputs=outputs).as_numpy("logits")}


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[triton.InferenceServerClient]:
    made = triton.InferenceServerClient(served.address, concurrency=50)
    yield made
    made.close()


def test_it_is_ready_and_describes_itself(client: triton.InferenceServerClient, cnn_bundle: Path) -> None:
    """Given a started service, then health, metadata and index are what the client expects, with the original's names."""
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(NAME)
    report = client.get_model_metadata(NAME)
    spec = load_pipeline(cnn_bundle).spec
    assert [(one["name"], one["datatype"]) for one in report["inputs"]] == [(one.name, "FP32") for one in spec.inputs]
    assert [one["shape"] for one in report["inputs"]] == [
        [-1 if size is None else size for size in spec.inputs[0].shape]
    ]
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert client.get_model_repository_index() == [{"name": NAME, "version": report["versions"][0], "state": "READY"}]
    assert client.is_model_ready(NAME, report["versions"][0]) and not client.is_model_ready("another")


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "JSON"])
def test_golden_answers_are_alike(client: triton.InferenceServerClient, cnn_bundle: Path, binary: bool) -> None:
    """Given the golden inputs, then both formats of tensors give the answers of the computer that made the bundle."""
    assert compare_golden(cnn_bundle / "golden", load_pipeline(cnn_bundle), ByClient(client, binary)) == (20, [])


def test_a_hundred_at_once_each_get_their_own(client: triton.InferenceServerClient, cnn_bundle: Path) -> None:
    """Given a hundred different requests at once, then each gets the answer to its own input."""
    rng = np.random.default_rng(5)
    ((name, one),) = Prepared(cnn_bundle / "golden" / "inputs")[0].items()
    given = [rng.normal(size=one.shape).astype(np.float32) for _ in range(100)]
    requested = []
    for values in given:
        entry = triton.InferInput(name, list(values.shape), "FP32")
        entry.set_data_from_numpy(values)
        requested.append(client.async_infer(NAME, [entry]))
    session = load(cnn_bundle / "model" / "model.onnx", {}, 1)
    for values, request in zip(given, requested, strict=True):
        answer = request.get_result().as_numpy("logits")
        np.testing.assert_allclose(answer, session.run({name: values})["logits"], atol=1e-4)


def test_client_gets_the_reason_of_an_error(client: triton.InferenceServerClient) -> None:
    """Given an input that the model does not have, then the client's own exception carries the server's words."""
    one = triton.InferInput("strange", [1, 2], "FP32")
    one.set_data_from_numpy(np.zeros((1, 2), np.float32))
    with pytest.raises(InferenceServerException, match="the model has no input 'strange'"):
        client.infer(NAME, [one])
    with pytest.raises(InferenceServerException, match="there is no model 'another'"):
        client.infer("another", [one])
