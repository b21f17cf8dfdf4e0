"""A language model as an ONNX graph of few bits: the same model, by the names that other programs look for."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recording import RecordingContext
from situations import TEXT, planner
from tiny_llama import items, write_tiny_llama

from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model
from workers.contracts.jobs import OpenParams
from workers.contracts.planning import NOT_FOR_FORMAT
from workers.contracts.specs import Recipe, RecipeStep
from workers.contracts.techniques import Model
from workers.infer import onnxruntime_cpu, openvino
from workers.infer.onnxruntime_chat import FIRST_ROOM
from workers.infer.openvino_program import import_library
from workers.model_io.opening import open_model
from workers.model_io.readers.named_weights import weights_of
from workers.quantize import bf16, language_onnx
from workers.quantize.weights.source_folder import tensor_of, write_source

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def original(tmp_path_factory: Any) -> Model:
    """A small Llama whose table of words is also its last layer, opened."""
    folder = tmp_path_factory.mktemp("language")
    write_tiny_llama(folder / "tiny", tie_word_embeddings=True, max_position_embeddings=2048)
    result = open_model(OpenParams(path=str(folder / "tiny")), RecordingContext(work_dir=folder))
    return read_model(folder / result.model_dir)


@pytest.fixture(scope="module")
def version(original: Model, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Return the folder of the model with its weights in 8 bits, made once for all tests."""
    return made(original, tmp_path_factory.mktemp("version"))


def made(model: Model, work: Path, **params: Any) -> Model:
    work.mkdir(exist_ok=True)
    language_onnx.apply(model, language_onnx.Params(**params), RecordingContext(work_dir=work))
    assert sorted(path.name for path in work.iterdir()) == ["model"]  # nothing else was left
    return read_model(work / "model")


def program_of(model: Model) -> Any:
    return import_library().Core().read_model(str(model.main))


def session_of(model: Model) -> Any:
    load = onnxruntime_cpu.load if model.artifact.format == "onnx" else openvino.load
    return load(model.main, dict(model.artifact.settings), 1)


@pytest.mark.whole
def test_every_weight_keeps_its_name_in_the_opened_model(original, tmp_path):
    # Given what its source called them
    import torch
    import transformers

    source = original.folder / "source"
    assert json.loads((source / "config.json").read_text())["model_type"] == "llama"
    # When the opened graph runs
    weights = weights_of(program_of(original))
    # Then all are there but a norm of ones, and the table of words is the last layer, too
    assert {"model.embed_tokens.weight", "model.layers.1.mlp.down_proj.weight"} <= set(weights)
    assert json.loads((source / "uniform_weights.json").read_text())["model.norm.weight"] == [1.0, [64]]
    first, last = weights["model.embed_tokens.weight"], weights["lm_head.weight"]
    assert first.get_friendly_name() == last.get_friendly_name()
    # And written out they are a folder that the library opens, to the last bit
    write_source(original, tmp_path, "It", RecordingContext(work_dir=tmp_path))
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.bfloat16)
    ids = torch.from_numpy(items(1)[0]["input_ids"])
    want = session_of(original).run({"input_ids": ids.numpy()})["next_tokens"][0]
    with torch.inference_mode():
        got = torch.log_softmax(again.float()(input_ids=ids).logits[0], -1)[:-1].max(-1)
    np.testing.assert_array_equal(got.indices.numpy(), want[:, 2])


def test_8_bits_keep_the_next_words_and_names(original, version, tmp_path):
    # Given the version in 8 bits, Then it is an ONNX model of transformers.js' names, with sizes for the cache
    import onnx

    proto = onnx.load(str(version.main), load_external_data=False)
    given = {entry.name: [size.dim_value for size in entry.type.tensor_type.shape.dim] for entry in proto.graph.input}
    assert set(given) >= {"input_ids", "attention_mask", "past_key_values.0.key", "past_key_values.1.value"}
    assert given["past_key_values.0.key"][1::2] == [2, 16]
    assert {"logits", "present.0.key", "present.1.value"} <= {entry.name for entry in proto.graph.output}
    artifact = version.artifact
    assert (artifact.format, artifact.precision) == ("onnx", "int8 weights")
    assert artifact.runtimes == ("onnxruntime-cpu", "onnxruntime-cuda")
    assert "inference_precision" not in artifact.settings
    # And words are looked up in 16 bits, to the last digit that the source has
    (table,) = (tensor for tensor in onnx.load(str(version.main)).graph.initializer if "embed_tokens" in tensor.name)
    source = weights_of(program_of(original))["model.embed_tokens.weight"]
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(table), tensor_of(source).half().numpy())
    # And thinks nearly what the original thinks
    first, second = session_of(original), session_of(version)
    kept = []  # of all texts together: of eleven words in one, three may be a matter of the processor's rounding
    for feeds in items(6):
        want, got = first.run(feeds)["next_tokens"][0], second.run(feeds)["next_tokens"][0]
        kept += (want[:, 2] == got[:, 2]).tolist()
        assert np.abs(want[:, 1] - got[:, 1]).mean() < 0.4
    assert np.mean(kept) > 0.8
    # And 4 bits are further away
    plain = {"bits": 4, "group_size": 32, "searched": False, "sensitive_in_8_bits": False}
    third = session_of(made(original, tmp_path / "few", **plain))
    feeds = items(1)[0]
    want, got, few = (one.run(feeds)["next_tokens"][0][:, 1] for one in (first, second, third))
    assert np.abs(want - few).mean() > 2 * np.abs(want - got).mean()


def test_reading_continues_with_the_cache(version):
    """Given a text that needs more room than the cache has at first, and another one after it."""
    session = session_of(version)
    ids = np.random.default_rng(1).integers(3, 260, FIRST_ROOM + 40)
    # When it is read in one go, and token by token
    session.begin()
    whole = session.read(ids)
    session.begin()
    for token in ids:
        stepped = session.read(np.asarray([token]))
    # Then both think the same of what follows, but for the rounding of inputs, which is another one for many at once
    assert np.corrcoef(whole, stepped)[0, 1] > 0.98
    # And what was read before is forgotten
    session.begin()
    again = session.read(ids[:9])
    fresh = session_of(version).read(ids[:9])
    np.testing.assert_array_equal(again, fresh)
    # And what it goes on with is its own likeliest token each time
    tokens = session.run({"input_ids": ids[None, :9], "new_tokens": np.asarray([5])})["tokens"][0]
    session.begin()
    logits = session.read(ids[:9])
    for token in tokens:
        assert token == logits.argmax()
        logits = session.read(np.asarray([token]))
    session.close()


def test_token_outside_of_the_vocabulary_is_refused(version):
    with pytest.raises(ValueError, match="outside of the model's vocabulary"):
        session_of(version).run({"input_ids": np.asarray([[3, 9999]])})


def test_language_onnx_of_a_version_is_refused(original, tmp_path):
    # Given a version of the model, which has not what its source had
    ctx = RecordingContext(work_dir=tmp_path)
    bf16.apply(original, bf16.SPEC.params(), ctx)
    # When the step comes second
    with pytest.raises(InputRefused) as caught:
        language_onnx.apply(read_model(tmp_path / "model"), language_onnx.Params(), ctx)
    # Then the error names its place
    assert caught.value.code == "not_the_original" and "first" in caught.value.hint


def test_graph_without_names_is_refused(original, tmp_path):
    # Given a model whose graph lost the name of one weight
    import shutil

    folder = tmp_path / "nameless"
    shutil.copytree(original.folder, folder)
    text = (folder / "model.xml").read_text()
    (folder / "model.xml").write_text(text.replace("weight:model.layers.1.mlp.down_proj.weight", "Constant_1"))
    ctx = RecordingContext(work_dir=tmp_path)
    # When it is to be made
    with pytest.raises(InputRefused) as caught:
        language_onnx.apply(read_model(folder), language_onnx.Params(), ctx)
    # Then the weight is named
    assert caught.value.code == "weights_without_names"
    assert caught.value.facts["lacking"] == ["model.layers.1.mlp.down_proj.weight"]
    assert not (tmp_path / "source").exists()


def test_model_too_large_for_memory_is_not_tried():
    """Given a computer of 8 GiB, Then half a GB of weights is tried, and 4 GB in 16 bits are not, with the reason."""
    small = replace(TEXT, precision="bf16", weight_bytes=1 << 29)
    large = replace(small, weight_bytes=4 << 30)
    params = language_onnx.Params()
    assert language_onnx.why_not(planner(model=small).situation, params) is None
    refused = language_onnx.why_not(planner(model=large).situation, params)
    assert refused is not None and (refused.code, "21 GB" in refused.text) == ("too_large", True)
    whole = replace(large, precision="fp32", weight_bytes=3 << 30)
    assert language_onnx.why_not(planner(model=whole).situation, params) is None


def test_engine_options_follow_the_steps():
    """Given a model of another format, Then a step that writes ONNX may be run by what opens ONNX, and no other."""
    chat = replace(TEXT, precision="bf16", format="openvino-ir", input_kind="text", runtime="openvino")
    plan = planner(model=chat)
    step = RecipeStep(technique="language_onnx")
    assert plan.why_not(Recipe(id="a", title="A", steps=(step,), runtime="onnxruntime-cpu")) is None
    assert plan.why_not(Recipe(id="b", title="B", steps=(), runtime="onnxruntime-cpu")).code == NOT_FOR_FORMAT
    then = RecipeStep(technique="language_int8")
    assert plan.why_not(Recipe(id="c", title="C", steps=(step, then), runtime="onnxruntime-cpu")) is not None
