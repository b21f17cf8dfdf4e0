"""Use arrays that fit the model unchanged, prepare pictures, and refuse everything else."""

import re
from dataclasses import replace

import numpy as np
import pytest

from workers.pipeline.filling import default_of
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, PipelineError, PipelineInput

RNG = np.random.default_rng
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


def image(dtype="float32", shape=(None, 3, 6, 8)):
    return {"name": "pixels", "dtype": dtype, "shape": shape, "source": "image"}


def color(layout="nchw", **more):
    return ImageSteps(resize=(6, 8), mean=MEAN, std=STD, layout=layout, **more)


GRAY = ImageSteps(resize=(6, 8), channels="gray", mean=(0.5,), std=(0.25,))
NCHW, NHWC = (None, 3, 6, 8), (None, 6, 8, 3)


@pytest.mark.parametrize("named", [True, False], ids=["named", "x"])
@pytest.mark.parametrize(
    ("shape", "steps", "given", "put"),
    [
        (NHWC, color("nhwc"), (6, 8, 3), lambda v: v[None]),
        (NHWC, color("nhwc"), (2, 6, 8, 3), lambda v: v),
        (NCHW, color(), (3, 6, 8), lambda v: v[None]),
        ((None, 3, None, None), color(), (3, 5, 4), lambda v: v[None]),
        ((None, None, None, None), color(), (3, 6, 8), lambda v: v[None]),
        ((None, 1, 6, 8), GRAY, (1, 6, 8), lambda v: v[None]),
        ((None, 1, 6, 8), GRAY, (6, 8), lambda v: v[None, None]),
        ((None, 1, 6, 8), GRAY, (6, 8, 1), lambda v: v[None, None, :, :, 0]),
        ((None, 1, 6, 8), GRAY, (5, 6, 8), lambda v: v[:, None]),
        ((None, 1, 6, 8), GRAY, (5, 6, 8, 1), lambda v: v[:, None, :, :, 0]),
        ((None, 6, 8, 1), replace(GRAY, layout="nhwc"), (1, 6, 8), lambda v: v[:, :, :, None]),
        ((None, 1, 96, 4), GRAY, (1, 96, 4), lambda v: v[None]),
        ((None, 1, 4, 3), GRAY, (4, 3), lambda v: v[None, None]),
        ((), color(), (3, 6, 8), lambda v: v[None]),
    ],
)
def test_array_of_the_models_shape_is_used_unchanged(make, shape, steps, given, put, named):
    """Given numbers of the model's shape, far beyond those of a picture, with a batch axis or without, by the input's
    name or as x, Then every number is used unchanged."""
    pipeline = make([image(shape=shape)], steps)
    values = RNG(0).uniform(-130, 12.6, given).astype(np.float32)
    fed = pipeline.feeds_from({"pixels" if named else "x": values})["pixels"]
    np.testing.assert_array_equal(fed, put(values))
    assert fed.dtype == np.float32 and fed.flags.c_contiguous
    assert pipeline.picture_of(values) is None
    again = pipeline.feeds_from(values.astype(np.float64))["pixels"]
    np.testing.assert_array_equal(again, put(values))


@pytest.mark.parametrize(
    "values",
    [
        RNG(1).random((6, 8, 3)).astype(np.float32),  # the other layout: its axes would have to be exchanged
        RNG(1).random((12, 16, 3)).astype(np.float32),  # its size would have to be changed
        RNG(1).random((3, 12, 16)).astype(np.float32),
        RNG(1).random((6, 8)).astype(np.float32),
        np.full((6, 8, 3), 300, np.int64),
        np.full((6, 8, 3), -1, np.int16),
        np.full((6, 8, 3), 4095, np.uint16),
        np.ones((3, 6, 8), bool),
        np.zeros((2, 6, 8, 5), np.uint8),
    ],
    ids=lambda values: f"{values.dtype}-{values.shape}",
)
def test_array_of_another_shape_that_is_no_picture_is_refused(make, values):
    """Given fractions of another shape, or integers that are no pixels, Then the error names the required shape."""
    with pytest.raises(PipelineError, match="any×3×6×8"):
        make([image()], color()).feeds_from(values)


STRANGE_DTYPES = ["EVIL", "a" * 5000, "S99999999", "(30000,30000)u1", "f4,f4", "(2,", "O", "datetime64[s]"]


@pytest.mark.parametrize("dtype", STRANGE_DTYPES, ids=lambda dtype: dtype[:12])
def test_input_with_a_strange_dtype_is_refused(make, dtype):
    """Given a description whose input has a made-up, nested or huge dtype, Then an array is refused in few words."""
    pipeline = make([image(dtype=dtype)], color())
    with pytest.raises(PipelineError, match=re.escape(repr(dtype[:40]))) as refused:
        pipeline.feeds_from(np.zeros((3, 6, 8), np.float32))
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    "source", ["constant", "initial_state", "attention_mask", "counted", "token_type_ids", "position_ids"]
)
@pytest.mark.parametrize("dtype", STRANGE_DTYPES, ids=lambda dtype: dtype[:12])
def test_filled_in_input_with_a_strange_dtype_is_refused(dtype, source):
    """Given a strange dtype of an input that is filled in, Then it is refused before anything is allocated."""
    entry = PipelineInput(name="more", dtype=dtype, shape=(None, 4), source=source)
    with pytest.raises(PipelineError, match="more"):
        default_of(entry, np.zeros((1, 4), np.int64), 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
@pytest.mark.parametrize("given", ["hwc", "chw", "rgba", "gray", "1hw"])
def test_pictures_of_8_bits_are_prepared(make, given, dtype):
    """Given pixels in any usual form, also of the model's own size, Then they are prepared as a picture is."""
    bits = RNG(2).integers(0, 256, (6, 8, 3), np.uint8)
    gray = bits[:, :, 0]
    forms = {
        "hwc": bits,
        "chw": bits.transpose(2, 0, 1),
        "rgba": np.dstack([bits, np.full((6, 8), 255, np.uint8)]),
        "gray": gray,
        "1hw": gray[None],
    }
    wanted = bits if given in ("hwc", "chw", "rgba") else np.dstack([gray] * 3)
    wanted = (wanted.astype(np.float32) / np.float32(255) - np.float32(MEAN)) / np.float32(STD)
    for layout, shape in (("nchw", NCHW), ("nhwc", NHWC)):
        pipeline = make([image(shape=shape)], color(layout))
        fed = pipeline.feeds_from(forms[given].astype(dtype))["pixels"]
        np.testing.assert_array_equal(fed[0], wanted.transpose(2, 0, 1) if layout == "nchw" else wanted)
        assert pipeline.picture_of({"x": forms[given].astype(dtype)}).size == (8, 6)


def test_several_pictures_in_a_file_are_prepared_one_by_one(make, tmp_path):
    """Given a file of several pictures, in color or gray, Then each is prepared as it is alone."""
    for shape in ((4, 9, 11, 3), (4, 9, 11)):
        bits = RNG(3).integers(0, 256, shape, np.uint8)
        np.savez(tmp_path / "a.npz", x=bits)
        pipeline = make([image()], color())
        fed = pipeline.feeds_from(tmp_path / "a.npz")["pixels"]
        np.testing.assert_array_equal(fed, np.concatenate([pipeline.feeds_from(one)["pixels"] for one in bits]))


def test_model_of_uint8_gets_pixels_of_its_shape_unchanged(make):
    """Given a model that takes uint8, Then pixels of its shape are used unchanged, others are resized, and fractions
    are refused."""
    steps = ImageSteps(resize=(6, 8), range="0..255", layout="nhwc")
    pipeline = make([image("uint8", NHWC)], steps)
    bits = RNG(4).integers(0, 256, (6, 8, 3), np.uint8)
    np.testing.assert_array_equal(pipeline.feeds_from(bits)["pixels"][0], bits)
    assert pipeline.picture_of(bits) is None
    large = pipeline.feeds_from(RNG(4).integers(0, 256, (12, 16, 3), np.uint8))["pixels"]
    assert large.shape == (1, 6, 8, 3) and large.dtype == np.uint8
    with pytest.raises(PipelineError, match="of float64"):
        pipeline.feeds_from(np.full((6, 8, 3), 0.5))
    fractions = make([image("uint8", NHWC)], replace(steps, range="0..1"))
    with pytest.raises(PipelineError, match="rounded"):
        fractions.feeds_from(RNG(4).integers(0, 256, (12, 16, 3), np.uint8))


@pytest.mark.parametrize(
    ("dtype", "values", "words"),
    [
        ("int64", [1.0, 2.5, 3.0, 4.0], "rounded"),
        ("int64", [1.0, np.nan, 3.0, 4.0], "rounded"),
        ("int32", [1, 2, 3, 1 << 40], "goes from 1 to"),
        ("uint8", [-1, 0, 1, 2], "goes from -1 to 2"),
        ("float16", [1.0, 1e6, 0.0, 0.0], "too large for float16"),
        ("float32", [1e300, 0.0, 0.0, 0.0], "too large for float32"),
        ("float32", [1j, 0, 0, 0], "wants numbers"),
    ],
)
def test_numbers_that_would_be_rounded_cut_off_or_overflow_are_refused(make, dtype, values, words):
    entry = {"name": "x", "dtype": dtype, "shape": (None, 4), "source": "array"}
    with pytest.raises(PipelineError, match=words):
        make([entry], ArraySteps()).feeds_from(np.asarray(values))


def test_numbers_that_fit_change_their_type_only(make):
    """Given integers as fractions, small ones in a wide type, and NaN, Then the values stay the same."""
    whole = make([{"name": "x", "dtype": "int64", "shape": (None, 4), "source": "array"}], ArraySteps())
    assert whole.feeds_from(np.array([3.0, -1.0, 0.0, 7.0]))["x"].tolist() == [[3, -1, 0, 7]]
    floats = make([{"name": "x", "dtype": "float32", "shape": (None, 4), "source": "array"}], ArraySteps())
    assert np.isnan(floats.feeds_from(np.array([np.nan, np.inf, 1, 2]))["x"]).tolist() == [[True, False, False, False]]


SOUND = [{"name": "input", "dtype": "float32", "shape": (None, None), "source": "audio"}]


def test_frames_of_sound_are_distinguished_from_samples(make):
    """Given frames as the model takes them, or one by the input's name, Then they are used unchanged; a row of samples
    is a sound of any length."""
    pipeline = make(SOUND, AudioSteps(frame_samples=4, context_samples=2))
    frames = RNG(5).normal(size=(3, 6)).astype(np.float32)
    np.testing.assert_array_equal(pipeline.feeds_from({"input": frames})["input"], frames)
    np.testing.assert_array_equal(pipeline.feeds_from({"input": frames[0]})["input"], frames[:1])
    assert pipeline.feeds_from(frames[0])["input"].shape == (2, 6)
    assert pipeline.feeds_from({"input": np.zeros(9, np.float32)})["input"].shape == (3, 6)
    with pytest.raises(PipelineError, match="any×6"):
        pipeline.feeds_from(frames.astype(np.int16))


def test_loud_sound_for_an_integer_input_is_clipped(make):
    """Given a sound that exceeds 16 bits, Then it is clipped and does not change its sign."""
    pipeline = make([{**SOUND[0], "dtype": "int16"}], AudioSteps(frame_samples=4, scale=32768.0))
    fed = pipeline.feeds_from(np.array([1.5, -1.5, 0.5, 0.25], np.float32))["input"]
    assert fed.tolist() == [[32767, -32768, 16384, 8192]] and fed.dtype == np.int16
