"""Refuse files of arrays that are damaged or claim more than memory holds."""

import io
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_models import classes

from workers.pipeline.array_files import ArrayFileError, load_arrays
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.spec import ImageSteps, PipelineError, PipelineInput

SPEC = replace(classes("x", "float32", (4,), 3, "y"), answer_kind="tensor")


@pytest.mark.parametrize("harm", ["head alone", "cut", "a byte changed"])
def test_damaged_npz_is_refused_by_its_name(tmp_path: Path, harm: str) -> None:
    """Given a ZIP file that is cut, or whose content does not match its checksum, Then it is refused in a sentence."""
    path = tmp_path / "x.npz"
    np.savez_compressed(path, x=np.arange(400, dtype=np.float32).reshape(100, 4))
    content = bytearray(path.read_bytes())
    if harm == "a byte changed":
        content[len(content) // 3] ^= 0xFF
    path.write_bytes(
        {"head alone": b"PK\x03\x04", "cut": bytes(content[: len(content) // 2])}.get(harm, bytes(content))
    )
    with pytest.raises(PipelineError, match=r"x\.npz cannot be read"):
        Pipeline(SPEC, tmp_path).feeds_from(path)


@pytest.mark.parametrize("code", [0x110000, 0xD800])
def test_text_with_code_point_outside_unicode_is_refused(tmp_path: Path, code: int) -> None:
    """Given an NPZ whose labels hold a code point that Unicode lacks, When it is loaded, Then it is damaged."""
    (tmp_path / "x.npz").write_bytes(npz(**{"y.npy": npy("(1,)", struct.pack("<I", code), "<U1")}))
    with pytest.raises(ArrayFileError):
        load_arrays(tmp_path / "x.npz")


def npy(shape: str, body: bytes = b"", descr: str = "<f4") -> bytes:
    """Return an NPY file whose header states `shape`."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def npz(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


BOMBS = {
    "packed zeros": lambda: npz(**{"x.npy": npy("(6000000, 4)", bytes(96_000_000))}),
    "zeros beside the array": lambda: npz(**{"x.npy": npy("(1, 4)", bytes(16)), "y.npy": npy("(25000000,)", bytes(100_000_000))}),
    "a huge shape": lambda: npz(**{"x.npy": npy("(4000000000, 4)", bytes(16))}),
    "a shape below 0": lambda: npz(**{"x.npy": npy("(-1, 4)", bytes(16))}),
    "a shape of 60 digits": lambda: npz(**{"x.npy": npy(f"({'9' * 60}, 4)", bytes(16))}),
    "wide texts": lambda: npz(**{"x.npy": npy("(1, 4)", bytes(16), "<U900000000")}),
    "a header of 100 MB": lambda: npz(**{"x.npy": b"\x93NUMPY\x02\x00" + struct.pack("<I", 100_000_000) + b" " * 100_000_000}),
    "brackets without end": lambda: npz(**{"x.npy": npy("(" * 5000, bytes(16))}),
    "an array longer than the file": lambda: npy("(50000000, 4)", bytes(16)),
    "an array of 60 digits": lambda: npy(f"({'9' * 60}, 4)", bytes(16)),
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_an_array_file_that_says_too_much_is_refused_within_memory(
    tmp_path: Path, within, bomb: str, suffix: str
) -> None:
    """Given a small file whose arrays would fill the memory, Then it is refused before any of them is unpacked."""
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(BOMBS[bomb]())
    pipeline = Pipeline(SPEC, tmp_path)
    with within(8 << 20), pytest.raises(PipelineError, match=r"x\.np. cannot be read"):
        pipeline.feeds_from(path)


def test_npz_member_that_is_no_array_is_not_unpacked(tmp_path: Path, within) -> None:
    """Given an array and another member of 100 MB, Then only the array is read."""
    path = tmp_path / "x.npz"
    path.write_bytes(npz(**{"x.npy": npy("(1, 4)", bytes(16)), "x": bytes(100_000_000)}))
    with within(8 << 20):
        feeds = Pipeline(SPEC, tmp_path).feeds_from(path)
    assert feeds["x"].tolist() == [[0.0] * 4]


def test_many_tiny_pictures_in_one_array_are_refused(tmp_path: Path) -> None:
    """Given an array of 3 MB with a million pictures of one pixel, which would take 600 GB, Then it is refused."""
    image = PipelineInput(name="x", dtype="float32", shape=(None, 3, 224, 224), source="image")
    spec = replace(SPEC, inputs=(image,), preprocess=ImageSteps(resize=(224, 224)))
    pipeline = Pipeline(spec, tmp_path)
    np.save(tmp_path / "x.npy", np.zeros((1_000_000, 1, 1, 3), np.uint8))
    with pytest.raises(PipelineError, match="1,000,000 pictures"):
        pipeline.feeds_from(tmp_path / "x.npy")
    np.save(tmp_path / "y.npy", np.zeros((3, 1, 1, 3), np.uint8))
    assert pipeline.feeds_from(tmp_path / "y.npy")["x"].shape == (3, 3, 224, 224)
