"""ZIP files are looked at before anything in them is used."""

import io
import zipfile

import pytest


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


def test_a_model_in_a_zip_opens(whole, saved, opened, work):
    result, _ = opened(
        saved(pack([("repo/model.onnx", whole), ("repo/README.md", "---\nlicense: mit\n---\n")]), "m.zip")
    )
    assert (result.info.name, result.info.format, result.info.license) == ("m", "onnx", "MIT")
    assert [entry.name for entry in work.iterdir()] == ["model"]


@pytest.mark.parametrize(
    "name", ["../../x", "/tmp/x", "..\\x", "C:/x", "a/../../x", "x" * 300, "d/" * 60 + "x", "a\x01b"]
)
def test_names_that_lead_outside(whole, saved, refused, name):
    assert refused(saved(pack([("model.onnx", whole), (name, "x")]), "m.zip")).code == "unsafe"


@pytest.mark.parametrize("mode", [0o120777, 0o020666])
def test_links_and_devices(whole, saved, refused, mode):
    assert refused(saved(pack([("model.onnx", whole), ("x", "/etc/passwd", mode)]), "m.zip")).code == "unsafe"


def test_doubles_locks_and_lies(whole, saved, refused):
    assert refused(saved(pack([("model.onnx", whole), ("MODEL.onnx", b"")]), "m.zip")).code == "unsafe"
    data = bytearray(pack([("model.onnx", whole)]))
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    assert refused(saved(bytes(data), "locked.zip")).code == "unsafe"
    renamed = pack([("model.onnx", whole)]).replace(b"model.onnx", b"madel.onnx", 1)
    assert refused(saved(renamed, "lie.zip")).code == "unsafe"
    assert refused(saved(pack([("model.onnx", whole)])[:-30], "cut.zip")).code == "damaged"
    assert refused(saved(b"PK\x03\x04junk" + pack([("model.onnx", whole)]), "prefix.zip")).code in ("unsafe", "damaged")


def test_a_bomb_is_not_unpacked(saved, refused):
    error = refused(saved(pack([("model.onnx", b"\0" * 2**27)]), "bomb.zip"))
    assert error.code == "unsafe" and "grow" in error.detail


def test_nothing_to_open_inside(whole, saved, refused):
    assert refused(saved(pack([("notes.txt", "hi")]), "m.zip")).code == "not_a_model"
    assert refused(saved(pack([("a.onnx", whole), ("b.onnx", whole)]), "m.zip")).code == "several_models"
    inner = pack([("model.onnx", whole)])
    assert refused(saved(pack([("inner.zip", inner)]), "m.zip")).code in ("not_a_model", "nested_zip")
