"""Models with odd inputs, the complete workflow by command: opened, optimized, judged, bundled, and compared with ONNX Runtime."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from fettle_command import Fettle
from odd_models import HIDDEN, VOCABULARY, WIDTH, lstm, perceptron, reader
from one_engine import engine, write_preset

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

MORE = """
  - title: Small numbers
    why: 8 bits, with ranges that are learned from examples.
    steps:
      - technique: int8_static
        params: {examples: 16}
"""

ASK = """
import sys
import numpy as np
from bundle import load
with np.load(sys.argv[1]) as stored:
    feeds = {name: stored[name] for name in stored.files}
np.savez(sys.argv[2], **load().run(feeds))
"""
N = 80


def rows(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=shape).astype(np.float32)


def zeros(batch: int) -> dict[str, np.ndarray]:
    return {name: np.zeros((1, batch, HIDDEN), np.float32) for name in ("h0", "c0")}


def second_axis(folder: Path):
    path = lstm(folder / "m.onnx", ["batch", "time", WIDTH], [1, "batch", HIDDEN], batch_first=True)
    return path, {"x": rows(N, 9, WIDTH), "y": np.arange(N) % 5}, {"x": rows(2, 9, WIDTH), **zeros(2)}


def time_first(folder: Path):
    path = lstm(folder / "m.onnx", [None, None, WIDTH], [1, None, HIDDEN], batch_first=False)
    return path, {"x": rows(N, 9, WIDTH)}, {"x": rows(9, 2, WIDTH), **zeros(2)}


def fixed_pairs(folder: Path):
    return (
        perceptron(folder / "m.onnx", [2, WIDTH]),
        {"x": rows(N + 1, WIDTH), "y": np.arange(N + 1) % 5},
        {"x": rows(2, WIDTH)},
    )


def no_shape(folder: Path):
    return perceptron(folder / "m.onnx", None), {"x": rows(N, WIDTH)}, {"x": rows(3, WIDTH)}


def no_tokenizer(folder: Path):
    tokens = np.random.default_rng(4).integers(0, VOCABULARY, (2, 12))
    ones = np.ones_like(tokens)
    places = np.arange(12)[None].repeat(2, 0)
    feeds = {"input_ids": tokens, "attention_mask": ones, "token_type_ids": 0 * ones, "position_ids": places}
    return reader(folder / "m.onnx"), None, feeds


@pytest.mark.parametrize("make", [second_axis, time_first, fixed_pairs, no_tokenizer])
def test_complete_workflow_of_odd_inputs(make, fettle: Fettle, tmp_path: Path) -> None:
    """Given a model with odd inputs, when it is optimized, then each version is judged on all examples, and its bundle
    has the original's own inputs and answers them as ONNX Runtime alone does."""
    model, data, feeds = make(tmp_path)
    preset = write_preset(tmp_path, engine("Other engine") + MORE, max_loss_pct=5.0, time_budget_s=900)
    more: list[str | Path] = []
    if data is not None:
        np.savez(tmp_path / "d.npz", **data)
        more = ["--data", tmp_path / "d.npz"]
    done = fettle("optimize", model, *more, "--recipe", preset, "--json", timeout_s=850)
    assert done.code in (0, 4), done.err
    versions = [entry for entry in done.document["variants"] if entry["artifact"]]
    assert {entry["runtime"] for entry in versions} >= {"openvino", "onnxruntime-cpu"}, done.err
    assert all(entry["latency_p50_ms"] > 0 for entry in versions), done.err
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    wanted = dict(zip((o.name for o in session.get_outputs()), session.run(None, feeds), strict=True))
    np.savez(tmp_path / "feeds.npz", **feeds)
    for entry in versions:
        bundle = tmp_path / f"{entry['id']}.zip"
        written = fettle("export", done.document["run_id"], "--variant", entry["id"], "--target", "python", "--out",
                         bundle, "--accept-regression", "to look at it", "--json")  # fmt: skip
        assert written.code == 0, written.err
        assert fettle("verify", bundle).code == 0
        folder = tmp_path / entry["id"]
        shutil.unpack_archive(bundle, folder)
        ask = [sys.executable, "-c", ASK, str(tmp_path / "feeds.npz"), str(folder / "answers.npz")]
        subprocess.run(ask, cwd=folder, check=True, timeout=120)
        exact = entry["runtime"] == "openvino"
        with np.load(folder / "answers.npz") as given:
            assert set(given.files) == set(wanted)
            for name, value in wanted.items():
                assert given[name].shape == value.shape and given[name].dtype == value.dtype
                np.testing.assert_allclose(given[name], value, atol=2e-3 if exact else 0.2)


def test_export_without_a_recommendation_reports_the_original(fettle: Fettle, tmp_path: Path) -> None:
    """Given a run that recommended nothing, when it is exported without a version, then both outputs explain it."""
    model, _, _ = no_shape(tmp_path)
    run = fettle("optimize", model, "--time-budget", "1", "--json")
    assert run.code == 4 and run.document["recommended"] is None
    out = tmp_path / "b.zip"
    done = fettle("export", run.document["run_id"], "--target", "python", "--out", out, "--json")
    assert done.code == 0, done.err
    assert done.document["original"] is True and done.document["variant"] == run.document["baseline"]["id"]
    assert "No version was recommended, so this bundle holds the original" in done.last_line
    with zipfile.ZipFile(out) as archive:
        assert json.loads(archive.read("manifest.json"))
