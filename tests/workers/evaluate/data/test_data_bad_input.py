"""Data as people have them: turned, moving, half labelled, in other tables; each is used rightly or told in words."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workers.contracts.errors import InputRefused
from workers.evaluate.data.dataset import read_dataset
from workers.pipeline.prepared import Prepared

Make = Callable[..., Any]


def test_a_turned_picture_is_the_upright_one(run_data: Make, tmp_path: Path) -> None:
    """Given a picture that lies on its side with an EXIF mark, and the same one upright, then the model gets the same
    from both: they are one example."""
    upright = np.zeros((16, 16, 3), np.uint8)
    upright[:4] = 255  # a bright edge at the top
    folder = tmp_path / "p"
    folder.mkdir()
    for number in range(6):
        Image.fromarray(np.full((16, 16, 3), 30 * number, np.uint8)).save(folder / f"{number}.png")
    Image.fromarray(upright).save(folder / "upright.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° to the right
    Image.fromarray(np.rot90(upright, 1)).save(folder / "turned.png", exif=exif)
    result, _ = run_data("pictures", folder)
    assert result.merged_doubles == 1 and result.n_test + result.n_calibration == 7


def test_of_a_moving_picture_the_first_one_counts(run_data: Make, tmp_path: Path) -> None:
    """Given an animation, then it is one example: its first picture."""
    folder = tmp_path / "p"
    folder.mkdir()
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (255, 0, 128)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    result, at = run_data("pictures", folder)
    assert result.n_test == 1
    assert Prepared(at / "test")[0]["input"].min() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("separator", "encoding"), [(";", "utf-8"), ("\t", "cp1252"), ("|", "utf-16"), (",", "utf-8-sig")]
)
def test_lists_of_labels_as_programs_save_them(
    run_data: Make, tmp_path: Path, picture: Make, words: Make, separator: str, encoding: str
) -> None:
    """Given a labels.csv with another separator and encoding, names with umlauts and half of the labels missing, then
    the labels there are are used, and how many are missing is told."""
    rows = [f"file{separator}label"]
    for number in range(20):
        picture(tmp_path / "p" / f"Müller {number}.png", number)
        rows.append(f"Müller {number}.png{separator}{('dog', 'bird')[number % 4 // 2] if number % 2 else ''}")
    (tmp_path / "p" / "labels.csv").write_bytes("\r\n".join(rows).encode(encoding))
    result, folder = run_data("pictures", tmp_path / "p")
    data = read_dataset(folder)
    items = (*data.test, *data.calibration)
    assert len(items) == 20 and result.labelled
    assert sum(item.labels == (1,) for item in items) == 5 and sum(item.labels == (2,) for item in items) == 5
    missing = sum(not item.labels for item in data.test)
    assert f"{missing} items of the test set have no label" in words(result)


def test_sounds_of_another_format_are_refused_in_words(run_data: Make, tmp_path: Path) -> None:
    """Given MP3 files, then it is said that WAV files are needed, and which files are there."""
    for number in range(3):
        (tmp_path / f"{number}.mp3").write_bytes(b"ID3" + bytes(200))
    with pytest.raises(InputRefused) as refused:
        run_data("sounds", tmp_path)
    assert "WAV" in refused.value.detail and "0.mp3" in refused.value.detail


def test_a_zip_file_is_refused_with_the_way_out(run_data: Make, tmp_path: Path) -> None:
    """Given a ZIP file of pictures, and a letter, Then neither is said to hold itself; the first is to be unpacked."""
    for name, hint in (("pictures.zip", "Unpack"), ("letter.docx", "Choose a folder")):
        (tmp_path / name).write_bytes(b"PK")
        with pytest.raises(InputRefused) as refused:
            run_data("pictures", tmp_path / name)
        assert refused.value.code == "no_data_found" and refused.value.hint.startswith(hint)
        assert refused.value.detail.count(name) == 1


@pytest.mark.whole
def test_a_hundred_thousand_items(run_data: Make, tmp_path: Path, words: Make) -> None:
    """Given 100,000 items, then a part of them is used in proportion to the labels, which is told, in some seconds."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "many.npz", x=rng.random((100_000, 4), np.float32), y=rng.integers(0, 3, 100_000))
    began = time.perf_counter()
    result, _ = run_data("numbers", tmp_path / "many.npz")
    assert (result.n_items, result.n_test, result.n_calibration) == (100_000, 5000, 200)
    assert "Of 100,000 items 5,200 are used" in words(result)
    assert max(result.class_counts.values()) < 1.1 * min(result.class_counts.values())
    assert time.perf_counter() - began < 60
