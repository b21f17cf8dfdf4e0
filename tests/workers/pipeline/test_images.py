"""Pictures are prepared exactly as torchvision prepares them, whatever file they come in."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from workers.pipeline.images import open_picture, picture_from_array, to_tensor
from workers.pipeline.spec import ImageSteps, PipelineError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def noise(height, width, channels=3, seed=0):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("size", [(300, 400), (401, 255), (224, 224), (64, 37), (256, 500)])
def test_the_usual_steps_equal_torchvision(size):
    # Given a picture, and torchvision's own steps of resize 256, crop 224, normalize
    from torchvision.transforms import v2

    image = Image.fromarray(noise(*size))
    steps = ImageSteps(resize=256, crop=224, mean=MEAN, std=STD)
    # When it goes through the pipeline / Then every number is the same
    theirs = v2.functional.normalize(
        v2.functional.to_dtype(
            v2.functional.to_image(v2.functional.center_crop(v2.functional.resize(image, [256]), [224, 224])),
            scale=True,
        ),
        list(MEAN),
        list(STD),
    )
    np.testing.assert_allclose(to_tensor(image, steps)[0], theirs.numpy(), atol=1e-6)


def test_a_picture_smaller_than_the_crop_gets_a_black_border_as_in_torchvision():
    from torchvision.transforms import v2

    image = Image.fromarray(noise(20, 31))
    theirs = np.asarray(v2.functional.center_crop(image, [28, 40])).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(to_tensor(image, ImageSteps(crop=(28, 40)))[0], theirs, atol=1e-6)


def test_layout_channels_range_and_gray():
    # Given one red pixel
    image = Image.fromarray(np.array([[[255, 0, 0]]], np.uint8))
    # Then it lies where the steps say
    assert to_tensor(image, ImageSteps()).tolist() == [[[[1.0]], [[0.0]], [[0.0]]]]
    assert to_tensor(image, ImageSteps(channels="bgr", layout="nhwc", range="0..255")).tolist() == [[[[0, 0, 255]]]]
    gray = to_tensor(image, ImageSteps(channels="gray", mean=(0.5,), std=(0.5,)))
    assert gray.shape == (1, 1, 1, 1)
    assert gray[0, 0, 0, 0] == pytest.approx((76 / 255 - 0.5) / 0.5)
    assert to_tensor(image, ImageSteps(resize=(3, 5))).shape == (1, 3, 3, 5)


def test_the_exif_mark_turns_the_picture(tmp_path):
    # Given a wide picture whose mark says that it stands on its side
    image = Image.new("RGB", (40, 20))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    # Then it comes out upright
    assert open_picture(tmp_path / "a.jpg").size == (20, 40)


@pytest.mark.parametrize("mode", ["CMYK", "P", "1", "LA", "YCbCr", "RGBA", "PA"])
def test_every_mode_becomes_plain(tmp_path, mode):
    # Given a picture of one color in an unusual mode
    image = Image.new("RGB", (8, 8), (200, 200, 200)).convert("L" if mode in ("1", "LA") else "RGB")
    if mode == "PA":
        image = image.convert("P").convert("PA")
    suffix = "tif" if mode in ("CMYK", "YCbCr", "PA") else "png"
    image.convert(mode).save(tmp_path / f"a.{suffix}")
    # Then it is RGB or gray
    assert open_picture(tmp_path / f"a.{suffix}").mode in ("RGB", "L")


def test_alpha_is_laid_on_white(tmp_path):
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert open_picture(tmp_path / "a.png").getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bits_are_scaled(tmp_path):
    Image.fromarray(np.full((4, 4), 32896, np.uint16)).save(tmp_path / "a.png")
    assert open_picture(tmp_path / "a.png").getpixel((0, 0)) == 128


def test_of_a_moving_picture_the_first_frame_counts(tmp_path):
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert open_picture(tmp_path / "a.gif").convert("RGB").getpixel((0, 0)) == (255, 0, 0)


def _png_header(width, height):
    body = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunk = b"IHDR" + body
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture", _png_header(60000, 60000) + b"\0" * 20, b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * 30],
    ids=["empty", "text", "bomb", "cut jpeg"],
)
def test_what_cannot_be_decoded_is_told_in_words(tmp_path, data):
    (tmp_path / "bild ä.png").write_bytes(data)
    with pytest.raises(PipelineError, match=r"bild ä\.png"):
        open_picture(tmp_path / "bild ä.png")


def test_arrays_become_pictures():
    assert picture_from_array(noise(5, 7, 1)).size == (7, 5)
    assert picture_from_array(noise(5, 7).transpose(2, 0, 1)).size == (7, 5)
    assert picture_from_array(np.full((5, 7), 255, np.int64)).getpixel((0, 0)) == 255
    with pytest.raises(PipelineError, match="not a picture"):
        picture_from_array(np.zeros(5))
