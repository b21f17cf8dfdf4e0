"""Change the named steps by the SPEC of --preprocess, and name bad parts."""

import pytest

from workers.contracts.errors import InputRefused
from workers.contracts.pipeline import spec_text
from workers.model_io.preprocess_spec import spec_from_string
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, TextSteps


def test_spec_for_pictures_sets_every_part():
    steps = spec_from_string(
        "resize=256, crop=224x200,mean=123.7/116.3/103.5,std=58,layout=NHWC,range=0..255,channels=bgr,"
        "interpolation=bicubic",
        ImageSteps(),
    )
    named = {"layout": "nhwc", "range": "0..255", "channels": "bgr", "interpolation": "bicubic"}
    assert steps == ImageSteps(resize=256, crop=(224, 200), mean=(123.7, 116.3, 103.5), std=(58.0,), **named)


def test_spec_keeps_parts_that_are_not_named():
    assert spec_from_string("crop=8", ImageSteps(resize=9, mean=(0.1,))) == ImageSteps(resize=9, crop=8, mean=(0.1,))
    assert spec_from_string("max_length=9", TextSteps()) == TextSteps(max_length=9)
    assert spec_from_string("context=0,frame=9", AudioSteps(context_samples=5)) == AudioSteps(frame_samples=9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("resize=-1", "“resize=-1”"),
        ("size=3", "resize, crop"),
        ("mean=a", "a number"),
        ("mean=1/2", "three joined"),
        ("std=0", "must not be 0"),
        ("layout=chw", "nchw, nhwc"),
        ("crop", "“crop”"),
    ],
)
def test_spec_with_a_bad_part_is_refused_by_its_name(text, words):
    with pytest.raises(InputRefused) as caught:
        spec_from_string(f"resize=256,{text}", ImageSteps())
    assert caught.value.code == "bad_preprocess"
    assert words in caught.value.detail


IMAGENET = ImageSteps(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


@pytest.mark.parametrize(
    "text", ["range=0..255", "range=0..255,std=1", "range=0..255,mean=0", "mean=123.7/116.3/103.5", "std=58"]
)
def test_spec_with_mean_and_spread_of_another_range_is_refused(text):
    """Given ImageNet's mean and spread of 0 to 1, When only a part is changed to 0 to 255, Then the mix is refused with
    numbers that would fit."""
    with pytest.raises(InputRefused) as caught:
        spec_from_string(text, IMAGENET)
    assert caught.value.code == "bad_preprocess"
    assert "mean=0,std=1" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "range=0..255,mean=0,std=1",
        "range=0..255,mean=123.68/116.779/103.939,std=1",
        "range=0..255,mean=255,std=-1",
        "range=0..1,mean=0.5,std=0.5",
        "range=0..1,mean=1,std=-1",
    ],
)
def test_spec_accepts_every_usual_normalization(text):
    """Given the normalizations that the doctor tries, Then each can be set."""
    assert spec_from_string(text, IMAGENET).range in text


def test_spec_with_a_free_width_is_read_as_it_is_written():
    """Given a height with a free width, Then its SPEC gives the same steps; a crop needs both sides."""
    steps = ImageSteps(resize=(48, None))
    assert "resize=48x*" in spec_text(steps) and spec_from_string(spec_text(steps), IMAGENET) == steps
    with pytest.raises(InputRefused):
        spec_from_string("crop=48x*", IMAGENET)


def test_spec_for_pictures_is_refused_for_arrays():
    with pytest.raises(InputRefused):
        spec_from_string("crop=8", ArraySteps())
