"""Encoders and decoders with a cache, in optimum's files: the same tokens as the library's own `generate`, with and
without the cache, from apart and merged decoders; what does not fit is refused; a cache that is wrong has regressed."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from opened_parts import answers_of, data_of, opened_of
from recording import RecordingContext
from small_models import floats, model_of, nodes_of
from small_seq2seq import SECONDS, merged_of, t5, turned_round, whisper, with_old_cache, write_seq2seq
from small_translator import END, FIRST, VOCABULARY, words

from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model
from workers.contracts.jobs import ApplyParams, OpenParams
from workers.contracts.specs import RecipeStep
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.judge import judge
from workers.measure.opening import open_session
from workers.model_io.opening import inspect_model
from workers.model_io.readers.generation_loop import loop_of
from workers.model_io.readers.onnx_graph import read_graph
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.spec import PipelineError
from workers.runtime.kinds import load_job

COUNT = 400
DECODER, STEP = "decoder_model.onnx", "decoder_with_past_model.onnx"


@pytest.fixture(scope="module")
def source() -> Path:
    return turned_round()[0]


@pytest.fixture(scope="module")
def opened(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return opened_of(source, tmp_path_factory.mktemp("opened"))


@pytest.fixture(scope="module")
def data(opened: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("data")
    lines = ["text,translation", *(f"{word},{word[::-1]}" for word in words(np.random.default_rng(4), COUNT))]
    return data_of(opened, work, lines)


def texts(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Two texts of other lengths, as one request."""
    ids = rng.integers(FIRST, VOCABULARY, (2, 7))
    ids[:, -1] = ids[0, 4] = END
    mask = np.ones_like(ids)
    mask[0, 5:] = ids[0, 5:] = 0
    return {"input_ids": ids, "attention_mask": mask}


def sounds(rng: np.random.Generator) -> dict[str, np.ndarray]:
    count = int(rng.integers(8000, 16_000 * SECONDS))
    return {"audio": rng.standard_normal((1, count)).astype(np.float32) * rng.random()}


def wanted_of(model: Any, feeds: dict[str, np.ndarray]) -> list[list[int]]:
    """What the library itself generates, without what it begins with."""
    if "audio" in feeds:
        from transformers import WhisperFeatureExtractor

        heard = WhisperFeatureExtractor(feature_size=80, chunk_length=SECONDS)
        spectrum = heard(feeds["audio"][0], sampling_rate=16_000, return_tensors="pt").input_features
        return model.generate(spectrum).tolist()
    given = {name: torch.from_numpy(value) for name, value in feeds.items()}
    return model.generate(**given, num_beams=1, do_sample=False)[:, 1:].tolist()


@pytest.mark.whole
@pytest.mark.parametrize(
    ("make", "feed"),
    [
        pytest.param(None, texts, id="marian"),
        pytest.param(t5, texts, id="t5", marks=pytest.mark.slow),
        pytest.param(whisper, sounds, id="whisper"),
    ],
)
@pytest.mark.filterwarnings("ignore")  # of the library's own generate
def test_tokens_are_those_of_generate(make: Callable[[], Any] | None, feed: Callable[..., Any], tmp_path: Path) -> None:
    """Given the files apart, merged, and without a cache, Then all three answer token by token as the library does."""
    if make is None:
        apart, model = turned_round()
    else:
        model = make()
        apart = write_seq2seq(tmp_path / "apart", model)
    merged, plain = merged_of(apart, tmp_path / "merged"), tmp_path / "plain"
    shutil.copytree(apart, plain)
    (plain / STEP).unlink()
    rng = np.random.default_rng(1)
    given = [feed(rng) for _ in range(6)]
    wanted = [wanted_of(model, feeds) for feeds in given]
    assert len({str(row) for row in wanted}) >= 3  # a model that always gives the same would prove nothing
    for folder in (apart, merged, plain):
        whole = opened_of(folder, tmp_path / f"{folder.name}_opened")
        assert (load_pipeline(whole).spec.generation.cache is None) == (folder is plain)
        session = open_session(whole, "onnxruntime-cpu", {}, 1)
        found = [session.run(feeds)["tokens"].tolist() for feeds in given]
        session.close()
        assert found == wanted


def test_translator_reverses_words(source: Path, opened: Path) -> None:
    """Given a word that nobody has seen, Then it comes out turned round, as a translation; nothing and too much do not."""
    pipeline, session = load_pipeline(opened), open_session(opened, "openvino", {}, 1)
    assert pipeline.spec.task == "translation"
    assert pipeline.text_of(pipeline.answer(session, pipeline.feeds_from("abcde"))) == "edcba"
    with pytest.raises(PipelineError, match="no text"):
        pipeline.feeds_from(" ")
    with pytest.raises(PipelineError, match=r"reads 64 at once"):
        pipeline.feeds_from("a" * 90)


@pytest.mark.parametrize("technique", ["int8_dynamic", "bf16"])
def test_each_part_is_made_smaller(technique: str, opened: Path, data: Path, tmp_path: Path) -> None:
    """Given a step, Then all three parts carry it, and the texts are judged as texts by the right ones."""
    ctx = RecordingContext(tmp_path, data_dir=data)
    load_job("apply").run(ApplyParams(model_dir=str(opened), steps=(RecipeStep(technique=technique),)), ctx)
    artifact = read_model(tmp_path / "model").artifact
    assert [step.technique for step in artifact.steps] == [technique] and len(artifact.settings["parts"]) == 3
    if technique == "bf16":  # another engine's setting: nothing else has changed
        return
    before, after = (answers_of(folder, data, tmp_path) for folder in (opened, tmp_path / "model"))
    judgement = judge(read_dataset(data), before, after, 5.0)
    assert judgement.verdict == "safe", judgement


@pytest.mark.whole
def test_outdated_cache_has_regressed(source: Path, opened: Path, data: Path, tmp_path: Path) -> None:
    """Given a decoder with past that gives back an older cache, Then it is never safe."""
    other = tmp_path / "old"
    shutil.copytree(source, other)
    with_old_cache(other / STEP)
    answers = answers_of(opened_of(other, tmp_path / "work"), data, tmp_path)
    judgement = judge(read_dataset(data), answers_of(opened, data, tmp_path), answers, 5.0)
    assert judgement.verdict == "regressed"


def _other_encoder(folder: Path) -> None:
    """One that gives 24 numbers for each word."""
    free = [onnx.helper.make_tensor_value_info(name, 7, ["n", "k"]) for name in ("input_ids", "attention_mask")]
    table = onnx.numpy_helper.from_array(np.ones((VOCABULARY, 24), np.float32), "table")
    nodes, states = nodes_of("last_hidden_state = Gather (table, input_ids)"), floats("last_hidden_state", "n", "k", 24)
    onnx.save_model(model_of(nodes, free, [states], [table]), folder / "encoder_model.onnx")


def _renamed(folder: Path) -> None:
    path = folder / STEP
    model = onnx.load(str(path))
    entry = next(entry for entry in model.graph.input if entry.name.endswith("1.decoder.key"))
    for node in model.graph.node:
        node.input[:] = ["past_of_nothing" if name == entry.name else name for name in node.input]
    entry.name = "past_of_nothing"
    onnx.save_model(model, str(path))


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda folder: (folder / "encoder_model.onnx").unlink(), "part_missing"),
        (lambda folder: (folder / DECODER).unlink(), "part_missing"),
        (_other_encoder, "parts_of_different_models"),
        (_renamed, "cache_does_not_fit"),
    ],
    ids=["no encoder", "no decoder", "other width", "other names"],
)
def test_parts_that_do_not_fit_are_refused(harm: Any, code: str, source: Path, tmp_path: Path) -> None:
    """Given a folder with a part missing, or with parts of different models, Then the error names it, and what to do."""
    folder = tmp_path / "model"
    shutil.copytree(source, folder)
    harm(folder)
    with pytest.raises(InputRefused) as refused:
        inspect_model(OpenParams(path=str(folder)), RecordingContext(tmp_path))
    assert refused.value.code == code and refused.value.hint


def test_cache_of_other_sizes_is_refused(source: Path) -> None:
    """Given a decoder with past of more heads, Then its cache does not fit."""
    encoder, decoder, step = (read_graph(onnx.load(source / name)) for name in ("encoder_model.onnx", DECODER, STEP))
    wider = [
        e.model_copy(update={"shape": (e.shape[0], 7, *e.shape[2:])}) if "past" in e.name else e for e in step.inputs
    ]
    with pytest.raises(InputRefused) as refused:
        loop_of(source, encoder, decoder, replace(step, inputs=tuple(wider)))
    assert refused.value.code == "cache_does_not_fit" and "other sizes" in refused.value.detail


def test_generation_without_an_end_stops(source: Path, tmp_path: Path) -> None:
    """Given an end that never comes and no longest answer, Then it stops, and a note says that this was guessed."""
    folder = tmp_path / "model"
    shutil.copytree(source, folder)
    for name in ("config.json", "generation_config.json"):
        config = json.loads((folder / name).read_text())
        kept = {k: v for k, v in config.items() if k not in ("max_length", "forced_eos_token_id")}
        kept |= {"eos_token_id": VOCABULARY - 1, "bad_words_ids": [[VOCABULARY - 1]]}
        (folder / name).write_text(json.dumps(kept))
    whole = opened_of(folder, tmp_path / "work")
    pipeline, session = load_pipeline(whole), open_session(whole, "onnxruntime-cpu", {}, 1)
    assert "longest answer" in pipeline.spec.guessed
    assert pipeline.answer(session, pipeline.feeds_from("abc")).shape == (1, 63)  # as many places as the decoder has
