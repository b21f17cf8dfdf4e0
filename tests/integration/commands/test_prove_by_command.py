"""`fettle prove ORIGINAL OPTIMIZED`: any two models, judged side by side."""

import shutil
from pathlib import Path

import command_models as small
import foreign_models as foreign
import numpy as np
import pytest
from fettle_command import Demo, Fettle, Finished
from finished_run import finished_folder

from presets.sample import sample_paths

SAMPLE = sample_paths().model
VARIANT = {"id", "title", "recipe", "runtime", "precision", "verdict", "agreement", "size_ratio", "speedup", "artifact"}


@pytest.fixture(autouse=True)
def few_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure one set for the final figures."""
    monkeypatch.setattr("app.services.run.prove_other.FINAL_SETS", 1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Fettle:
    return Fettle(tmp_path_factory.mktemp("prove") / "home")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred pictures without labels: enough for a limit of 5 %."""
    return foreign.examples(tmp_path_factory.mktemp("data") / "pictures.npz", 0, 100)


def prove(shop: Fettle, original: Path, other: Path, data: Path, *more: str | Path) -> Finished:
    return shop.here("prove", original, other, "--data", data, "--max-loss", "5", "--json", *more)


def test_an_openvino_ir_of_the_same_model_is_safe(pictures: Path, tmp_path: Path) -> None:
    """Given the sample and an IR that OpenVINO made of it, then it is proven safe, measured in turn, exit code 0; the
    document holds the contract's fields and nothing else, and a second look shows the same. (In a data folder of its
    own: each further look at the same pictures has to prove more.)"""
    home = Fettle(tmp_path / "home")
    done = prove(home, SAMPLE, foreign.openvino_ir(tmp_path / "other.xml"), pictures)
    assert done.code == 0, done.err
    assert list(done.document) == ["original", "optimized", "limit", "seconds"]
    original, optimized = done.document["original"], done.document["optimized"]
    assert set(original) >= VARIANT and set(optimized) == set(original)
    assert (original["runtime"], optimized["runtime"]) == ("onnxruntime-cpu", "openvino")
    assert (optimized["verdict"], optimized["agreement"], optimized["recipe"]) == ("safe", 1.0, [])
    assert optimized["speedup"] > 0 and optimized["measured"] == "side_by_side"
    assert done.document["limit"] == 5.0
    assert done.last_line.startswith("other (made elsewhere): ")
    run_id = home.here("jobs", "--json").document["runs"][0]["run_id"]
    again = home.here("compare", run_id)
    assert (again.code, again.last_line) == (0, done.last_line)


def test_int8_of_other_tools_is_judged_by_its_answers(shop: Fettle, pictures: Path, tmp_path: Path) -> None:
    """Given an INT8 file of ONNX Runtime's own tool, then the printed answers are those of the two files."""
    import onnxruntime

    path = foreign.static_int8(tmp_path / "static.onnx")
    done = prove(shop, SAMPLE, path, pictures)
    classes = [
        np.concatenate([onnxruntime.InferenceSession(str(model)).run(None, {"picture": row[None]})[0] for row in rows])
        for model in (SAMPLE, path)
        for rows in [foreign.prepared(0, 100)]
    ]
    same = float((classes[0].argmax(1) == classes[1].argmax(1)).mean())
    optimized = done.document["optimized"]
    assert optimized["agreement"] == pytest.approx(same, abs=1e-9)
    assert optimized["precision"] == "int8"
    assert done.code == (0 if optimized["verdict"] == "safe" else 4)


def test_a_wrong_model_of_the_same_interface_is_regressed(shop: Fettle, pictures: Path, tmp_path: Path) -> None:
    """Given a copy whose classes are mixed up, then it is a regression, exit code 4, the document is printed."""
    path = foreign.with_last_weights(tmp_path / "mixed.onnx", lambda w: np.ascontiguousarray(np.roll(w, 1, w.ndim - 1)))
    done = prove(shop, SAMPLE, path, pictures)
    assert done.code == 4
    assert done.document["optimized"]["verdict"] == "regressed"


@pytest.mark.slow
def test_a_model_that_gives_no_numbers_is_regressed(shop: Fettle, pictures: Path, tmp_path: Path) -> None:
    """Given a copy that answers NaN, then it is reported and never safe."""
    path = foreign.with_last_weights(tmp_path / "nan.onnx", lambda w: np.full_like(w, np.nan))
    done = prove(shop, SAMPLE, path, pictures)
    assert done.code == 4
    assert done.document["optimized"]["verdict"] == "regressed"
    assert any("NaN" in note for note in done.document["optimized"]["notes"])


def test_other_interfaces_are_refused(shop: Fettle, pictures: Path, tmp_path: Path) -> None:
    """Given a model of other pictures, then exit code 3 with the difference, and no verdict."""
    other = small.picture_model(tmp_path / "other.onnx")
    done = shop.here("prove", SAMPLE, other, "--data", pictures, "--json")
    assert done.code == 3
    assert done.error["code"] == "other_interface"
    assert "picture [any, 1, 28, 28] float32" in done.error["detail"]
    assert "picture [n, 3, 16, 16] float32" in done.error["detail"]


def test_a_torch_source_needs_consent(shop: Fettle, pictures: Path, tmp_path: Path) -> None:
    """Given a TorchScript program next to a model, then it is refused without consent."""
    program = foreign.torch_program(tmp_path / "p.pt")
    assert prove(shop, SAMPLE, program, pictures).error["code"] == "needs_consent"


@pytest.mark.slow
def test_torch_source_compared_with_its_onnx(shop: Fettle, pictures: Path, tmp_path: Path) -> None:
    """Given a TorchScript program and the same model as ONNX with a fixed batch, then it is proven after consent."""
    program, graph = foreign.torch_program(tmp_path / "p.pt"), foreign.onnx_of_the_program(tmp_path / "g.onnx")
    done = prove(shop, graph, program, pictures, "--allow-code")
    assert (done.code, done.document["optimized"]["agreement"]) == (0, 1.0), done.err


@pytest.mark.slow
def test_a_torch_source_as_the_original(shop: Fettle, pictures: Path, tmp_path: Path) -> None:
    """Given the same in the opposite order, then the size that the program lacks is requested with --shape."""
    program, graph = foreign.torch_program(tmp_path / "p.pt"), foreign.onnx_of_the_program(tmp_path / "g.onnx")
    turned = prove(shop, program, graph, pictures, "--allow-code", "--shape", "1x1x28x28")
    assert (turned.code, turned.document["optimized"]["agreement"]) == (0, 1.0), turned.err


def test_what_is_not_there_is_refused(shop: Fettle, tmp_path: Path) -> None:
    """Given a file that is gone, or a runtime that nobody has, then exit code 3 or 6 before anything is begun."""
    assert shop.here("prove", SAMPLE, tmp_path / "gone.onnx").code == 3
    assert shop.here("prove", SAMPLE, SAMPLE, "--optimized-runtime", "abacus").code != 0


@pytest.mark.timeout(400)
def test_a_bundle_is_judged_with_its_own_runtime(pictures: Path, tmp_path: Path) -> None:
    """Given a bundle that Fettle exported, then it is judged with the runtime and settings in it, as a zip file; one
    that was changed since is refused."""
    shop = Fettle(finished_folder(tmp_path / "finished") / "data")
    bundle = tmp_path / "faster.zip"
    export = ("export", "r1", "--variant", "v1", "--target", "python", "--out", bundle, "--accept-regression", "a test")
    assert shop.here(*export).code == 0
    done = prove(shop, SAMPLE, bundle, pictures)
    assert done.code == 0, done.err
    optimized = done.document["optimized"]
    assert (optimized["runtime"], optimized["verdict"], optimized["agreement"]) == ("openvino", "safe", 1.0)
    folder = tmp_path / "unpacked"
    shutil.unpack_archive(bundle, folder)
    model = folder / "model" / "model.onnx"
    model.write_bytes(model.read_bytes() + b" ")
    assert prove(shop, SAMPLE, folder, pictures).error["code"] == "bundle_changed"


@pytest.mark.slow
def test_a_bundle_as_the_original(demo: Demo, pictures: Path) -> None:
    """Given a bundle in the original's place, then its own description feeds both models."""
    done = prove(demo.fettle, demo.bundle, SAMPLE, pictures)
    assert done.code in (0, 4), done.err
    chosen = next((v for v in demo.document["variants"] if v["id"] == demo.document["recommended"]), None)
    assert done.document["original"]["runtime"] == (chosen or demo.document["baseline"])["runtime"]
    assert done.document["optimized"]["agreement"] is not None


@pytest.mark.slow
@pytest.mark.parametrize("make", [foreign.dynamic_int8, foreign.nncf_int8])
def test_more_int8_of_other_tools(make: object, shop: Fettle, tmp_path: Path) -> None:
    """Given INT8 files of ONNX Runtime (dynamic) and NNCF with labelled examples, then a verdict with accuracies."""
    data = foreign.examples(tmp_path / "labelled.npz", 0, 600, labels=True)
    done = prove(shop, SAMPLE, make(tmp_path / "int8.onnx"), data)
    assert done.code in (0, 4), done.err
    optimized = done.document["optimized"]
    assert optimized["accuracy"] is not None
    assert (done.code == 0) is (optimized["verdict"] == "safe")
