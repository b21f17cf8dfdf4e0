"""What engines are built for: sizes from a person's data, architectures that have the numbers, refusals in words."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from situations import CNN, RICH, TEXT

from workers.contracts.architectures import parse, with_number
from workers.contracts.errors import BackendMissing, InputRefused, JobCancelled
from workers.contracts.folder import read_model
from workers.contracts.planning import Situation
from workers.convert import tensorrt_engine
from workers.infer.tensorrt_editions import EDITIONS, is_installed
from workers.infer.tensorrt_engines import FILE
from workers.pipeline.spec import PipelineInput, PipelineOutput, PipelineSpec, TextSteps
from workers.prune import sparsity_2_4
from workers.quantize import bf16_tensorrt, fp8_qdq, int4_weights, int8_qdq
from workers.runtime.recording import RecordingContext

TOKENS = PipelineSpec(
    task="text-embedding",
    inputs=tuple(PipelineInput(name=n, dtype="int64", shape=(None, None), source=n) for n in ("input_ids",)),
    outputs=(PipelineOutput(name="y", dtype="float32", answer=True),),
    preprocess=TextSteps(max_length=128),
    answer_kind="embedding",
)


def situation(*architectures: str, **more) -> Situation:
    usual = {"model": CNN, "device": RICH, "runtimes": ("tensorrt",), "has_calibration": True}
    return Situation(**{**usual, **more}, architectures=architectures)


def test_ranges_of_texts_come_from_examples() -> None:
    """Given texts of 5, 9 and 30 tokens that are cut at 128, then shorter and longer ones still fit, and 9 is usual."""
    seen = {"input_ids": {(1, 5), (1, 9), (1, 30)}}
    assert tensorrt_engine.profile_of(TOKENS, seen, 16, {}) == {"input_ids": [[1, 1], [1, 9], [16, 128]]}
    with pytest.raises(InputRefused, match="how large inputs get"):
        tensorrt_engine.profile_of(TOKENS, {}, 8, {})


def test_without_architectures_only_the_sizes_are_written(make_small, tmp_path: Path) -> None:
    small = make_small("cnn")
    ctx = RecordingContext(tmp_path, data_dir=small.data)
    artifact = tensorrt_engine.apply(small.model, tensorrt_engine.Params(largest_batch=4), ctx)
    found = json.loads((tmp_path / "model" / FILE).read_text(encoding="utf-8"))
    assert found["profile"] == {"image": [[1, 3, 16, 16], [1, 3, 16, 16], [4, 3, 16, 16]]}
    assert found["engines"] == [] and not found["weight_streaming"]
    assert {entry.path for entry in artifact.files} == {"model.onnx", FILE}


@pytest.mark.skipif(is_installed(EDITIONS[0]), reason="tells what to install where it is not there")
def test_missing_library_is_told(make_small, tmp_path: Path) -> None:
    small = make_small("cnn")
    with pytest.raises(BackendMissing) as refused:
        ctx = RecordingContext(tmp_path, data_dir=small.data)
        tensorrt_engine.apply(small.model, tensorrt_engine.Params(build_for=("sm89",)), ctx)
    assert "installer/fettle --gpu rtx" in refused.value.hint


def test_fp8_is_refused_where_no_card_has_it(make_small, tmp_path: Path) -> None:
    """Given a model in FP8, then SM86 alone is refused in words, and beside SM89 it is left out and told."""
    small = make_small("cnn")
    fp8_qdq.apply(small.model, fp8_qdq.SPEC.params(), RecordingContext(tmp_path, data_dir=small.data))
    model = read_model(tmp_path / "model")
    with pytest.raises(InputRefused, match="cannot compute with FP8") as refused:
        tensorrt_engine._fitting(model, ("sm86",))
    assert "SM86" in refused.value.detail and "INT8" in refused.value.hint
    fitting, report = tensorrt_engine._fitting(model, ("sm86", "sm89", "sm120"))
    assert fitting == ("sm89", "sm120") and "SM86" in report[0]


@pytest.mark.parametrize(
    ("spec", "architecture", "code"),
    [
        (fp8_qdq.SPEC, "sm86", "no_fp8"),
        (fp8_qdq.SPEC, "sm89", None),
        (sparsity_2_4.SPEC, "sm75", "no_sparse_cores"),
        (sparsity_2_4.SPEC, "sm80", None),
        (int8_qdq.SPEC, "sm75", None),
        (int4_weights.SPEC, "sm86", "small_weights"),
        (bf16_tensorrt.SPEC, "sm75", "no_bf16_card"),
        (bf16_tensorrt.SPEC, "sm86", None),
    ],
)
def test_techniques_are_offered_where_cards_have_them(spec, architecture: str, code: str | None) -> None:
    reason = spec.why_not(situation(architecture), spec.params())
    assert (reason.code if reason else None) == code
    reason = sparsity_2_4.SPEC.why_not(situation("sm89", time_budget_s=90.0), sparsity_2_4.Params())
    assert reason is not None and reason.code == "learns_too_long"


def test_no_card_and_none_named_is_a_reason() -> None:
    """Given a machine without a card, then none of the ways for cards is tried, each with its reason."""
    for spec in (tensorrt_engine.SPEC, fp8_qdq.SPEC, sparsity_2_4.SPEC, int4_weights.SPEC):
        assert spec.why_not(situation(), spec.params()) is not None
    large = replace(TEXT, weight_bytes=200_000_000)
    assert int4_weights.SPEC.why_not(situation("sm89", model=large), int4_weights.Params()) is None


def test_architectures_as_a_person_writes_them() -> None:
    assert parse("SM89, sm120,sm89") == ("sm89", "sm120")
    assert with_number(("sm75", "sm86", "sm89"), "fp8") == ("sm89",)
    for wrong in ("", "sm90", "rtx4090", "89"):
        with pytest.raises(ValueError, match="GeForce RTX 40"):
            parse(wrong)


@pytest.mark.gpu_libs
@pytest.mark.parametrize("technique", [None, bf16_tensorrt, int8_qdq, fp8_qdq], ids=["fp32", "bf16", "int8", "fp8"])
def test_real_engines_lie_beside_the_model(technique, make_small, tmp_path: Path) -> None:
    """Given a small network, plain, in BF16, INT8 and FP8, then its engine for cards that are not here is built and kept
    with its hash; progress was told."""
    small = make_small("cnn")
    model = small.model
    if technique is not None:
        (tmp_path / "before").mkdir()
        technique.apply(model, technique.SPEC.params(), RecordingContext(tmp_path / "before", data_dir=small.data))
        model = read_model(tmp_path / "before" / "model")
    (tmp_path / "engine").mkdir()
    ctx = RecordingContext(tmp_path / "engine", data_dir=small.data)
    artifact = tensorrt_engine.apply(model, tensorrt_engine.Params(build_for=("sm89", "sm120")), ctx)
    folder = tmp_path / "engine" / "model"
    (row,) = json.loads((folder / FILE).read_text(encoding="utf-8"))["engines"]
    assert row["architectures"] == ["sm89", "sm120"] and row["edition"] == "rtx"
    entry = next(one for one in artifact.files if one.path == row["file"])
    assert entry.sha256 == row["sha256"] and entry.size_bytes == row["size_bytes"] > 1000
    assert ("onnxruntime-cpu" in (artifact.runtimes or ())) == (technique is not bf16_tensorrt)


@pytest.mark.gpu_libs
def test_real_build_is_cancelled_and_leaves_nothing(make_small, tmp_path: Path) -> None:
    small = make_small("cnn")
    ctx = RecordingContext(tmp_path, data_dir=small.data, cancel_after=30)
    with pytest.raises(JobCancelled):
        tensorrt_engine.apply(small.model, tensorrt_engine.Params(build_for=("sm89",)), ctx)
    assert list(tmp_path.iterdir()) == []
