"""A language model's graph as it is compiled: attention with its cache in one node, logits only at requested places."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workers.infer.openvino import load
from workers.infer.openvino_chat_graph import WANTED, add_places, share_heads
from workers.infer.openvino_program import import_library


@pytest.mark.timeout(600)
def test_attention_stays_one_operator(tiny_chat: Callable[[], Path]) -> None:
    # Given a model of two layers whose heads share keys and values
    folder = tiny_chat()
    core = import_library().Core()

    def compiled(rewritten: bool) -> Counter[str]:
        model = core.read_model(str(folder / "model.xml"))
        if rewritten:
            assert share_heads(model) == 4 and add_places(model)
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
    assert not add_places(model) and share_heads(model) == 0
    assert WANTED not in {name for port in model.inputs for name in port.get_names()}


def test_head_that_adds_values_per_token_is_left_alone() -> None:
    """Given logits with a bias, Then places can be requested; with values for each token, they cannot: those would
    be added to the wrong ones."""
    library = import_library()
    ops = library.opset13
    table, bias = (ops.constant(np.ones(shape, np.float32)) for shape in ((8, 20), (20,)))
    for of_tokens in (False, True):
        source, own = ops.parameter([1, -1, 8], np.float32), ops.parameter([1, -1, 20], np.float32)
        logits = ops.add(ops.matmul(source, table, False, False), own if of_tokens else bias)
        model = library.Model([logits], [source, own] if of_tokens else [source], "head")
        assert add_places(model) is not of_tokens


@pytest.mark.timeout(600)
def test_requested_places_have_the_logits_of_the_original_graph(tiny_chat: Callable[[], Path]) -> None:
    # Given a text of which some places are requested, in two pieces
    folder = tiny_chat()
    session = load(folder / "model.xml", {"chat": True, "inference_precision": "f32"}, 1)
    ids = np.random.default_rng(3).integers(0, session.vocabulary, 40)
    session.begin()
    found = np.concatenate(
        [session._call(ids[:25], np.asarray([0, 7, 24])).copy(), session._call(ids[25:], np.asarray([3, 14])).copy()]
    )
    session.close()
    # Then they are those that the file's own graph gives for all places at once
    plain = import_library().Core().compile_model(str(folder / "model.xml"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    request = plain.create_infer_request()
    places = {"attention_mask": np.ones((1, 40), np.int64), "position_ids": np.arange(40, dtype=np.int64)[None]}
    request.infer({"input_ids": ids[None], **places, "beam_idx": np.zeros(1, np.int32)})
    np.testing.assert_allclose(found, request.get_output_tensor(0).data[0][[0, 7, 24, 28, 39]], atol=2e-4, rtol=1e-3)


def test_rounded_cache_is_evaluated_token_by_token(tiny_chat: Callable[[], Path]) -> None:
    # Given caches in 8 bits and in 32, When a text is judged, Then 8 bits differ as they do for each token that follows
    plain, rounded = (
        load(tiny_chat() / "model.xml", {"chat": True, "inference_precision": "f32", **more}, 1)
        for more in ({}, {"cache_bits": 8})
    )
    ids = np.random.default_rng(5).integers(0, plain.vocabulary, (1, 60))
    whole, eight = (session.run({"input_ids": ids})["next_tokens"][0] for session in (plain, rounded))
    assert whole.shape == eight.shape and np.abs(whole[:, 1] - eight[:, 1]).max() > 1e-3
    rounded.begin()
    for token in ids[0, :-1]:
        following = rounded.read(np.asarray([token]))
    assert eight[-1, 2] == following.argmax()
    # And where it is read at once it looks unrounded, which is why it is not judged so
    rounded._judged_piece = plain._piece
    at_once = rounded.run({"input_ids": ids})["next_tokens"][0]
    assert np.abs(at_once - whole)[:, 1].max() < 0.5 * np.abs(eight - whole)[:, 1].max()
    plain.close()
    rounded.close()
    with pytest.raises(ValueError, match="cache_bits"):
        load(tiny_chat() / "model.xml", {"chat": True, "cache_bits": 4}, 1)


def test_words_before_those_that_count_are_read_at_once(tiny_chat: Callable[[], Path]) -> None:
    """Given inputs that are rounded and five words that count behind 30, Then only these are read one by one."""
    session = load(tiny_chat() / "model.xml", {"chat": True, "activation_group": 64}, 1)
    calls: list[int] = []
    logits = session._logits
    session._logits = lambda ids, places: calls.append(len(ids)) or logits(ids, places)
    counted = np.zeros((1, 36), np.int64)
    counted[0, 30:35] = 1
    found = session.run({"input_ids": np.arange(36)[None] % session.vocabulary, "counted": counted})
    assert calls == [29, *[1] * 6] and found["next_tokens"].shape[:2] == (1, 5)
    session.close()


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
