"""Prepare sounds: WAV files of every kind, resampling, frames with context."""

import struct
import wave
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import resample_poly

from workers.pipeline.audio import mono, read_wav, resample, to_frames
from workers.pipeline.spec import AudioSteps, Generation, MelSteps, PipelineError


def riff(kind, channels, rate, bits, body, extensible=False):
    width = channels * bits // 8
    layout = struct.pack("<HHIIHH", 0xFFFE if extensible else kind, channels, rate, rate * width, width, bits)
    if extensible:
        layout += struct.pack("<HHIH", 22, bits, 0, kind) + b"\0" * 14
    chunks = b"fmt " + struct.pack("<I", len(layout)) + layout + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


def test_read_wav_of_the_standard_library(tmp_path):
    samples = np.array([[0, 0], [16384, 16384], [-32768, -32768]], "<i2")
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    values, rate = read_wav(tmp_path / "a.wav")
    assert rate == 8000
    assert values.tolist() == [0, 0.5, -1]


@pytest.mark.parametrize(
    ("kind", "bits", "body"),
    [
        (1, 8, bytes([128, 192])),
        (1, 24, b"\0\0\0\0\0\x40"),
        (1, 32, np.array([0, 2**30], "<i4").tobytes()),
        (3, 32, np.array([0, 0.5], "<f4").tobytes()),
        (3, 64, np.array([0, 0.5], "<f8").tobytes()),
    ],
)
@pytest.mark.parametrize("extensible", [False, True])
def test_read_wav_of_other_widths(tmp_path, kind, bits, body, extensible):
    (tmp_path / "a.wav").write_bytes(riff(kind, 1, 16000, bits, body, extensible))
    assert read_wav(tmp_path / "a.wav")[0].tolist() == [0, 0.5]


@pytest.mark.parametrize(
    "data", [b"", b"RIFF\0\0\0\0WAVE", riff(7, 1, 8000, 8, b"\0"), riff(1, 0, 8000, 16, b"")], ids=range(4)
)
def test_read_wav_of_a_damaged_file_is_refused_by_its_name(tmp_path, data):
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(PipelineError, match=r"a\.wav"):
        read_wav(tmp_path / "a.wav")


@pytest.mark.parametrize("rates", [(44100, 16000), (8000, 16000), (48000, 16000), (16000, 16000)])
def test_resampling_equals_scipy(rates):
    samples = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    theirs = resample_poly(samples.astype(np.float64), rates[1], rates[0])
    np.testing.assert_allclose(resample(samples, *rates), theirs, atol=1e-6)


def test_frames_begin_with_the_end_of_the_previous_one():
    steps = AudioSteps(sample_rate_hz=1, frame_samples=4, context_samples=2)
    assert to_frames(np.arange(1, 11, dtype=np.float32), steps).tolist() == [
        [0, 0, 1, 2, 3, 4],
        [3, 4, 5, 6, 7, 8],
        [7, 8, 9, 10, 0, 0],
    ]
    assert to_frames(np.empty(0, np.float32), steps).shape == (1, 6)


def test_mono_scales_integers_and_mixes_channels():
    assert mono(np.array([-32768, 0], np.int16)).tolist() == [-1, 0]
    assert mono(np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])).tolist() == [0.5, 0, 1]
    with pytest.raises(PipelineError, match="not a sound"):
        mono(np.zeros((2, 2, 2)))


@pytest.mark.parametrize(
    ("rate", "samples"), [(1_000_003, 5), (499, 5), (1, 5), (16_001, 70_000_000), (-8000, 5), (0, 5)]
)
def test_resampling_with_a_rate_of_no_recording_is_refused_within_memory(within, rate, samples):
    """Given 54 bytes of WAV with an absurd rate, or a sound of hours, Then it is refused before a filter is
    computed."""
    with within(1 << 20), pytest.raises(PipelineError, match=r"rate|long"):
        resample(np.broadcast_to(np.float32(0), samples), rate, 16_000)


@pytest.mark.parametrize("rate", [44_099, 768_000, 99_989, 500])
def test_resampling_at_an_unusual_rate_stays_within_memory(within, rate):
    """Given coprime rates, or rates that are far apart, Then the filter takes less than 250 MB."""
    with within(250 << 20):
        resample(np.zeros(20_000, np.float32), rate, 16_000)


@pytest.mark.parametrize("cells", [7, 1000])
def test_resampling_in_parts_equals_resampling_at_once(monkeypatch, cells):
    """Given parts of any size, Then every number is bitwise equal."""
    samples = np.random.default_rng(3).standard_normal(5000).astype(np.float32)
    whole = resample(samples, 44_100, 16_000)
    monkeypatch.setattr("workers.pipeline.audio._CELLS", cells)
    assert resample(samples, 44_100, 16_000).tobytes() == whole.tobytes()


def test_sound_longer_than_the_model_accepts_is_refused_before_resampling(make, tmp_path, monkeypatch):
    """Given a speech model of 30 seconds and a WAV of 40 at another rate, Then it is refused without resampling."""
    (tmp_path / "a.wav").write_bytes(riff(1, 1, 8000, 8, bytes(8000 * 40)))
    inputs = [{"name": "x", "dtype": "float32", "source": "audio", "shape": (None, None)}]
    pipeline = make(inputs, AudioSteps(sample_rate_hz=16_000))
    names = {"states": "s", "hidden": "h", "ids": "i", "scores": "l"}
    generation = Generation(start=0, end=1, pad=2, longest=8, mel=MelSteps("x", seconds=30), **names)
    pipeline.spec = replace(pipeline.spec, generation=generation)
    monkeypatch.setattr("workers.pipeline.audio.resample", lambda *_: pytest.fail("resampled"))
    with pytest.raises(PipelineError, match="listens to 30"):
        pipeline.feeds_from(tmp_path / "a.wav")
