"""Cascade, precision by operator, length buckets: learned thresholds, written files, refusals."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import onnx
import pytest
from small_models import KINDS, predictions
from special_models import SPECIAL, build_texts, text_item

from workers.contracts.errors import InputRefused
from workers.convert import cascade, length_buckets, precision_by_operator
from workers.convert.inference.cascades import Looks, learn_threshold, look
from workers.convert.inference.changed_inputs import changed_copy
from workers.infer import openvino_program, processor
from workers.quantize import bf16

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
    """Given 60 inputs to learn from, Then of 20,000 others nearly none is answered otherwise unnoticed."""
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


def looks_with(unsure: float, changed: float, n: int = 100) -> Looks:
    margins = np.where(np.arange(n) < unsure * n, 0.0, 2.0)
    flags = np.arange(n) >= n - changed * n
    return Looks(margins, margins[:, None], margins[:, None] * 0, flags, np.ones(n, bool))


def test_judgement_has_the_share_and_the_costs() -> None:
    words = " ".join(cascade.judge(looks_with(0.1, 0.0), 1.0, cascade.Params()))
    assert "10 % of 100 examples" in words and "not the slowest" in words and "memory" in words


@pytest.mark.parametrize(
    ("unsure", "changed", "error"), [(0.6, 0, "60 % of the examples"), (0, 0.05, "5.0 % of the answers")]
)
def test_cascade_that_does_not_pay_or_hold_is_refused(unsure: float, changed: float, error: str) -> None:
    with pytest.raises(InputRefused, match=error):
        cascade.judge(looks_with(unsure, changed), 1.0, cascade.Params())


def test_cascade_without_classes_examples_or_exactness_is_refused(make_small, apply) -> None:
    """Given scores, too few examples, or a model that has 16 bits already, Then each is refused."""
    small = make_small("cnn")
    for kind, items, source, error in (
        ("stateful", 24, None, "no classes"),
        ("cnn", 3, None, "8 examples"),
        ("cnn", 24, apply(bf16.SPEC, small), "less exact already"),
    ):
        with pytest.raises(InputRefused, match=error):
            apply(cascade.SPEC, make_small(kind, items=items), source)


@pytest.mark.parametrize(
    ("first", "engine"),
    [("precision_by_operator", "openvino"), ("int8_static", "openvino"), ("int8_static", "onnxruntime-cpu")],
)
def test_cascade_holds_the_files_of_both_versions(first: str, engine: str, make_small, apply, needs_bf16) -> None:
    """Given a fast version in other files, Then both are in the folder, and classes are the original's."""
    small = make_small("constants", items=40)
    version = apply(cascade.SPEC, small, first=first, engine=engine, max_second_share=1.0, missed_share=0.05)
    names = {entry.path for entry in version.artifact.files}
    assert version.artifact.main in names and any(name.startswith("first/") for name in names)
    assert version.artifact.runtimes == (engine,)
    before, after = (
        [outputs["y"].argmax() for outputs in predictions(folder, runtime, *small.items(60))]
        for folder, runtime in ((small.folder, "onnxruntime-cpu"), (version.folder, engine))
    )
    assert np.mean(np.equal(before, after)) >= 0.95


def test_changed_copies_keep_types_shapes_and_masks() -> None:
    """Given tokens with a mask and floats, Then types and shapes stay, masks are untouched, and copies repeat by seed."""
    spec = KINDS["cnn"].spec
    floats = [KINDS["cnn"].item(RNG(i)) for i in range(4)]
    for number in range(6):
        copy = changed_copy(floats, 1, number, spec, 5)
        assert copy["image"].dtype == np.float32 and copy["image"].shape == floats[1]["image"].shape
        assert not np.array_equal(copy["image"], floats[1]["image"])
        np.testing.assert_array_equal(copy["image"], changed_copy(floats, 1, number, spec, 5)["image"])
    texts = [text_item(RNG(i)) for i in range(4)]
    copy = changed_copy(texts, 2, 0, SPECIAL["texts"].spec, 5)
    np.testing.assert_array_equal(copy["attention_mask"], texts[2]["attention_mask"])
    assert copy["input_ids"][0, 0] == texts[2]["input_ids"][0, 0] and copy["input_ids"].max() < 50


def marked(path: Path) -> dict[str, set[bool]]:
    """Type of layer → whether its layers are marked as precise."""
    marks: dict[str, set[bool]] = {}
    for layer in ElementTree.parse(path).getroot().iter("layer"):
        names = {entry.get("name") for entry in layer.iter("attribute")}
        marks.setdefault(str(layer.get("type")), set()).add("precise" in names)
    return marks


def test_light_layers_are_marked_and_products_are_not(make_small, apply) -> None:
    small = make_small("transformer")
    version = apply(precision_by_operator.SPEC, small)
    artifact = version.artifact
    assert (artifact.format, artifact.main, artifact.precision) == ("openvino-ir", "model.xml", "bf16+fp32")
    marks = marked(version.main)
    assert marks["MatMul"] == {False} and marks["SoftMax"] == {True} and marks["Const"] == {False}
    assert (small.folder / "model.onnx").is_file()
    assert marked(apply(precision_by_operator.SPEC, small, heavy="inner").main)["MatMul"] == {True, False}


def test_ir_is_written_anew_from_ir(make_small, apply) -> None:
    """Given a model that is IR already, Then it is read from a copy and the source stays byte for byte."""
    small = make_small("cnn")
    source = apply(precision_by_operator.SPEC, small)
    before = {path.name: path.read_bytes() for path in source.folder.iterdir()}
    version = apply(precision_by_operator.SPEC, small, source, heavy="inner")
    assert {path.name: path.read_bytes() for path in source.folder.iterdir()} == before
    assert predictions(version.folder, "openvino", small.feeds())[0]["logits"].shape == (1, 5)


def test_model_that_ignores_its_mask_is_refused(make_small, apply) -> None:
    """Given a model that takes a mask and ignores it in its attention, Then padding would change predictions."""
    proto = build_texts()
    add = next(node for node in proto.graph.node if node.output[0] == "masked")
    add.input[1] = "one"
    small = make_small("texts", onnx.ModelProto.FromString(proto.SerializeToString()))
    with pytest.raises(InputRefused, match="ignores its mask"):
        apply(length_buckets.SPEC, small)


def test_common_lengths_are_those_of_the_examples() -> None:
    tokens = [5] * 50 + [9] * 30 + [20] * 19 + [300]
    assert length_buckets.common_lengths(tokens, [8, 16, 32, 512], 6) == [8, 16, 32]
    assert length_buckets.common_lengths(tokens, [8, 16, 32, 512], 1) == [8]


def test_buckets_stack_on_bf16(make_small, apply, needs_bf16) -> None:
    small = make_small("texts")
    artifact = apply(length_buckets.SPEC, small, apply(bf16.SPEC, small)).artifact
    assert artifact.settings["inference_precision"] == "bf16" and artifact.precision == "bf16"
    assert artifact.settings["buckets"]["outputs"] == {"h": [1]}
