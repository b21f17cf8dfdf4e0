"""What engines are built for: sizes from a person's data, architectures that have the numbers, refusals in words."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from recording import RecordingContext
from situations import CNN, RICH, TEXT

from workers.contracts.architectures import parse, with_number
from workers.contracts.errors import BackendMissing, InputRefused, JobCancelled
from workers.contracts.planning import Situation
from workers.convert import tensorrt_engine
from workers.infer.tensorrt_editions import EDITIONS, is_installed
from workers.infer.tensorrt_engines import FILE
from workers.pipeline.spec import PipelineInput, PipelineOutput, PipelineSpec, TextSteps
from workers.prune import sparsity_2_4
from workers.quantize import bf16_tensorrt, fp8_qdq, int4_weights, int8_qdq

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
    """Given texts of 5, 9 and 30 tokens that are cut at 128, Then shorter and longer ones still fit, and 9 is usual."""
    seen = {"input_ids": {(1, 5), (1, 9), (1, 30)}}
    assert tensorrt_engine.profile_of(TOKENS, seen, 16, {}) == {"input_ids": [[1, 1], [1, 9], [16, 128]]}
    with pytest.raises(InputRefused, match="how large inputs get"):
        tensorrt_engine.profile_of(TOKENS, {}, 8, {})


def test_without_architectures_only_the_sizes_are_written(make_small, apply) -> None:
    version = apply(tensorrt_engine.SPEC, make_small("cnn"), largest_batch=4)
    described = json.loads((version.folder / FILE).read_text(encoding="utf-8"))
    assert described["profile"] == {"image": [[1, 3, 16, 16], [1, 3, 16, 16], [4, 3, 16, 16]]}
    assert described["engines"] == [] and not described["weight_streaming"]
    assert {entry.path for entry in version.artifact.files} == {"model.onnx", FILE}


@pytest.mark.skipif(is_installed(EDITIONS[0]), reason="the library is installed")
def test_missing_library_is_refused(make_small, apply) -> None:
    with pytest.raises(BackendMissing) as refused:
        apply(tensorrt_engine.SPEC, make_small("cnn"), build_for=("sm89",))
    assert "installer/fettle --gpu rtx" in refused.value.by_command


def test_fp8_is_refused_where_no_card_has_it(make_small, apply) -> None:
    """Given a model in FP8, Then SM86 alone is refused, and together with SM89 it is left out with a note."""
    model = apply(fp8_qdq.SPEC, make_small("cnn"))
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


def test_why_not_without_a_card_has_a_reason() -> None:
    """Given a machine without a card, Then no recipe for cards is tried, each with its reason."""
    for spec in (tensorrt_engine.SPEC, fp8_qdq.SPEC, sparsity_2_4.SPEC, int4_weights.SPEC):
        assert spec.why_not(situation(), spec.params()) is not None
    large = replace(TEXT, weight_bytes=200_000_000)
    assert int4_weights.SPEC.why_not(situation("sm89", model=large), int4_weights.Params()) is None


def test_parse_of_architectures() -> None:
    assert parse("SM89, sm120,sm89") == ("sm89", "sm120")
    assert with_number(("sm75", "sm86", "sm89"), "fp8") == ("sm89",)
    for wrong in ("", "sm90", "rtx4090", "89"):
        with pytest.raises(ValueError, match="GeForce RTX 40"):
            parse(wrong)


@pytest.mark.gpu_libs
@pytest.mark.parametrize("technique", [None, bf16_tensorrt, int8_qdq, fp8_qdq], ids=["fp32", "bf16", "int8", "fp8"])
def test_real_engines_are_saved_with_the_model(technique, make_small, apply) -> None:
    """Given a small network, plain, in BF16, INT8 and FP8, Then its engine for cards that are not here is built and kept
    with its hash; progress was reported."""
    small = make_small("cnn")
    source = apply(technique.SPEC, small) if technique is not None else small.model
    version = apply(tensorrt_engine.SPEC, small, source, build_for=("sm89", "sm120"))
    (row,) = json.loads((version.folder / FILE).read_text(encoding="utf-8"))["engines"]
    assert row["architectures"] == ["sm89", "sm120"] and row["edition"] == "rtx"
    entry = next(one for one in version.artifact.files if one.path == row["file"])
    assert entry.sha256 == row["sha256"] and entry.size_bytes == row["size_bytes"] > 1000
    assert ("onnxruntime-cpu" in (version.artifact.runtimes or ())) == (technique is not bf16_tensorrt)


@pytest.mark.gpu_libs
def test_real_build_is_cancelled_and_leaves_nothing(make_small, tmp_path: Path) -> None:
    small = make_small("cnn")
    ctx = RecordingContext(tmp_path, data_dir=small.data, cancel_after=30)
    with pytest.raises(JobCancelled):
        tensorrt_engine.apply(small.model, tensorrt_engine.Params(build_for=("sm89",)), ctx)
    assert list(tmp_path.iterdir()) == []
