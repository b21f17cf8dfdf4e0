"""INT8 and 16 bits: what they do to a model, and what they refuse."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from workers.contracts.errors import InputRefused
from workers.convert.asking import calibration
from workers.convert.graphs import onnx_files
from workers.measure.opening import open_session
from workers.pipeline.prepared import write_prepared
from workers.quantize import bf16, eight_bits, fp16, int8_dynamic, int8_static, qdq
from workers.runtime.recording import RecordingContext


def context(small, tmp_path: Path) -> RecordingContext:
    return RecordingContext(tmp_path, data_dir=small.data)


def answers(folder: Path, feeds, runtime: str = "onnxruntime-cpu"):
    return next(iter(open_session(folder, runtime, {}, 1).run(feeds).values()))


@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile", "mse"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_static_methods_all_answer_alike(method: str, per_channel: bool, make_small, tmp_path: Path) -> None:
    """Given each method, then the model is smaller in its weights and answers close to the original."""
    small = make_small("cnn")
    params = int8_static.Params(method=method, per_channel=per_channel, examples=16)
    artifact = int8_static.apply(small.model, params, context(small, tmp_path))
    assert artifact.precision == "int8"
    for feeds in small.items():
        wanted = answers(small.folder, feeds)
        for runtime in ("onnxruntime-cpu", "openvino"):
            got = answers(tmp_path / "model", feeds, runtime)
            np.testing.assert_allclose(got, wanted, atol=0.2 * np.abs(wanted).max())


def test_heavy_layers_only(make_small, tmp_path: Path) -> None:
    """Given `heavy`, then fewer tensors are quantized than with `all`."""
    counts = {}
    for layers in ("all", "heavy"):
        small = make_small("transformer")
        (tmp_path / layers).mkdir()
        ctx = RecordingContext(tmp_path / layers, data_dir=small.data)
        int8_static.apply(small.model, int8_static.Params(layers=layers), ctx)
        counts[layers] = onnx_files.count(onnx_files.load(tmp_path / layers / "model" / "model.onnx"), "QuantizeLinear")
    assert 0 < counts["heavy"] < counts["all"]


def test_ranges_end_where_activations_cut(make_small, tmp_path: Path) -> None:
    """Given heavy layers with Relu behind them, then the range of 8 bits begins at 0 and takes the Relu's place."""
    small = make_small("cnn")
    int8_static.apply(small.model, int8_static.Params(layers="heavy"), context(small, tmp_path))
    assert onnx_files.count(onnx_files.load(small.model.main), "Relu") == 2
    assert not onnx_files.count(onnx_files.load(tmp_path / "model" / "model.onnx"), "Relu")


def test_calibration_is_streamed_and_told(make_small, tmp_path: Path) -> None:
    """Given 24 examples of which 10 may be used, then progress counts to 10, one by one."""
    small = make_small("cnn")
    ctx = context(small, tmp_path)
    int8_static.apply(small.model, int8_static.Params(examples=10), ctx)
    done = [progress.done for progress in ctx.progress_sent if progress.stage == "Calibrate"]
    assert done == list(range(1, 11))


def test_reader_gives_one_example_at_a_time() -> None:
    reader = qdq.Reader(iter([{"x": np.zeros(1)}, {"x": np.ones(1)}]), 2)
    assert len(reader) == 2
    reader.set_range(0, 1)
    assert reader.get_next() is not None and reader.get_next() is None
    reader.set_range(1, 2)
    assert reader.get_next() is not None and reader.get_next() is None


def test_without_examples_static_says_so(make_small, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no examples"):
        int8_static.apply(make_small("cnn").model, int8_static.Params(), RecordingContext(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_examples_with_nan_are_refused(make_small, tmp_path: Path) -> None:
    """Given an example with NaN, then it is named and nothing is left."""
    small = make_small("cnn")
    bad = np.full((1, 3, 16, 16), np.nan, np.float32)
    write_prepared(tmp_path / "data" / "calibration", [{"image": np.zeros_like(bad)}, {"image": bad}])
    (tmp_path / "job").mkdir()
    ctx = RecordingContext(tmp_path / "job", data_dir=tmp_path / "data")
    with pytest.raises(InputRefused, match="Example 2"):
        int8_static.apply(small.model, int8_static.Params(), ctx)
    assert list((tmp_path / "job").iterdir()) == []


def test_stateful_calibration_carries_the_state(make_small, tmp_path: Path) -> None:
    """Given sequences, then every step is a request, and the state differs from zeros after the first."""
    small = make_small("stateful")
    ctx = context(small, tmp_path)
    assert calibration.count_requests(small.model, ctx, 30) == 30
    feeds = list(calibration.requests(small.model, ctx, 30))
    assert len(feeds) == 30 and set(feeds[0]) == {"frame", "state", "sr"}
    assert not feeds[0]["state"].any() and feeds[1]["state"].any()
    assert not feeds[12]["state"].any(), "the next sequence starts anew"


def test_flat_bias_of_a_fusion(make_small, tmp_path: Path) -> None:
    """Given a Gemm bias of shape (1, n), which the library stumbles over, then it is quantized all the same."""
    proto = make_small("cnn").model.main
    model = onnx.load(str(proto))
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == "b3")
    bias.CopyFrom(numpy_helper.from_array(np.ones((1, 5), np.float32), "b3"))
    small = make_small("cnn", model)
    assert int8_static.apply(small.model, int8_static.Params(), context(small, tmp_path)).precision == "int8"


def test_dynamic_without_products_says_so(make_small, tmp_path: Path) -> None:
    """Given a model of convolutions only, then `products` finds nothing and points to calibration."""
    model = onnx.load(str(make_small("cnn").model.main))
    del model.graph.node[-1]
    model.graph.output[0].name = "f"
    small = make_small("cnn", model)
    with pytest.raises(InputRefused, match="nothing to make smaller") as caught:
        int8_dynamic.apply(small.model, int8_dynamic.Params(), context(small, tmp_path))
    assert "calibration" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_dynamic_makes_weights_smaller(make_small, tmp_path: Path) -> None:
    small = make_small("transformer")
    artifact = int8_dynamic.apply(small.model, int8_dynamic.Params(), context(small, tmp_path))
    proto = onnx_files.load(tmp_path / "model" / "model.onnx")
    assert onnx_files.weight_bytes(proto) < 0.6 * onnx_files.weight_bytes(onnx_files.load(small.model.main))
    assert artifact.precision == "int8" and onnx_files.count(proto, "MatMulInteger") >= 4


def test_old_operator_set_is_raised(make_small, tmp_path: Path) -> None:
    """Given operator set 11, then the result has 13 or newer and still answers."""
    small = make_small("constants")
    int8_dynamic.apply(small.model, int8_dynamic.Params(), context(small, tmp_path))
    assert onnx_files.opset(onnx_files.load(tmp_path / "model" / "model.onnx")) >= 13


def test_half_size_numbers_halve_the_file_and_keep_the_types(make_small, tmp_path: Path) -> None:
    small = make_small("cnn")
    artifact = fp16.apply(small.model, fp16.Params(), context(small, tmp_path))
    proto = onnx_files.load(tmp_path / "model" / "model.onnx")
    assert onnx_files.weight_bytes(proto) < 0.6 * onnx_files.weight_bytes(onnx_files.load(small.model.main))
    assert artifact.precision == "fp16" and not artifact.notes
    assert answers(tmp_path / "model", small.feeds()).dtype == np.float32


def test_bf16_is_a_setting_and_shares_the_file(make_small, tmp_path: Path) -> None:
    """Given BF16, then the file is the source's own, byte for byte, and only OpenVINO may run it."""
    small = make_small("cnn")
    artifact = bf16.apply(small.model, bf16.SPEC.params(), context(small, tmp_path))
    assert artifact.settings == {"inference_precision": "bf16"} and artifact.runtimes == ("openvino",)
    assert artifact.files == small.model.artifact.files and artifact.precision == "bf16"


@pytest.mark.parametrize(
    ("lacks", "reduce_range", "told"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_dynamic_int8_tells_that_sums_may_overflow_here(
    lacks: bool, reduce_range: bool, told: bool, make_small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a processor without VNNI, then a note says that 7 bits keep sums from overflowing, unless they are used."""
    monkeypatch.setattr(eight_bits, "lacks_fast_int8", lambda: lacks)
    params = int8_dynamic.Params(reduce_range=reduce_range)
    artifact = int8_dynamic.apply(make_small("transformer").model, params, RecordingContext(tmp_path))
    assert (eight_bits.NO_VNNI in artifact.notes) == told
