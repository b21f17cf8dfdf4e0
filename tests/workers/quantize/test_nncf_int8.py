"""NNCF's INT8: predictions, silence, no connection to a host, and the error where it is not installed."""

import subprocess
import sys
from pathlib import Path

import pytest
from recording import RecordingContext

from workers import registry
from workers.contracts.errors import BackendMissing, InputRefused, JobCancelled
from workers.contracts.specs import RecipeStep
from workers.convert.graphs import onnx_files
from workers.jobs.apply import find_technique
from workers.quantize import eight_bits, nncf_int8

ROOT = Path(__file__).resolve().parents[3]

QUIET = """
import socket, sys
def no(*args, **more): raise SystemExit("it looked a host up")
socket.getaddrinfo = socket.gethostbyname = no
from workers.quantize import nncf_int8
assert "nncf" not in sys.modules and "openvino" not in sys.modules
nncf_int8._import_library()
assert sys.modules["openvino_telemetry"] is None
print("quiet")
"""


@pytest.mark.parametrize("params", [{"preset": "mixed", "fast_correction": False}, {"transformer": True}])
def test_both_engines_predict_alike(params: dict, make_small, apply, capfd) -> None:
    """Given examples, Then layers have 8 bits, predictions are close, and the library prints nothing."""
    small = make_small("transformer" if "transformer" in params else "cnn")
    version = apply(nncf_int8.SPEC, small, examples=16, **params)
    assert version.artifact.precision == "int8"
    assert onnx_files.count(onnx_files.load(version.main), "QuantizeLinear") >= 3
    assert capfd.readouterr().out == ""
    random_weights = 0.5 if eight_bits.lacks_fast_int8() else 0.35  # without VNNI, sums of 8-bit products may overflow
    error = random_weights if "transformer" in params else 0.1
    assert max(small.error_of(version, runtime) for runtime in ("onnxruntime-cpu", "openvino")) < error


def test_branches_are_refused(make_small, apply) -> None:
    with pytest.raises(InputRefused, match="branches") as caught:
        apply(nncf_int8.SPEC, make_small("stateful"))
    assert "graph_optimize" in caught.value.hint


def test_cancel_during_calibration_leaves_nothing(make_small, tmp_path: Path) -> None:
    """Given a stop in the middle of the examples, Then it ends as a stop and leaves nothing."""
    small = make_small("cnn")
    ctx = RecordingContext(tmp_path, data_dir=small.data, cancel_after=8)
    with pytest.raises(JobCancelled):
        nncf_int8.apply(small.model, nncf_int8.Params(), ctx)
    assert ctx.progress_sent and ctx.progress_sent[-1].stage == "Calibrate"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.whole
def test_import_loads_no_library_and_looks_up_no_host() -> None:
    """Given a fresh process, Then importing the technique loads no library, and loading NNCF looks up no host."""
    done = subprocess.run([sys.executable, "-c", QUIET], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "quiet"), done.stderr


def test_missing_library_gives_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "missing", lambda requires: tuple(name for name in requires if name == "nncf"))
    with pytest.raises(BackendMissing, match="nncf, which is not installed") as caught:
        find_technique(RecipeStep(technique="nncf_int8"))
    assert caught.value.by_command == "pip install nncf."
