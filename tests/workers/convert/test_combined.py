"""Cascade, precision by operator, length buckets: what is learned, what is written, what is refused."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import onnx
import pytest
from small_models import KINDS
from special_models import build_texts

from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model
from workers.convert import cascade, length_buckets, precision_by_operator
from workers.convert.asking.cascades import Looks, learn_threshold, look
from workers.convert.asking.changed_inputs import changed_copy
from workers.infer import openvino_program, processor
from workers.measure.opening import open_session
from workers.quantize import bf16
from workers.runtime.recording import RecordingContext

RNG = np.random.default_rng


@pytest.fixture
def needs_bf16() -> None:
    if not processor.has_bf16(openvino_program.import_library().Core()):
        pytest.skip("needs 16-bit arithmetic")


def looks_of(seed: int, n: int, error: float) -> Looks:
    """An exact model and one that is off by `error`, compared on `n` inputs."""
    exact = RNG(seed).normal(0, 2, size=(n, 10))
    return look(exact + RNG(seed + 1).normal(0, error, size=(n, 10)), exact, "logits", np.ones(n, bool))


@pytest.mark.parametrize("error", [0.01, 0.1, 0.4])
def test_threshold_holds_on_other_inputs_than_it_was_learned_on(error: float) -> None:
    """Given 60 inputs to learn from, then of 20,000 others nearly none is answered otherwise unnoticed."""
    threshold = learn_threshold(looks_of(1, 60, error), 0.001)
    others = looks_of(2, 20_000, error)
    missed = (others.changed & (others.margins >= threshold)).mean()
    assert missed <= 0.002
    assert others.changed.mean() > missed
    assert threshold < 10 * error + 0.1  # and it is no more careful than that needs


def test_threshold_is_never_under_a_changed_answer_that_was_seen() -> None:
    margins = np.linspace(0.01, 5, 100)
    changed = margins == margins[40]
    looks = Looks(margins, np.tile(margins[:, None], (1, 4)), np.zeros((100, 4)), changed, np.ones(100, bool))
    assert learn_threshold(looks, 0.05) > margins[40]
    equal = looks_of(3, 50, 0.0)
    assert learn_threshold(equal, 0.001) <= equal.margins.min()


def asked(unsure: float, changed: float, n: int = 100) -> Looks:
    margins = np.where(np.arange(n) < unsure * n, 0.0, 2.0)
    flags = np.arange(n) >= n - changed * n
    return Looks(margins, margins[:, None], margins[:, None] * 0, flags, np.ones(n, bool))


def test_judgement_says_what_it_gave_and_what_it_does_not() -> None:
    words = " ".join(cascade.judge(asked(0.1, 0.0), 1.0, cascade.Params()))
    assert "10 % of 100 examples" in words and "not the slowest" in words and "memory" in words


@pytest.mark.parametrize(
    ("unsure", "changed", "said"), [(0.6, 0, "60 % of the examples"), (0, 0.05, "5.0 % of the answers")]
)
def test_a_cascade_that_does_not_pay_or_hold_is_refused(unsure: float, changed: float, said: str) -> None:
    with pytest.raises(InputRefused, match=said):
        cascade.judge(asked(unsure, changed), 1.0, cascade.Params())


def test_what_is_no_class_or_not_exact_is_refused(make_small, tmp_path: Path) -> None:
    """Given scores, too few examples, or a model that has 16 bits already, then each is refused in words."""
    stateful, few, small = make_small("stateful"), make_small("cnn", items=3), make_small("cnn")
    bf16.apply(small.model, bf16.SPEC.params(), RecordingContext(tmp_path))
    for model, data, said in (
        (stateful.model, stateful.data, "no classes"),
        (few.model, few.data, "8 examples"),
        (read_model(tmp_path / "model"), small.data, "less exact already"),
    ):
        work = tmp_path / said.replace(" ", "")
        work.mkdir()
        with pytest.raises(InputRefused, match=said):
            cascade.apply(model, cascade.Params(), RecordingContext(work, data_dir=data))
        assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    ("first", "engine"),
    [("precision_by_operator", "openvino"), ("int8_static", "openvino"), ("int8_static", "onnxruntime-cpu")],
)
def test_fast_versions_with_files_of_their_own(first: str, engine: str, make_small, tmp_path: Path, needs_bf16) -> None:
    """Given a fast version in other files, then both lie in the folder, and classes are the original's."""
    small = make_small("constants", items=40)
    params = cascade.Params(first=first, engine=engine, max_second_share=1.0, missed_share=0.05)
    artifact = cascade.apply(small.model, params, RecordingContext(tmp_path, data_dir=small.data))
    names = {entry.path for entry in artifact.files}
    assert artifact.main in names and any(name.startswith("first/") for name in names)
    assert artifact.runtimes == (engine,)
    plain = open_session(small.folder, "onnxruntime-cpu", {}, 1)
    both = open_session(tmp_path / "model", engine, {}, 1)
    same = [plain.run(feeds)["y"].argmax() == both.run(feeds)["y"].argmax() for feeds in small.items(60)]
    assert np.mean(same) >= 0.95


def test_changed_copies_keep_what_must_not_change() -> None:
    """Given tokens with a mask and floats, then types and shapes stay, masks are untouched, and copies repeat by seed."""
    spec = KINDS["cnn"].spec
    floats = [KINDS["cnn"].item(RNG(i)) for i in range(4)]
    for number in range(6):
        copy = changed_copy(floats, 1, number, spec, 5)
        assert copy["image"].dtype == np.float32 and copy["image"].shape == floats[1]["image"].shape
        assert not np.array_equal(copy["image"], floats[1]["image"])
        np.testing.assert_array_equal(copy["image"], changed_copy(floats, 1, number, spec, 5)["image"])
    from special_models import SPECIAL, text_item

    texts = [text_item(RNG(i)) for i in range(4)]
    copy = changed_copy(texts, 2, 0, SPECIAL["texts"].spec, 5)
    np.testing.assert_array_equal(copy["attention_mask"], texts[2]["attention_mask"])
    assert copy["input_ids"][0, 0] == texts[2]["input_ids"][0, 0] and copy["input_ids"].max() < 50


def marked(path: Path) -> dict[str, set[bool]]:
    """Type of layer → whether its layers are marked as precise."""
    found: dict[str, set[bool]] = {}
    for layer in ElementTree.parse(path).getroot().iter("layer"):
        names = {entry.get("name") for entry in layer.iter("attribute")}
        found.setdefault(str(layer.get("type")), set()).add("precise" in names)
    return found


def test_light_layers_are_marked_and_products_are_not(make_small, tmp_path: Path) -> None:
    small = make_small("transformer")
    artifact = precision_by_operator.apply(small.model, precision_by_operator.Params(), RecordingContext(tmp_path))
    assert (artifact.format, artifact.main, artifact.precision) == ("openvino-ir", "model.xml", "bf16+fp32")
    found = marked(tmp_path / "model" / "model.xml")
    assert found["MatMul"] == {False} and found["SoftMax"] == {True} and found["Const"] == {False}
    assert (small.folder / "model.onnx").is_file()
    params = precision_by_operator.Params(heavy="inner")
    precision_by_operator.apply(small.model, params, RecordingContext(tmp_path))
    assert marked(tmp_path / "model" / "model.xml")["MatMul"] == {True, False}


def test_ir_is_written_anew_from_ir(make_small, tmp_path: Path) -> None:
    """Given a model that is IR already, then it is read from a copy and the source stays byte for byte."""
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    technique = precision_by_operator
    technique.apply(make_small("cnn").model, technique.Params(), RecordingContext(first))
    model = read_model(first / "model")
    before = {path.name: path.read_bytes() for path in model.folder.iterdir()}
    technique.apply(model, technique.Params(heavy="inner"), RecordingContext(second))
    assert {path.name: path.read_bytes() for path in model.folder.iterdir()} == before
    assert open_session(second / "model", "openvino", {}, 1).run(make_small("cnn").feeds())["logits"].shape == (1, 5)


def test_a_mask_that_is_not_heeded_is_found_out(make_small, tmp_path: Path) -> None:
    """Given a model that takes a mask and ignores it in its attention, then padding would change answers: refused."""
    proto = build_texts()
    add = next(node for node in proto.graph.node if node.output[0] == "masked")
    add.input[1] = "one"
    small = make_small("texts", onnx.ModelProto.FromString(proto.SerializeToString()))
    with pytest.raises(InputRefused, match="ignores its mask"):
        length_buckets.apply(small.model, length_buckets.Params(), RecordingContext(tmp_path, data_dir=small.data))
    assert list(tmp_path.iterdir()) == []


def test_common_lengths_are_those_of_the_examples() -> None:
    tokens = [5] * 50 + [9] * 30 + [20] * 19 + [300]
    assert length_buckets.common_lengths(tokens, [8, 16, 32, 512], 6) == [8, 16, 32]
    assert length_buckets.common_lengths(tokens, [8, 16, 32, 512], 1) == [8]


def test_buckets_stack_on_bf16(make_small, tmp_path: Path, needs_bf16) -> None:
    small = make_small("texts")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    bf16.apply(small.model, bf16.SPEC.params(), RecordingContext(tmp_path / "a"))
    ctx = RecordingContext(tmp_path / "b", data_dir=small.data)
    artifact = length_buckets.apply(read_model(tmp_path / "a" / "model"), length_buckets.Params(), ctx)
    assert artifact.settings["inference_precision"] == "bf16" and artifact.precision == "bf16"
    assert artifact.settings["buckets"]["outputs"] == {"h": [1]}
