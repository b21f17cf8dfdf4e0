"""`fettle optimize --build-for`, as a person starts it on a computer without a card, with NVIDIA's own library."""

import json
import zipfile
from pathlib import Path
from typing import Any

import command_models as small
import pytest
from fettle_command import Fettle

pytestmark = [pytest.mark.gpu_libs, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.picture_model(tmp_path_factory.mktemp("model") / "m.onnx")


def test_engines_are_built_and_known_the_second_time(fettle: Fettle, model: Path) -> None:
    """Given a model and three architectures, then engines are built, none is recommended (exit code 4), FP8 is reported to
    be impossible on SM86; the second time the store has them."""
    command = ("optimize", model, "--runtime", "tensorrt", "--build-for", "sm86,sm89,sm120")
    done = fettle(*command, "--json")
    assert done.code == 4, done.err
    found = {one["title"]: one for one in done.document["variants"]}
    titles = ("TensorRT", "TensorRT, FP16", "TensorRT, BF16", "TensorRT, INT8", "TensorRT, FP8")
    assert set(titles) <= set(found)
    assert done.document["recommended"] is None and done.document["outcome"]["ending"] == "built"
    for title in titles:
        one = found[title]
        assert one["runtime"] == "tensorrt" and one["artifact"] and one["latency_p50_ms"] is None, one
        assert one["verdict"] in ("unmeasured", "regressed")
    assert any("SM86" in note and "FP8" in note for note in found["TensorRT, FP8"]["notes"])
    assert found["TensorRT, BF16"]["verdict"] == "unmeasured" and found["TensorRT, BF16"]["agreement"] is None
    assert any("its answers were not compared" in note for note in found["TensorRT, BF16"]["notes"])
    assert "TensorRT, FP8: no engine for SM86" in done.err
    assert "none is recommended" in done.err.strip().splitlines()[-1]
    again = fettle(*command)
    assert again.code == 4 and again.err.count("built before and taken from the store") == 5


def test_only_an_old_card_has_no_fp8(fettle: Fettle, model: Path) -> None:
    done = fettle("optimize", model, "--build-for", "sm86")
    assert done.code == 4
    assert "not tried: TensorRT, FP8. Cards compute with FP8 from compute capability 8.9" in done.out


def bundle_of(fettle: Fettle, model: Path, title: str, folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """A version with an engine for SM89 as a bundle that has passed each line of its own test."""
    run = fettle("optimize", model, "--build-for", "sm89", "--json").document
    chosen = next(one["id"] for one in run["variants"] if one["title"] == title)
    bundle = folder / "cards.zip"
    done = fettle("export", run["run_id"], "--variant", chosen, "--target", "tensorrt", "--out", bundle, "--json")
    assert done.code == 0, done.err
    assert [one["ok"] for one in done.document["selftest"]] == [True] * 5
    return bundle, done.document["selftest"]


def test_bundle_holds_the_engines_and_answers_without_a_card(fettle: Fettle, model: Path, tmp_path: Path) -> None:
    """Given a version with an engine, then its bundle passes its own test (an engine is built in the clean place, the
    processor answers), verifies, and holds the engine."""
    bundle, selftest = bundle_of(fettle, model, "TensorRT, FP16", tmp_path)
    assert any("SM89" in one["detail"] for one in selftest)
    with zipfile.ZipFile(bundle) as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read("manifest.json"))
    assert {"model/model.rtx.plan", "model/tensorrt.json", "CARDS.md", "build_engine.py", "requirements.lock"} <= names
    assert manifest["runtime"]["id"] == "tensorrt" and manifest["measurements"]["this"]["verdict"] == "unmeasured"
    assert fettle("verify", bundle).code == 0


def test_bundle_in_bf16_answers_without_a_card_in_32_bits(fettle: Fettle, model: Path, tmp_path: Path) -> None:
    """Given a version that only cards compute, then its bundle passes its own test all the same: the engine is built
    from its BF16 file, the same weights answer with 32 bits, and the bundle reports it."""
    bundle, _ = bundle_of(fettle, model, "TensorRT, BF16", tmp_path)
    with zipfile.ZipFile(bundle) as archive:
        assert {"model/model.onnx", "model/model.fp32.onnx", "model/model.rtx.plan"} <= set(archive.namelist())
        assert "`model/model.fp32.onnx`" in archive.read("CARDS.md").decode()
        assert json.loads(archive.read("manifest.json"))["model"]["precision"] == "bf16"
    assert fettle("verify", bundle).code == 0


def test_proven_version_gets_engines_when_it_is_exported(fettle: Fettle, model: Path, tmp_path: Path) -> None:
    """Given an ordinary run on the processor, then its original is exported for cards that are named, too."""
    run = fettle("optimize", model, "--runtime", "onnxruntime-cpu", "--time-budget", "8", "--json").document
    out = tmp_path / "cards.zip"
    words = ("--target", "tensorrt", "--answer", "build_for=sm86,sm120", "--out", out, "--json")
    done = fettle("export", run["run_id"], "--variant", run["baseline"]["id"], *words)
    assert done.code == 0, done.err
    assert any("SM86, SM120" in one["detail"] for one in done.document["selftest"])
