"""Examples for display: pictures and texts of the requested size, sounds as plain files."""

import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Make = Callable[..., Any]


def test_sounds_are_written_as_plain_wav(
    shown: Make, run_data: Make, model_dir: Make, answers_of: Make, tmp_path: Path
) -> None:
    """Given WAV files of 24 bits in two channels, when sounds are requested, then each is written as one channel of 16 bits
    with its levels; if they are not requested or the file is damaged, there is none, and the predictions are shown."""
    (tmp_path / "s").mkdir()
    for number in range(12):
        samples = (np.sin(np.arange(1600) / (5 + number)) * 2**22).astype("<i4")
        with wave.open(str(tmp_path / "s" / f"{number}.wav"), "wb") as out:
            out.setparams((2, 3, 8000, 0, "NONE", ""))
            out.writeframes(np.repeat(samples, 2).view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
    result, data = run_data("sounds", tmp_path / "s", max_calibration=0)
    answers = answers_of([np.full((10,), 0.25)] * result.n_test, "score", stateful=True)
    rows, work = shown(model_dir("sounds"), data, (0, 2), answers, sounds=True)
    assert [row.item for row in rows] == [0, 2] and rows[0].before == rows[0].after == "0.25, 0.25, 0.25, 0.25 …"
    with wave.open(str(work / rows[0].sound)) as heard:
        assert (heard.getnchannels(), heard.getsampwidth(), heard.getframerate(), heard.getnframes()) == (
            1, 2, 8000, 1600,
        )  # fmt: skip
        loudest = np.abs(np.frombuffer(heard.readframes(1600), "<i2")).max()
    assert abs(int(loudest) - 2**14) < 200 and len(rows[0].levels) == 64
    assert shown(model_dir("sounds"), data, (0,), answers)[0][0].sound is None
    for file in (tmp_path / "s").iterdir():
        file.write_bytes(b"RIFF of nothing")
    (row,), _work = shown(model_dir("sounds"), data, (0,), answers, sounds=True)
    assert row.sound is None and row.before


def test_pictures_and_texts_have_the_requested_size(
    shown: Make, run_data: Make, model_dir: Make, class_answers: Make, tmp_path: Path
) -> None:
    """Given large pictures, then they have the requested size, and texts the requested length."""
    (tmp_path / "p").mkdir()
    for number in range(10):
        values = np.random.default_rng(number).integers(0, 256, (300, 600, 3), dtype=np.uint8)
        Image.fromarray(values).save(tmp_path / "p" / f"{number}.png")
    result, data = run_data("pictures", tmp_path / "p", max_calibration=0)
    answers = class_answers([0] * result.n_test)
    sizes = []
    for side in (112, 480):
        (row,), work = shown(model_dir("pictures"), data, (1,), answers, side_px=side)
        with Image.open(work / row.picture) as picture:
            sizes.append(picture.size)
    assert sizes == [(112, 56), (480, 240)]
    assert len(shown(model_dir("pictures"), data, (1,), answers, text_chars=3)[0][0].text) == 3
    for file in (tmp_path / "p").iterdir():
        file.unlink()
    (row,), _work = shown(model_dir("pictures"), data, (1,), answers)
    assert row.picture is None and row.before, "an emptied folder leaves the answers"
