"""Prepare pictures exactly like torchvision, from files of every kind."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from workers.pipeline.images import open_picture, picture_from_array, placing_of, to_plain, to_tensor
from workers.pipeline.spec import ImageSteps, PipelineError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def noise(height, width, channels=3, seed=0):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("size", [(300, 400), (401, 255), (224, 224), (64, 37), (256, 500)])
def test_preparation_equals_torchvision(size):
    # Given a picture, and torchvision's own steps of resize 256, crop 224, normalize
    from torchvision.transforms import v2

    image = Image.fromarray(noise(*size))
    steps = ImageSteps(resize=256, crop=224, mean=MEAN, std=STD)
    # When it is prepared / Then every number is the same
    cut = v2.functional.center_crop(v2.functional.resize(image, [256]), [224, 224])
    shares = v2.functional.to_dtype(v2.functional.to_image(cut), scale=True)
    theirs = v2.functional.normalize(shares, list(MEAN), list(STD))
    np.testing.assert_allclose(to_tensor(image, steps)[0], theirs.numpy(), atol=1e-6)


def test_crop_larger_than_the_picture_adds_black_like_torchvision():
    from torchvision.transforms import v2

    image = Image.fromarray(noise(20, 31))
    theirs = np.asarray(v2.functional.center_crop(image, [28, 40])).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(to_tensor(image, ImageSteps(crop=(28, 40)))[0], theirs, atol=1e-6)


def test_preparation_follows_layout_channels_and_range():
    image = Image.fromarray(np.array([[[255, 0, 0]]], np.uint8))
    assert to_tensor(image, ImageSteps()).tolist() == [[[[1.0]], [[0.0]], [[0.0]]]]
    assert to_tensor(image, ImageSteps(channels="bgr", layout="nhwc", range="0..255")).tolist() == [[[[0, 0, 255]]]]
    gray = to_tensor(image, ImageSteps(channels="gray", mean=(0.5,), std=(0.5,)))
    assert gray.shape == (1, 1, 1, 1)
    assert gray[0, 0, 0, 0] == pytest.approx((76 / 255 - 0.5) / 0.5)
    assert to_tensor(image, ImageSteps(resize=(3, 5))).shape == (1, 3, 3, 5)


def test_open_picture_applies_the_exif_rotation(tmp_path):
    image = Image.new("RGB", (40, 20))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    assert open_picture(tmp_path / "a.jpg").size == (20, 40)


@pytest.mark.parametrize("mode", ["CMYK", "P", "1", "LA", "YCbCr", "RGBA", "PA"])
def test_open_picture_of_every_mode_gives_rgb_or_gray(tmp_path, mode):
    # Given a picture of one color in an unusual mode
    image = Image.new("RGB", (8, 8), (200, 200, 200)).convert("L" if mode in ("1", "LA") else "RGB")
    if mode == "PA":
        image = image.convert("P").convert("PA")
    suffix = "tif" if mode in ("CMYK", "YCbCr", "PA") else "png"
    image.convert(mode).save(tmp_path / f"a.{suffix}")
    # Then it is RGB or gray
    assert open_picture(tmp_path / f"a.{suffix}").mode in ("RGB", "L")


@pytest.mark.parametrize(
    ("name", "image", "options", "pixel"),
    [
        ("a.png", Image.new("RGBA", (4, 4), (255, 0, 0, 0)), {}, (255, 255, 255)),
        ("a.png", Image.fromarray(np.full((4, 4), 32896, np.uint16)), {}, 128),
        ("a.gif", Image.new("RGB", (4, 4), "red"),
         {"save_all": True, "append_images": [Image.new("RGB", (4, 4), "blue")]}, (255, 0, 0)),
    ],
    ids=["alpha on white", "16 bits scaled", "first frame"],
)  # fmt: skip
def test_open_picture_converts_to_8_bits_of_one_frame(tmp_path, name, image, options, pixel):
    image.save(tmp_path / name, **options)
    opened = open_picture(tmp_path / name)
    assert (opened.convert("RGB") if name == "a.gif" else opened).getpixel((0, 0)) == pixel


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_header(width, height, color_type=6, bits=8):
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header)


def _bomb(width, height, color_type=2, bits=8):
    """A PNG of zeros: about a thousandth of the size of its pixels."""
    row = 1 + -(-width * bits * {0: 1, 2: 3, 6: 4}[color_type] // 8)
    packer = zlib.compressobj(1)
    body = b"".join([*(packer.compress(bytes(row)) for _ in range(height)), packer.flush()])
    return _png_header(width, height, color_type, bits) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


@pytest.mark.parametrize(("kind", "bits"), [(2, 8), (6, 8), (0, 16), (0, 8)], ids=["RGB", "RGBA", "16 bits", "gray"])
def test_open_picture_small_file_of_many_pixels_is_refused_before_decoding(tmp_path, monkeypatch, kind, bits):
    """Given 100 KB that would become 500 MB and more, Then the file is refused before anything is decoded."""
    path = tmp_path / "a.png"
    path.write_bytes(_bomb(12_000, 9_000, kind, bits) if bits == 16 or kind else _bomb(15_000, 9_000, kind, bits))
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("decoded"))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: pytest.fail("decoded"))
    with pytest.raises(PipelineError, match="far more than"):
        open_picture(path)


def test_open_picture_icon_with_a_large_picture_is_refused_before_decoding(tmp_path, monkeypatch):
    """Given an icon of 256×256 pixels with a PNG of 12,000×9,000, Then it is refused; a usual icon is read."""
    path = tmp_path / "a.ico"
    Image.new("RGB", (48, 48)).save(path)
    assert open_picture(path).size == (48, 48)
    bomb = _bomb(12_000, 9_000)
    path.write_bytes(struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(bomb), 22) + bomb)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: pytest.fail("decoded"))
    with pytest.raises(PipelineError, match="too large"):
        open_picture(path)


def test_open_picture_large_photograph_is_read(tmp_path):
    """Given 64 million gray pixels of noise in a file of their size, Then they are decoded."""
    path = tmp_path / "a.bmp"
    Image.fromarray(np.broadcast_to(noise(1, 8000, 1), (8000, 8000))).save(path)
    assert open_picture(path).size == (8000, 8000)


@pytest.mark.parametrize(
    ("size", "steps"),
    [
        ((1, 3000), ImageSteps(resize=224, crop=224)),
        ((30_000, 1), ImageSteps(resize=224, crop=224)),
        ((1, 3000), ImageSteps(resize=224)),
        ((1, 1_000_000), ImageSteps(resize=(224, 224))),
        ((300_000, 1), ImageSteps(resize=(48, None))),
        ((1, 1_000_000), ImageSteps(crop=224)),
        ((1_000_000, 1), ImageSteps(crop=224)),
    ],
)
def test_a_picture_of_one_row_is_refused_before_it_grows(size, steps):
    """Given a picture so narrow that its longer side would have a million pixels, Then it is refused."""
    with pytest.raises(PipelineError, match="too long and narrow"):
        to_tensor(Image.new("RGB", size), steps)


@pytest.mark.parametrize("letterbox", [False, True])
@pytest.mark.parametrize(("size", "width"), [((600, 60), 480), ((10, 60), 8), ((1, 500), 1)])
def test_free_width_keeps_the_proportions(size, width, letterbox):
    """Given lines of text of any length, When only their height is set, Then their width follows, without a frame."""
    steps = ImageSteps(resize=(48, None), letterbox=letterbox)
    assert to_tensor(Image.new("RGB", size), steps).shape == (1, 3, 48, width)
    assert placing_of(size, steps).frame == (width, 48)


@pytest.mark.parametrize("size", [(100, 20_000), (20_000, 1000), (224, 3000)])
def test_long_picture_is_prepared(size):
    """Given panoramas and long screenshots, Then they are prepared."""
    assert to_tensor(Image.new("RGB", size), ImageSteps(resize=(64, 64))).shape == (1, 3, 64, 64)
    assert to_tensor(Image.new("RGB", size), ImageSteps(resize=64, crop=64)).shape == (1, 3, 64, 64)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "I;16", "I", "F"])
def test_conversion_in_bands_equals_conversion_at_once(monkeypatch, mode):
    """Given bands of one row, Then every pixel is the same as in one band."""
    if mode in ("RGBA", "LA"):
        image = Image.fromarray(noise(40, 30, 4), "RGBA").convert(mode)
    else:
        dtype = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        image = Image.fromarray(np.random.default_rng(1).integers(0, 65536, (40, 30)).astype(dtype))
    assert image.mode == mode
    whole = to_plain(image)
    monkeypatch.setattr("workers.pipeline.images.BAND_PIXELS", 1)
    assert to_plain(image).tobytes() == whole.tobytes()


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture", _png_header(60000, 60000) + b"\0" * 20, b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * 30],
    ids=["empty", "text", "bomb", "cut jpeg"],
)
def test_open_picture_undecodable_file_is_refused_by_its_name(tmp_path, data):
    (tmp_path / "bild ä.png").write_bytes(data)
    with pytest.raises(PipelineError, match=r"bild ä\.png"):
        open_picture(tmp_path / "bild ä.png")


def test_picture_from_array_accepts_every_usual_form():
    assert picture_from_array(noise(5, 7, 1)).size == (7, 5)
    assert picture_from_array(noise(5, 7).transpose(2, 0, 1)).size == (7, 5)
    assert picture_from_array(np.full((5, 7), 255, np.int64)).getpixel((0, 0)) == 255
    with pytest.raises(PipelineError, match="not a picture"):
        picture_from_array(np.zeros(5))
