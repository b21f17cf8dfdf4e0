"""A language model's graph as it is compiled: attention with its cache in one node, logits only where they are asked."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workers.infer.openvino import load
from workers.infer.openvino_chat_graph import WANTED, ask_places, share_heads
from workers.infer.openvino_program import import_library


@pytest.mark.timeout(600)
def test_attention_stays_whole_and_only_asked_places_are_answered(tiny_chat: Callable[[], Path]) -> None:
    # Given a model of two layers whose heads share keys and values
    folder = tiny_chat()
    core = import_library().Core()

    def compiled(rewritten: bool) -> Counter[str]:
        model = core.read_model(str(folder / "model.xml"))
        if rewritten:
            assert share_heads(model) == 4 and ask_places(model)
        whole = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).get_runtime_model()
        return Counter(node.get_rt_info()["layerType"].astype(str) for node in whole.get_ops())

    # When it is compiled, Then OpenVINO takes attention apart as it is written, and not as it is rewritten
    assert compiled(False)["ScaledDotProductAttention"] == 0
    assert compiled(True)["ScaledDotProductAttention"] == 2


def test_an_output_that_no_table_of_words_gives_is_left_alone() -> None:
    library = import_library()
    ops = library.opset13
    source = ops.parameter([1, -1, 8], np.float32)
    model = library.Model([ops.relu(source)], [source], "other")
    assert not ask_places(model) and share_heads(model) == 0
    assert WANTED not in {name for port in model.inputs for name in port.get_names()}


def test_a_text_read_on_is_answered_as_one_read_at_once(tiny_chat: Callable[[], Path]) -> None:
    # Given the same tokens, When they are read in one piece and in two, Then what follows is the same
    session = load(tiny_chat() / "model.xml", {"chat": True, "inference_precision": "f32"}, 1)
    ids = np.arange(5, 45, dtype=np.int64) % session.vocabulary
    session.begin()
    at_once = session.read(ids)
    session.begin()
    session.read(ids[:33])
    np.testing.assert_allclose(session.read(ids[33:]), at_once, atol=1e-4, rtol=1e-3)
    session.close()
