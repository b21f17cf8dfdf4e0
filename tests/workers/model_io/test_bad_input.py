"""Refuse everything that is no model, or a bad one, in whole sentences, and leave nothing behind."""

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import workers.model_io.readers.onnx as onnx_checks
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import InputRefused
from workers.contracts.translation import Message
from workers.model_io import trial
from workers.model_io.readers.neighbors import facts_of_file
from workers.model_io.readers.safetensors import check_header

NOT_MODELS = {
    "png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "a picture"),
    "wav": (b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + b"\0" * 24, "a sound"),
    "html": (b"\n<!DOCTYPE html><html><title>Sign in</title></html>", "a web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n", "pointer of Git LFS"),
    "csv": (b"text,label\nhello,1\nworld,0\n", "a text file"),
    "json": (b'{"a": 1}', "a JSON file"),
    "npy": (b"\x93NUMPY\x01\0", "an array"),
    "tflite": (b"\x1c\0\0\0TFL3" + b"\0" * 60, "TensorFlow Lite"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 60, "HDF5"),
    "xgb.json": (b'{"learner":{"attributes":{},"feature_names":[]}}', "XGBoost"),
    "xgb.ubj": (b"{L\0\0\0\0\0\0\0\x07learner{L\0\0\0\0\0\0\0\nattributes", "XGBoost"),
    "lgbm.txt": (b"tree\nversion=v4\nnum_class=1\n", "LightGBM"),
    "cbm": (b"CBM1Xn\x03\0\x14" + b"\0" * 60, "CatBoost"),
    "zeros": (b"\0" * 4096, "zero bytes"),
    "random": (np.random.RandomState(0).bytes(4096), "no file of a known kind"),
    "gzip": (b"\x1f\x8b" + b"\0" * 60, "compressed"),
}


FOREIGN = ("tflite", "hdf5", "xgb.json", "xgb.ubj", "lgbm.txt", "cbm")


@pytest.mark.parametrize("name", NOT_MODELS)
def test_file_that_is_no_model_is_named(saved, refused, name):
    data, words = NOT_MODELS[name]
    error = refused(saved(data, "model.onnx"))
    assert error.code == "not_a_model"
    assert words in error.detail
    # an unsupported model is still called a model
    assert ("not a model" in error.detail) is (name not in FOREIGN)


def test_refusal_keeps_its_template_with_harmless_facts(tmp_path, refused):
    """Given a tensor whose name turns letters around, Then another process reads a template with a harmless name."""
    header = b'{"a\\u202eb{0}":1}'
    (tmp_path / "m.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)

    detail = ErrorInfo.model_validate_json(refused(tmp_path / "m.safetensors").info().model_dump_json()).detail

    assert isinstance(detail, Message) and detail.facts[0] == "m.safetensors"
    assert detail.facts[1].facts == ("a�b{0}",) and "a�b{0}" in detail


def test_data_are_refused_with_a_hint_to_the_data_page(tmp_path, refused):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    assert "Data page" in refused(tmp_path / "a.npz").hint
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "Data page" in refused(tmp_path / "pictures").hint


def test_model_some_folders_deep_is_found(onnx_model, saved, tmp_path, refused, inspected):
    # Given a model three folders deep / Then it is found; sixty deep it is not searched for
    shallow = tmp_path / "shallow" / "a" / "b"
    shallow.mkdir(parents=True)
    saved(onnx_model()).rename(shallow / "model.onnx")
    assert inspected(tmp_path / "shallow").format == "onnx"
    deep = tmp_path / "deep"
    deep.joinpath(*["d"] * 60).mkdir(parents=True)
    assert refused(deep).code == "not_a_model"


def test_path_that_is_no_model_is_refused(onnx_model, saved, tmp_path, refused):
    whole = onnx_model().SerializeToString()
    (tmp_path / "void").mkdir()
    (tmp_path / "link.onnx").symlink_to(saved(whole))
    os.mkfifo(tmp_path / "pipe.onnx")
    for path, code, words in (
        (saved(b"", "a.onnx"), "empty", "0 bytes"),
        (tmp_path / "gone.onnx", "not_found", "cannot be found"),
        (saved(whole[: len(whole) // 2], "half.onnx"), "damaged", "cut off"),
        (saved(whole[:-1], "cut.onnx"), "damaged", "cut off"),
        (tmp_path / "void", "not_a_model", "an empty folder"),
        (tmp_path / "link.onnx", "not_a_model", "a link"),
        (tmp_path / "pipe.onnx", "not_a_model", "a pipe"),
    ):
        error = refused(path)
        assert error.code == code and words in error.detail, path


def test_file_without_permission_is_refused(onnx_model, saved, refused):
    path = saved(onnx_model())
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert refused(path).code == "no_permission"


@pytest.mark.parametrize(
    "name", ["模型 é.onnx", "n" * 250 + ".onnx", "two\nlines.onnx", "--help.onnx", "raw\udcff.onnx"]
)
def test_file_with_an_odd_name_opens_and_is_shown_in_one_line(onnx_model, saved, opened, name):
    result, _ = opened(saved(onnx_model(), name))
    assert result.info.name.isprintable()


def test_unsupported_operator_is_named(onnx_model, saved, refused):
    from onnx import helper

    model = onnx_model([("Evil", ["x"], ["y"], {"domain": "com.evil"})])
    model.opset_import.append(helper.make_opsetid("com.evil", 1))
    error = refused(saved(model))
    assert error.code == "unsupported_operator"
    assert "com.evil:Evil" in error.detail


def test_useless_model_is_refused_and_inspected_with_a_warning(onnx_model, saved, refused, inspected):
    """Given a model without input, weights or output, or with NaN, Then opening refuses it and inspecting warns."""
    no_input = onnx_model([("Identity", ["w"], ["y"], {})], {})
    del no_input.graph.input[:]
    no_weights = onnx_model([("Relu", ["x"], ["y"], {})], weights={})
    no_output = onnx_model()
    del no_output.graph.output[:]
    nan = onnx_model(weights={"w": np.full((4, 4), np.nan, np.float32)})
    models = {"no_input": no_input, "no_weights": no_weights, "no_output": no_output, "not_finite": nan}
    assert {code: refused(saved(model)).code for code, model in models.items()} == {code: code for code in models}
    assert any("no weights" in finding.what for finding in inspected(saved(no_weights)).findings)
    assert any(finding.level == "danger" for finding in inspected(saved(no_input)).findings)


def test_input_of_texts_is_refused_and_inspected_with_a_warning(onnx_model, saved, refused, inspected):
    nodes = [("Identity", ["x"], ["y"], {}), ("Identity", ["w"], ["z"], {})]
    outputs = {"z": ("FLOAT", [4, 4]), "y": ("STRING", [1])}
    path = saved(onnx_model(nodes, {"x": ("STRING", [1])}, outputs))
    assert refused(path).code == "unsupported_input"
    info = inspected(path)
    assert info.inputs[0].meaning == "texts" and any(finding.level == "danger" for finding in info.findings)


def functions(onnx_model, bodies):
    """Build a model of local functions, each of which calls operators or functions in turn."""
    from onnx import helper

    opsets = [helper.make_opsetid("loc", 1), helper.make_opsetid("", 17)]
    model = onnx_model([(next(iter(bodies)), ["x"], ["y"], {"domain": "loc"})])
    for name, calls in bodies.items():
        values = ["a", *(f"t{number}" for number in range(len(calls) - 1)), "b"]
        nodes = [
            helper.make_node(call, [values[at]], [values[at + 1]], domain="loc" if call in bodies else "")
            for at, call in enumerate(calls)
        ]
        model.functions.append(helper.make_function("loc", name, ["a"], ["b"], nodes, opsets))
    model.opset_import.append(opsets[0])
    return model


def test_functions_that_recurse_or_grow_are_refused(monkeypatch, onnx_model, saved, refused):
    assert refused(saved(functions(onnx_model, {"F": ["F"]}))).code == "unsafe"
    monkeypatch.setattr(onnx_checks, "MAX_INLINED_NODES", 10)
    growing = {f"F{number}": [f"F{number + 1}" if number < 4 else "Relu"] * 2 for number in range(5)}
    assert refused(saved(functions(onnx_model, growing))).code == "unsafe"


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
def test_external_data_outside_the_folder_are_refused(onnx_model, saved, refused, location, tmp_path):
    (tmp_path / "secret.bin").write_bytes(b"S" * 64)
    assert refused(saved(with_external(onnx_model, location))).code == "unsafe"


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_external_data_behind_links_are_refused(onnx_model, saved, refused, tmp_path, link):
    (tmp_path / "secret.bin").write_bytes(b"S" * 64)
    path = saved(with_external(onnx_model, "w.bin"))
    link(tmp_path / "secret.bin", path.with_name("w.bin"))
    assert refused(path).code == "unsafe"


def test_external_data_missing_short_or_malformed_are_refused(onnx_model, saved, refused):
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
def test_pickle_that_runs_code_runs_nothing(saved, refused, tmp_path, protocol):
    """Given a pickle that calls a function, alone or inside a torch file, Then the call is named and never made."""
    canary, data = tmp_path / "canary", io.BytesIO()
    evil = pickle.dumps({"w": Evil(canary)}, protocol)
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a/data.pkl", evil)
        archive.writestr("a/version", "3\n")
    for content in (evil, data.getvalue()):
        error = refused(saved(content, "model.bin"))
        assert error.code == "unsafe" and "mkdir" in error.detail
    assert not canary.exists()
    assert refused(saved(pickle.dumps([1, 2, 3], protocol), "model.pkl")).code == "pickle"


@pytest.mark.parametrize("broken", [b"", b"\xff" * 64])
def test_scikit_learn_pickle_is_named_with_the_way_to_onnx(saved, refused, broken):
    """Given a pickle of scikit-learn, or joblib's with raw arrays between its parts, Then it is not called damaged, and
    the hint names skl2onnx instead of PyTorch."""
    names = b"\x80\x04\x8c\x18sklearn.ensemble._forest\x94\x8c\x16RandomForestClassifier\x94\x93\x94"
    error = refused(saved(names + broken + b".", "forest.joblib"))
    assert error.code == "pickle"
    assert "skl2onnx" in error.hint and "torch" not in error.hint


@pytest.mark.parametrize("side", ["9" * 5000, "99999999999", "0"])
def test_metadata_with_absurd_values_is_ignored(tmp_path: Path, side: str) -> None:
    """Given metadata of an exporter with sides of 5,000 digits and class names of endless lists, Then the sides are not
    taken, and nothing is raised."""
    found = facts_of_file(tmp_path / "a.onnx", {"stride": "32", "names": "[" * 100_000, "imgsz": f"[{side}, 640]"})
    assert found.preprocess is not None and found.preprocess.resize == (640, 640)


@pytest.mark.parametrize("content", [b"", b"M", bytes(7)])
def test_weights_shorter_than_a_header_are_damaged(tmp_path: Path, content: bytes) -> None:
    """Given a safetensors file of fewer than 8 bytes, as it may lie in a folder, Then it is refused as damaged."""
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(InputRefused) as refused:
        check_header(tmp_path / "model.safetensors")
    assert refused.value.code == "damaged"


def test_operator_name_that_is_no_text_is_refused(onnx_model, saved, refused):
    # Given an operator with a name of invalid UTF-8, which protobuf returns as bytes / Then it is damaged
    data = onnx_model().SerializeToString().replace(b"MatMul", b"M\xff\xfeMul")
    error = refused(saved(data))
    assert error.code == "damaged" and "no text" in error.detail


def test_trial_of_a_large_input_uses_small_free_sizes(onnx_model, saved, opened, monkeypatch):
    # Given an input with a million fixed numbers and a free size / Then the trial uses 1 for the free size
    seen = []
    made = trial.random_array

    def recorded(entry, rng, side, table=None):
        seen.append(side)
        return made(entry, rng, side, table)

    monkeypatch.setattr(trial, "random_array", recorded)
    nodes = [("ReduceMean", ["x"], ["m"], {"axes": [1, 2], "keepdims": 0}), ("MatMul", ["m", "w"], ["y"], {})]
    inputs = {"x": ("FLOAT", [1, 255, 4096, "n"])}
    weights = {"w": np.ones((1, 4), np.float32)}
    path = saved(onnx_model(nodes, inputs, {"y": ("FLOAT", [1, 4])}, weights))
    opened(path)
    assert set(seen) == {1}


def test_trial_of_a_slow_model_stops_in_time(onnx_model, saved, opened, monkeypatch):
    # Given a model that takes 2.6 s for each run / Then a second run, which would end after 5 s, is not started
    clock = [0.0]
    monkeypatch.setattr(trial.time, "monotonic", lambda: clock[0])
    run = trial.Pipeline.run

    def slowly(*arguments):
        clock[0] += 2.6
        return run(*arguments)

    monkeypatch.setattr(trial.Pipeline, "run", slowly)
    result, _ = opened(saved(onnx_model()))
    assert any("tried once on made-up inputs" in finding.what for finding in result.info.findings)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_with_a_broken_description_is_damaged(saved, inspected):
    # Given TorchScript whose data.pkl ends inside its first name / Then it is damaged, not an internal error
    sound, out = io.BytesIO(), io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), sound)
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"\x80\x02c__torch__" if name.endswith("data.pkl") else old.read(name))
    with pytest.raises(InputRefused, match="description of the program is broken"):
        inspected(saved(out.getvalue(), "m.pt"))


def pack(members, method=zipfile.ZIP_DEFLATED):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, body, *mode in members:
            info = zipfile.ZipInfo(name)
            info.filename = name
            info.compress_type = method
            info.create_system = 3
            info.external_attr = (mode[0] if mode else 0o100644) << 16
            archive.writestr(info, body)
    return data.getvalue()


@pytest.fixture
def whole(onnx_model):
    return onnx_model().SerializeToString()


def test_zip_with_a_model_opens(whole, saved, opened, work):
    result, _ = opened(
        saved(pack([("repo/model.onnx", whole), ("repo/README.md", "---\nlicense: mit\n---\n")]), "m.zip")
    )
    assert (result.info.name, result.info.format, result.info.license) == ("m", "onnx", "MIT")
    assert [entry.name for entry in work.iterdir()] == ["model"]


@pytest.mark.parametrize(
    "member",
    [("../../x",), ("/tmp/x",), ("..\\x",), ("C:/x",), ("a/../../x",), ("x" * 300,), ("d/" * 60 + "x",), ("a\x01b",),
     ("link", 0o120777), ("device", 0o020666)],
)  # fmt: skip
def test_zip_with_a_member_outside_a_link_or_a_device_is_refused(whole, saved, refused, member):
    name, *mode = member
    assert refused(saved(pack([("model.onnx", whole), (name, "/etc/passwd", *mode)]), "m.zip")).code == "unsafe"


def test_zip_with_duplicates_locks_or_contradictions_is_refused(whole, saved, refused):
    assert refused(saved(pack([("model.onnx", whole), ("MODEL.onnx", b"")]), "m.zip")).code == "unsafe"
    data = bytearray(pack([("model.onnx", whole)]))
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    assert refused(saved(bytes(data), "locked.zip")).code == "unsafe"
    renamed = pack([("model.onnx", whole)]).replace(b"model.onnx", b"madel.onnx", 1)
    assert refused(saved(renamed, "lie.zip")).code == "unsafe"
    assert refused(saved(pack([("model.onnx", whole)])[:-30], "cut.zip")).code == "damaged"
    assert refused(saved(b"PK\x03\x04junk" + pack([("model.onnx", whole)]), "prefix.zip")).code in ("unsafe", "damaged")


def test_zip_bomb_is_not_unpacked(saved, refused):
    error = refused(saved(pack([("model.onnx", b"\0" * 2**27)]), "bomb.zip"))
    assert error.code == "unsafe" and "grow" in error.detail


def test_zip_without_one_model_is_refused(whole, saved, refused):
    assert refused(saved(pack([("notes.txt", "hi")]), "m.zip")).code == "not_a_model"
    assert refused(saved(pack([("a.onnx", whole), ("b.onnx", whole)]), "m.zip")).code == "several_models"
    inner = pack([("model.onnx", whole)])
    assert refused(saved(pack([("inner.zip", inner)]), "m.zip")).code in ("not_a_model", "nested_zip")
