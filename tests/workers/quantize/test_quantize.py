"""INT8 and 16 bits: what they do to a model, and what they refuse."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from recording import RecordingContext
from small_models import predictions

from workers.contracts.errors import InputRefused
from workers.convert.graphs import onnx_files
from workers.convert.inference import calibration
from workers.pipeline.prepared import write_prepared
from workers.quantize import bf16, eight_bits, fp16, int8_dynamic, int8_static


@pytest.mark.parametrize(
    ("method", "per_channel"),
    [("minmax", True), ("entropy", True), ("percentile", True), ("mse", True), ("minmax", False)],
)
def test_static_with_each_method_predicts_alike(method: str, per_channel: bool, make_small, apply) -> None:
    """Given each method, Then both engines predict close to the original."""
    small = make_small("cnn")
    version = apply(int8_static.SPEC, small, method=method, per_channel=per_channel, examples=16)
    assert version.artifact.precision == "int8"
    assert max(small.error_of(version, runtime) for runtime in ("onnxruntime-cpu", "openvino")) < 0.2


def test_static_of_heavy_layers_leaves_out_others_but_relu(make_small, apply) -> None:
    """Given heavy layers with Relu behind them, Then the range of 8 bits begins at 0 and Relu is left out; others keep
    their numbers."""
    small = make_small("cnn")
    assert onnx_files.count(onnx_files.load(small.model.main), "Relu") == 2
    heavy, everything = (onnx_files.load(apply(int8_static.SPEC, small, layers=name).main) for name in ("heavy", "all"))
    assert not onnx_files.count(heavy, "Relu")
    assert 0 < onnx_files.count(heavy, "QuantizeLinear") < onnx_files.count(everything, "QuantizeLinear")


def test_static_reports_each_example(make_small, tmp_path: Path) -> None:
    """Given 24 examples of which 10 may be used, Then progress counts to 10, one by one."""
    small = make_small("cnn")
    ctx = RecordingContext(tmp_path, data_dir=small.data)
    int8_static.apply(small.model, int8_static.Params(examples=10), ctx)
    done = [progress.done for progress in ctx.progress_sent if progress.stage == "Calibrate"]
    assert done == list(range(1, 11))


def test_static_without_examples_is_refused(make_small, apply) -> None:
    with pytest.raises(InputRefused, match="no examples"):
        apply(int8_static.SPEC, make_small("cnn"), with_data=False)


def test_static_with_nan_in_an_example_is_refused(make_small, tmp_path: Path) -> None:
    """Given an example with NaN, Then the error names it and nothing is left."""
    small = make_small("cnn")
    bad = np.full((1, 3, 16, 16), np.nan, np.float32)
    write_prepared(tmp_path / "data" / "calibration", [{"image": np.zeros_like(bad)}, {"image": bad}])
    (tmp_path / "job").mkdir()
    ctx = RecordingContext(tmp_path / "job", data_dir=tmp_path / "data")
    with pytest.raises(InputRefused, match="Example 2"):
        int8_static.apply(small.model, int8_static.Params(), ctx)
    assert list((tmp_path / "job").iterdir()) == []


def test_requests_of_sequences_carry_the_state(make_small, tmp_path: Path) -> None:
    """Given sequences, Then every step is a request, and the state differs from zeros after the first."""
    small = make_small("stateful")
    ctx = RecordingContext(tmp_path, data_dir=small.data)
    assert calibration.count_requests(small.model, ctx, 30) == 30
    feeds = list(calibration.requests(small.model, ctx, 30))
    assert len(feeds) == 30 and set(feeds[0]) == {"frame", "state", "sr"}
    assert not feeds[0]["state"].any() and feeds[1]["state"].any()
    assert not feeds[12]["state"].any(), "the next sequence starts anew"


def test_static_quantizes_a_flat_bias(make_small, apply) -> None:
    """Given a Gemm bias of shape (1, n), at which the library fails, Then it is quantized all the same."""
    model = onnx.load(str(make_small("cnn").model.main))
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "b3")
    bias.CopyFrom(numpy_helper.from_array(np.ones((1, 5), np.float32), "b3"))
    assert apply(int8_static.SPEC, make_small("cnn", model)).artifact.precision == "int8"


def test_dynamic_without_products_is_refused(make_small, apply) -> None:
    """Given a model of convolutions only, Then there is nothing to do and the hint names calibration."""
    model = onnx.load(str(make_small("cnn").model.main))
    del model.graph.node[-1]
    model.graph.output[0].name = "f"
    with pytest.raises(InputRefused, match="nothing to make smaller") as caught:
        apply(int8_dynamic.SPEC, make_small("cnn", model))
    assert "calibration" in caught.value.hint


def test_dynamic_makes_weights_smaller(make_small, apply) -> None:
    small = make_small("transformer")
    version = apply(int8_dynamic.SPEC, small)
    proto = onnx_files.load(version.main)
    assert onnx_files.weight_bytes(proto) < 0.6 * onnx_files.weight_bytes(onnx_files.load(small.model.main))
    assert version.artifact.precision == "int8" and onnx_files.count(proto, "MatMulInteger") >= 4


def test_fp16_halves_the_file_and_keeps_the_types(make_small, apply) -> None:
    small = make_small("cnn")
    version = apply(fp16.SPEC, small)
    before, after = (onnx_files.weight_bytes(onnx_files.load(path)) for path in (small.model.main, version.main))
    assert after < 0.6 * before
    assert version.artifact.precision == "fp16" and not version.artifact.notes
    assert predictions(version.folder, "onnxruntime-cpu", small.feeds())[0]["logits"].dtype == np.float32


def test_bf16_is_a_setting_and_shares_the_file(make_small, apply) -> None:
    """Given BF16, Then the file is the source's, byte for byte, and only OpenVINO may run it."""
    small = make_small("cnn")
    artifact = apply(bf16.SPEC, small).artifact
    assert artifact.settings == {"inference_precision": "bf16"} and artifact.runtimes == ("openvino",)
    assert artifact.files == small.model.artifact.files and artifact.precision == "bf16"


@pytest.mark.parametrize(
    ("lacks", "reduce_range", "noted"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_dynamic_without_vnni_notes_that_sums_may_overflow(
    lacks: bool, reduce_range: bool, noted: bool, make_small, apply, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a processor without VNNI, Then a note recommends 7 bits, unless they are used; likewise for another one."""
    small = make_small("transformer")
    with eight_bits.made_for(("fp32",) if lacks else ("fp32", "int8")):
        version = apply(int8_dynamic.SPEC, small, reduce_range=reduce_range)
    assert (eight_bits.NO_VNNI in version.artifact.notes) == noted
    monkeypatch.setattr(eight_bits, "lacks_fast_int8", lambda: lacks)
    assert bool(eight_bits.overflow_notes(reduce_range=reduce_range)) == noted
