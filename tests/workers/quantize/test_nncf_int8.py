"""NNCF's INT8: it answers alike, keeps quiet, phones nobody, and is missed in words where it is not installed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from workers import registry
from workers.contracts.errors import BackendMissing, InputRefused, JobCancelled
from workers.contracts.specs import RecipeStep
from workers.convert.graphs import onnx_files
from workers.jobs.apply import find_technique
from workers.measure.opening import open_session
from workers.quantize import nncf_int8
from workers.runtime.recording import RecordingContext

needs_nncf = pytest.mark.skipif(bool(registry.missing(("nncf",))), reason="pip install nncf")
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


def answers(folder: Path, items, runtime: str) -> np.ndarray:
    session = open_session(folder, runtime, {}, 1)
    found = np.concatenate([session.run(feeds)["logits"] for feeds in items])
    session.close()
    return found


@needs_nncf
@pytest.mark.parametrize("params", [{}, {"preset": "mixed"}, {"fast_correction": False}, {"transformer": True}])
def test_it_answers_alike_in_both_engines(params: dict, make_small, tmp_path: Path, capfd) -> None:
    """Given examples, then layers have 8 bits, answers are close, and what the tool prints is not on the screen."""
    small = make_small("transformer" if "transformer" in params else "cnn")
    ctx = RecordingContext(tmp_path, data_dir=small.data)
    artifact = nncf_int8.apply(small.model, nncf_int8.Params(examples=16, **params), ctx)
    assert artifact.precision == "int8"
    assert onnx_files.count(onnx_files.load(tmp_path / "model" / "model.onnx"), "QuantizeLinear") >= 3
    assert capfd.readouterr().out == ""
    wanted = answers(small.folder, small.items(), "onnxruntime-cpu")
    error = 0.35 if "transformer" in params else 0.1  # of the largest; the small transformer has random weights
    for runtime in ("onnxruntime-cpu", "openvino"):
        got = answers(tmp_path / "model", small.items(), runtime)
        np.testing.assert_allclose(got, wanted, atol=error * np.abs(wanted).max())


@needs_nncf
def test_branches_are_refused_in_words(make_small, tmp_path: Path) -> None:
    small = make_small("stateful")
    with pytest.raises(InputRefused, match="branches") as caught:
        nncf_int8.apply(small.model, nncf_int8.Params(), RecordingContext(tmp_path, data_dir=small.data))
    assert "graph_optimize" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@needs_nncf
def test_cancel_while_it_looks_at_examples_is_no_other_error(make_small, tmp_path: Path) -> None:
    """Given a stop in the middle of the examples, then it ends as a stop and leaves nothing."""
    small = make_small("cnn")
    ctx = RecordingContext(tmp_path, data_dir=small.data, cancel_after=8)
    with pytest.raises(JobCancelled):
        nncf_int8.apply(small.model, nncf_int8.Params(), ctx)
    assert ctx.progress_sent and ctx.progress_sent[-1].stage == "Calibrate"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.whole
@needs_nncf
def test_nothing_is_loaded_early_and_nobody_is_called() -> None:
    """Given a fresh process, then importing the technique loads no library, and loading NNCF looks no host up."""
    done = subprocess.run([sys.executable, "-c", QUIET], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "quiet"), done.stderr


def test_where_it_is_missing_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "missing", lambda requires: tuple(name for name in requires if name == "nncf"))
    with pytest.raises(BackendMissing, match="nncf, which is not installed") as caught:
        find_technique(RecipeStep(technique="nncf_int8"))
    assert caught.value.hint == "Install it: pip install nncf."
