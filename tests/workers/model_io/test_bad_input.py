"""Everything that is no model, or a bad one, is refused in whole sentences, and nothing is left behind."""

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

import workers.model_io.readers.onnx as onnx_checks
from workers.contracts.errors import InputRefused
from workers.model_io.readers.neighbors import beside_file
from workers.model_io.readers.safetensors import check_header


def wav():
    return b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + b"\0" * 24


NOT_MODELS = {
    "png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "a picture"),
    "wav": (wav(), "a sound"),
    "html": (b"\n<!DOCTYPE html><html><title>Sign in</title></html>", "a web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n", "pointer of Git LFS"),
    "csv": (b"text,label\nhello,1\nworld,0\n", "a text file"),
    "json": (b'{"a": 1}', "a JSON file"),
    "npy": (b"\x93NUMPY\x01\0", "an array"),
    "tflite": (b"\x1c\0\0\0TFL3" + b"\0" * 60, "TensorFlow Lite"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 60, "HDF5"),
    "zeros": (b"\0" * 4096, "zero bytes"),
    "random": (np.random.RandomState(0).bytes(4096), "no file of a kind"),
    "gzip": (b"\x1f\x8b" + b"\0" * 60, "compressed"),
}


@pytest.mark.parametrize("name", NOT_MODELS)
def test_what_is_no_model_is_called_by_its_name(saved, refused, name):
    data, words = NOT_MODELS[name]
    error = refused(saved(data, "model.onnx"))
    assert error.code == "not_a_model"
    assert words in error.detail
    # what is a model of another kind is not called none
    assert ("not a model" in error.detail) is (name not in ("tflite", "hdf5"))


def test_arrays_and_folders_of_data_point_to_the_data_page(tmp_path, refused):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    assert "Data page" in refused(tmp_path / "a.npz").hint
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "Data page" in refused(tmp_path / "pictures").hint


def test_folders_within_folders(onnx_model, saved, tmp_path, refused, inspected):
    # Given a model alone some folders deep / Then it is found; sixty deep it is not looked for
    shallow = tmp_path / "shallow" / "a" / "b"
    shallow.mkdir(parents=True)
    saved(onnx_model()).rename(shallow / "model.onnx")
    assert inspected(tmp_path / "shallow").format == "onnx"
    deep = tmp_path / "deep"
    deep.joinpath(*["d"] * 60).mkdir(parents=True)
    assert refused(deep).code == "not_a_model"


def test_empty_missing_and_truncated(onnx_model, saved, tmp_path, refused):
    whole = onnx_model().SerializeToString()
    assert refused(saved(b"", "a.onnx")).code == "empty"
    assert refused(tmp_path / "gone.onnx").code == "not_found"
    for cut in (len(whole) // 2, len(whole) - 1):
        assert refused(saved(whole[:cut], "cut.onnx")).code == "damaged"
    (tmp_path / "void").mkdir()
    assert "an empty folder" in refused(tmp_path / "void").detail


@pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")
def test_links_and_pipes_are_not_followed(onnx_model, saved, tmp_path, refused):
    (tmp_path / "link.onnx").symlink_to(saved(onnx_model()))
    assert "a link" in refused(tmp_path / "link.onnx").detail
    os.mkfifo(tmp_path / "pipe.onnx")
    assert "a pipe" in refused(tmp_path / "pipe.onnx").detail


def test_a_file_without_permission(onnx_model, saved, refused):
    path = saved(onnx_model())
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert refused(path).code == "no_permission"


@pytest.mark.parametrize(
    "name", ["模型 é.onnx", "n" * 250 + ".onnx", "two\nlines.onnx", "--help.onnx", "raw\udcff.onnx"]
)
def test_odd_names_open_and_are_shown_in_one_line(onnx_model, saved, opened, name):
    result, _ = opened(saved(onnx_model(), name))
    assert result.info.name.isprintable()


def test_operator_that_the_runtime_lacks_is_named(onnx_model, saved, refused):
    from onnx import helper

    model = onnx_model([("Evil", ["x"], ["y"], {"domain": "com.evil"})])
    model.opset_import.append(helper.make_opsetid("com.evil", 1))
    error = refused(saved(model))
    assert error.code == "unsupported_operator"
    assert "com.evil:Evil" in error.detail


def test_no_input_no_weights_no_output_nan(onnx_model, saved, refused):
    model = onnx_model([("Identity", ["w"], ["y"], {})], {})
    del model.graph.input[:]
    assert refused(saved(model)).code == "no_input"
    assert refused(saved(onnx_model([("Relu", ["x"], ["y"], {})], weights={}))).code == "no_weights"
    model = onnx_model()
    del model.graph.output[:]
    assert refused(saved(model)).code == "no_output"
    assert refused(saved(onnx_model(weights={"w": np.full((4, 4), np.nan, np.float32)}))).code == "not_finite"


def test_inspecting_the_same_only_warns(onnx_model, saved, inspected):
    info = inspected(saved(onnx_model([("Relu", ["x"], ["y"], {})], weights={})))
    assert any("no weights" in finding.what for finding in info.findings)
    model = onnx_model([("Identity", ["w"], ["y"], {})], {})
    del model.graph.input[:]
    assert any(f.level == "danger" for f in inspected(saved(model)).findings)


def test_input_of_text_is_not_supported(onnx_model, saved, refused):
    nodes = [("Identity", ["x"], ["y"], {}), ("Identity", ["w"], ["z"], {})]
    outputs = {"z": ("FLOAT", [4, 4]), "y": ("STRING", [1])}
    assert refused(saved(onnx_model(nodes, {"x": ("STRING", [1])}, outputs))).code == "unsupported_input"


def test_a_function_that_calls_itself(onnx_model, saved, refused):
    from onnx import helper

    node = helper.make_node("F", ["a"], ["b"], domain="loc")
    model = onnx_model([("F", ["x"], ["y"], {"domain": "loc"})])
    opsets = [helper.make_opsetid("loc", 1), helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("loc", "F", ["a"], ["b"], [node], opsets))
    model.opset_import.append(helper.make_opsetid("loc", 1))
    assert refused(saved(model)).code == "unsafe"


def with_external(onnx_model, location, **more):
    from onnx import TensorProto

    model = onnx_model()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    return model


@pytest.mark.parametrize(
    "location", ["/etc/passwd", "../secret.bin", "a/../../secret.bin", "C:\\x", "\\\\host\\x", "*/_ORT_MEM_ADDR_/*"]
)
def test_external_data_must_stay_inside(onnx_model, saved, refused, location, tmp_path):
    (tmp_path / "secret.bin").write_bytes(b"S" * 64)
    assert refused(saved(with_external(onnx_model, location))).code == "unsafe"


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_external_data_behind_links(onnx_model, saved, refused, tmp_path, link):
    (tmp_path / "secret.bin").write_bytes(b"S" * 64)
    path = saved(with_external(onnx_model, "w.bin"))
    link(tmp_path / "secret.bin", path.with_name("w.bin"))
    assert refused(path).code == "unsafe"


def test_external_data_missing_short_or_strange(onnx_model, saved, refused):
    error = refused(saved(with_external(onnx_model, "w.bin")))
    assert error.code == "weights_missing" and "w.bin" in error.detail
    path = saved(with_external(onnx_model, "w.bin", offset=0, length=64))
    path.with_name("w.bin").write_bytes(b"\0" * 8)
    assert refused(path).code == "damaged"
    for more in ({"offset": -64}, {"__class__": "x"}, {"offset": "a"}):
        assert refused(saved(with_external(onnx_model, "w.bin", **more))).code == "unsafe"


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_runs_code_runs_nothing(saved, refused, tmp_path, protocol):
    canary = tmp_path / "canary"
    error = refused(saved(pickle.dumps({"w": Evil(canary)}, protocol), "model.bin"))
    assert error.code == "unsafe" and "mkdir" in error.detail
    assert not canary.exists()


def test_the_same_inside_a_torch_file(saved, refused, tmp_path):
    canary, data = tmp_path / "canary", io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps({"w": Evil(canary)}, 2))
        archive.writestr("a/version", "3\n")
    assert "mkdir" in refused(saved(data.getvalue(), "model.pt")).detail
    assert not canary.exists()


def test_a_harmless_pickle_is_no_model_either(saved, refused):
    assert refused(saved(pickle.dumps([1, 2, 3]), "model.pkl")).code == "pickle"


def test_growing_functions_are_counted(monkeypatch, onnx_model, saved, refused):
    from onnx import helper

    monkeypatch.setattr(onnx_checks, "MAX_INLINED_NODES", 10)
    opsets = [helper.make_opsetid("loc", 1), helper.make_opsetid("", 17)]
    model = onnx_model([("F0", ["x"], ["y"], {"domain": "loc"})])
    for i in range(5):
        inner = [(f"F{i + 1}", "loc") if i < 4 else ("Relu", "")] * 2
        nodes = [
            helper.make_node(op, [a], [b], domain=domain)
            for (op, domain), (a, b) in zip(inner, [("a", "t"), ("t", "b")], strict=True)
        ]
        model.functions.append(helper.make_function("loc", f"F{i}", ["a"], ["b"], nodes, opsets))
    model.opset_import.append(helper.make_opsetid("loc", 1))
    assert refused(saved(model)).code == "unsafe"


@pytest.mark.parametrize("side", ["9" * 5000, "99999999999", "0"])
def test_metadata_of_a_stranger_is_no_description(tmp_path: Path, side: str) -> None:
    """Given metadata of an exporter with sides of 5,000 digits and class names of endless lists, Then the sides are not
    taken, and nothing is raised."""
    found = beside_file(tmp_path / "a.onnx", {"stride": "32", "names": "[" * 100_000, "imgsz": f"[{side}, 640]"})
    assert found.preprocess is not None and found.preprocess.resize == (640, 640)


@pytest.mark.parametrize("content", [b"", b"M", bytes(7)])
def test_weights_shorter_than_a_header_are_damaged(tmp_path: Path, content: bytes) -> None:
    """Given a safetensors file of fewer than 8 bytes, as it may lie in a folder, Then it is refused as damaged."""
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(InputRefused) as refused:
        check_header(tmp_path / "model.safetensors")
    assert refused.value.code == "damaged"
