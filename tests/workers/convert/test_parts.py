"""An encoder and a decoder as one model: opened, each step applied to both, judged, refused where the loop is unknown."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from opened_parts import data_of, opened_of
from opened_parts import kept_answers_of as answers_of
from recording import RecordingContext
from small_models import nodes_of
from small_translator import END, harmed, taught, words, write_translator

from workers.contracts.base import Rows
from workers.contracts.data.rows import KINDS, ROWS_FILE
from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model
from workers.contracts.jobs import ApplyParams, OpenParams
from workers.contracts.proof.proving import PredictionPair
from workers.contracts.specs import RecipeStep
from workers.evaluate.data.dataset import DataSet, read_dataset
from workers.evaluate.judge import judge
from workers.evaluate.look.one_input import compared, rows_of
from workers.evaluate.proof.predictions import Predictions, save_predictions
from workers.evaluate.stress.scoring import measure_of, similarity
from workers.measure.opening import open_session
from workers.model_io.opening import inspect_model
from workers.pipeline.pipeline import load_pipeline
from workers.runtime.kinds import load_job
from workers.tune.facts import read_facts

COUNT = 400


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_translator(tmp_path_factory.mktemp("source") / "turned_round", taught())


@pytest.fixture(scope="module")
def opened(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return opened_of(source, tmp_path_factory.mktemp("opened"))


@pytest.fixture(scope="module")
def data(opened: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("data")
    lines = ["text", *words(np.random.default_rng(4), COUNT)]
    return data_of(opened, work, lines)


@pytest.fixture(scope="module")
def first(opened: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[DataSet, Predictions]:
    return read_dataset(data), answers_of(opened, data, tmp_path_factory.mktemp("first"))


def applied(opened: Path, data: Path, work: Path, *techniques: str) -> Path:
    steps = tuple(RecipeStep(technique=name) for name in techniques)
    ctx = RecordingContext(work, data_dir=data)
    load_job("apply").run(ApplyParams(model_dir=str(opened), steps=steps), ctx)
    return work / "model"


@pytest.mark.whole
def test_two_parts_reverse_words(opened: Path, data: Path, first: tuple[DataSet, Predictions]) -> None:
    """Given words that nobody has seen, Then their texts come out; the answers are kept row by row."""
    pipeline, session = load_pipeline(opened), open_session(opened, "onnxruntime-cpu", {}, 1)
    assert pipeline.text_of(pipeline.answer(session, pipeline.feeds_from("abcde"))) == "edcba"
    assert all(answer[-1] == END for answer in first[1].answer)
    artifact = read_model(opened).artifact
    assert artifact.main == "encoder/model.onnx"
    assert {entry.path for entry in artifact.files} == {"encoder/model.onnx", "decoder/model.onnx"}


def test_cut_outputs_of_two_parts_is_refused(opened: Path, data: Path, tmp_path: Path) -> None:
    """Given two parts, Then cutting outputs is refused: each part's are read by the loop around them."""
    with pytest.raises(InputRefused, match="hand their outputs"):
        applied(opened, data, tmp_path, "cut_outputs")


@pytest.mark.parametrize("techniques", [("fixed_shape",), ("int8_static",), ("smooth_quant", "int8_static"), ("fp16",)])
def test_recipe_is_applied_to_both_parts(
    techniques: tuple[str, ...], opened: Path, data: Path, first: tuple[DataSet, Predictions], tmp_path: Path
) -> None:
    """Given a recipe, Then both parts carry its steps, and the texts are judged alike."""
    variant = applied(opened, data, tmp_path, *techniques)
    artifact = read_model(variant).artifact
    assert [step.technique for step in artifact.steps] == list(techniques)
    for part in ("encoder", "decoder"):
        own = read_model(variant / part).artifact
        assert [step.technique for step in own.steps] == list(techniques)
    runtime = (artifact.runtimes or ("onnxruntime-cpu",))[0]
    judgement = judge(first[0], first[1], answers_of(variant, data, tmp_path, runtime), 2.0)
    assert judgement.verdict == "safe", judgement
    assert judgement.agreement is not None and judgement.agreement >= 0.99


def test_damaged_decoder_has_regressed(
    source: Path, data: Path, first: tuple[DataSet, Predictions], tmp_path: Path
) -> None:
    """Given a decoder that forgot one letter in four, Then its texts are others and it has regressed."""
    other = tmp_path / "harmed"
    shutil.copytree(source, other)
    harmed(source / "onnx" / "decoder_model.onnx", other / "onnx" / "decoder_model.onnx")
    answers = answers_of(opened_of(other, tmp_path / "work"), data, tmp_path)
    same = np.mean([np.array_equal(a, b) for a, b in zip(first[1].answer, answers.answer, strict=True)])
    judgement = judge(first[0], first[1], answers, 2.0)
    assert judgement.verdict == "regressed"
    assert judgement.agreement == pytest.approx(float(same)) and 0 < same < 0.6
    assert not [part for part in judgement.slices if part.kind == "class"]
    assert any("word for word" in note for note in judgement.notes)
    assert answers.texts is not None and len(answers.texts) == answers.n


def test_part_that_a_step_does_not_fit_stays(opened: Path, data: Path, tmp_path: Path) -> None:
    """Given a step that only the encoder takes, Then the decoder stays as it was, with a note."""
    model = tmp_path / "source"
    shutil.copytree(opened, model)
    path = model / "encoder" / "model.onnx"
    proto = onnx.load(str(path))
    name = proto.graph.output[0].name
    last = next(node for node in proto.graph.node if name in node.output)
    last.output[list(last.output).index(name)] = "before_casts"
    half, back = TensorProto.DOUBLE, TensorProto.FLOAT
    casts = nodes_of(f"doubled = Cast <to = {half}> (before_casts); {name} = Cast <to = {back}> (doubled)")
    proto.graph.node.extend(casts)
    onnx.save_model(proto, str(path))
    (tmp_path / "work").mkdir()
    variant = applied(model, data, tmp_path / "work", "cast_cleanup")
    artifact = read_model(variant).artifact
    assert any(note.startswith("The decoder was left as it was.") for note in artifact.notes)
    assert read_model(variant / "encoder").artifact.steps and not read_model(variant / "decoder").artifact.steps


def test_step_that_fits_no_part_is_refused(opened: Path, data: Path, tmp_path: Path) -> None:
    """Given a step for models that give classes, Then it is refused and nothing is left."""
    with pytest.raises(InputRefused):
        applied(opened, data, tmp_path, "cascade")
    assert not (tmp_path / "model").exists() and not (tmp_path / "steps").exists()


def test_facts_of_parts_are_summed(opened: Path) -> None:
    """Given both parts, Then the layers and weights of both are counted, and nothing for plain texts is proposed."""
    whole, encoder = read_facts(opened), read_facts(opened / "encoder")
    decoder = read_facts(opened / "decoder")
    assert encoder.products == 1 and decoder.products == 5 and whole.products == 6
    assert whole.weight_bytes == encoder.weight_bytes + decoder.weight_bytes
    assert not whole.masked_texts


def test_texts_are_shown_as_texts(opened: Path) -> None:
    """Given both answers to one input, Then each is a text, and they are the same or not."""
    pipeline = load_pipeline(opened)
    answer = np.array([4, 5, END], np.float32)
    assert rows_of(pipeline, answer) == {"kind": "text", "text": "ab", "size": 3}
    assert compared(pipeline, answer, answer) == {"same": True}
    assert compared(pipeline, answer, np.array([4, 6, END], np.float32)) == {"same": False}
    assert compared(pipeline, answer, np.array([4, END], np.float32)) == {"same": False}


def test_near_numbers_are_other_texts(
    first: tuple[DataSet, Predictions], opened: Path, data: Path, tmp_path: Path
) -> None:
    """Given answers with one token more by one, which no cosine sees, Then all of them are others wherever answers lie."""
    answer = np.array([400, 500, END], np.float32)
    near = answer + np.array([0, 1, 0], np.float32)
    pipeline = load_pipeline(opened)
    assert measure_of(pipeline, [], answer) == "similarity"
    assert similarity(pipeline, answer, answer) == (1.0, 1.0) and similarity(pipeline, answer, near) == (1.0, 0.0)
    old, new = (replace(first[1], answer=[one] * first[1].n, texts=None) for one in (answer, near))
    assert judge(first[0], old, new, 2.0).agreement == 0.0
    for name, answers in (("old", old), ("new", new)):
        save_predictions(tmp_path / f"{name}.npz", answers)
    files = {
        f"{side}_answers": str(tmp_path / f"{name}.npz") for side, name in (("original", "old"), ("variant", "new"))
    }
    part = PredictionPair(data_dir=str(data), **files)
    load_job("answer_rows").run(Rows[PredictionPair](rows=(part,)), RecordingContext(tmp_path))
    with np.load(tmp_path / ROWS_FILE) as rows:
        assert (rows["kind"] == KINDS.index("changed")).all()


@pytest.mark.parametrize(
    ("lacking", "word"),
    [
        ("eos_token_id", "ends"),
        ("decoder_start_token_id", "starts"),
        ("tokenizer.json", "tokenizer"),
        ("onnx/x", "more"),
    ],
)
def test_unknown_loop_is_refused(lacking: str, word: str, source: Path, tmp_path: Path) -> None:
    """Given a pair whose loop nobody can know, Then it is refused with the reason."""
    folder = tmp_path / "pair"
    shutil.copytree(source, folder)
    if lacking.endswith("_id"):
        config = json.loads((folder / "config.json").read_text())
        del config[lacking]
        (folder / "config.json").write_text(json.dumps(config))
    elif lacking == "tokenizer.json":
        (folder / lacking).unlink()
    else:
        path = folder / "onnx" / "decoder_model.onnx"
        proto = onnx.load(str(path))
        proto.graph.input.append(helper.make_tensor_value_info("past_key_values.0.key", TensorProto.FLOAT, ["n", 1, 4]))
        onnx.save_model(proto, str(path))
    with pytest.raises(InputRefused, match=word):
        inspect_model(OpenParams(path=str(folder)), RecordingContext(tmp_path))
