"""Unusual data: turned or moving pictures, half of the labels, other separators and encodings, other formats."""

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


def test_turned_picture_is_a_duplicate_of_the_upright_one(run_data: Make, tmp_path: Path) -> None:
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


def test_moving_picture_is_its_first_frame(run_data: Make, tmp_path: Path) -> None:
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
def test_lists_of_labels_with_other_separators_and_encodings_are_read(
    run_data: Make, tmp_path: Path, picture: Make, words: Make, separator: str, encoding: str
) -> None:
    """Given a labels.csv with another separator and encoding, names with umlauts and half of the labels missing, then
    these labels are used, and the missing ones are counted."""
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


@pytest.mark.parametrize(
    ("kind", "name", "hint"),
    [
        ("sounds", "0.mp3", "Save them as WAV"), ("pictures", "pictures.zip", "Unpack"),
        ("pictures", "letter.docx", "Choose a folder"), ("sounds", "cover.svg", "Choose a folder"),
    ],
)  # fmt: skip
def test_file_of_another_format_is_refused_with_a_solution(
    run_data: Make, tmp_path: Path, kind: str, name: str, hint: str
) -> None:
    """Given an MP3 file, a ZIP file or a letter, Then it is named once, and the hint names a solution."""
    (tmp_path / name).write_bytes(b"PK" + bytes(200))
    with pytest.raises(InputRefused) as refused:
        run_data(kind, tmp_path / name)
    assert refused.value.code == "no_data_found" and refused.value.hint.startswith(hint)
    assert refused.value.detail.count(name) == 1


@pytest.mark.whole
def test_hundred_thousand_items_are_sampled(run_data: Make, tmp_path: Path, words: Make) -> None:
    """Given 100,000 items, Then a part of them is used in proportion to the labels, and a finding reports it."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "many.npz", x=rng.random((100_000, 4), np.float32), y=rng.integers(0, 3, 100_000))
    result, _ = run_data("numbers", tmp_path / "many.npz")
    assert (result.n_items, result.n_test, result.n_calibration) == (100_000, 5000, 200)
    assert "Of 100,000 items 5,200 are used" in words(result)
    assert max(result.class_counts.values()) < 1.1 * min(result.class_counts.values())
