"""Folders of pictures, good and bad, through the job ``data``."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workers.contracts.errors import InputRefused, JobCancelled
from workers.evaluate.data.build import LOOKING
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.data.store import READING
from workers.pipeline import images
from workers.pipeline.prepared import Prepared
from workers.runtime.recording import RecordingContext

Make = Callable[..., Any]


@pytest.fixture
def classes(tmp_path: Path, picture: Make) -> Path:
    """Sub-folders of 20 cats, 20 dogs and 20 birds."""
    for index, name in enumerate(("cat", "DOG", "bird")):
        for number in range(20):
            picture(tmp_path / "set" / name / f"{number}.png", 100 * index + number)
    return tmp_path / "set"


def test_sub_folders_are_labels(run_data: Make, classes: Path) -> None:
    """Given class sub-folders, then labels, a stratified split without overlap, previews and counts are there."""
    result, folder = run_data("pictures", classes)
    assert (result.n_items, result.n_test, result.n_calibration, result.labelled) == (60, 48, 12, True)
    assert result.class_counts == {"cat, tabby cat": 20, "dog": 20, "bird": 20}
    data = read_dataset(folder)
    assert [sum(item.labels == (k,) for item in data.calibration) for k in range(3)] == [4, 4, 4]
    assert not {item.source for item in data.test} & {item.source for item in data.calibration}
    test, calibration = Prepared(folder / "test"), Prepared(folder / "calibration")
    assert len(test) == 48 and test[0]["input"].shape == (1, 3, 8, 8)
    assert not {a["input"].tobytes() for a in test} & {a["input"].tobytes() for a in calibration}
    assert len(result.previews) == 24 and (folder / result.previews[0][0]).is_file()
    assert [label for _, label in result.previews[:3]].count("dog") == 1


def test_the_split_is_stable(run_data: Make, classes: Path, tmp_path: Path) -> None:
    """Given the same pictures under other names, then the same ones are in the same parts."""
    result, first = run_data("pictures", classes)
    other = tmp_path / "other"
    for path in classes.rglob("*.png"):
        target = other / path.parent.name / f"renamed-{99 - int(path.stem)}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    _, second = run_data("pictures", other)
    contents = [sorted(a["input"].tobytes() for a in Prepared(f / "calibration")) for f in (first, second)]
    assert contents[0] == contents[1]
    again, _ = run_data("pictures", classes)
    assert again.sha256 == result.sha256


def test_labels_csv(run_data: Make, tmp_path: Path, picture: Make, words: Make) -> None:
    """Given file,label with more columns, several accepted labels and missing files, then all is handled and told."""
    lines = ["file,label,photographer"]
    for number in range(12):
        picture(tmp_path / "p" / f"{number}.png", number)
        lines.append(f"{number}.png,{'0|dog' if number % 2 else '2'},someone")
    lines += ["gone.png,1,x", "../outside.png,1,x"]
    picture(tmp_path / "outside.png", 99)
    picture(tmp_path / "p" / "forgotten.png", 98)
    (tmp_path / "p" / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    result, folder = run_data("pictures", tmp_path / "p")
    data = read_dataset(folder)
    assert {item.labels for item in (*data.test, *data.calibration)} == {(0, 1), (2,)}
    assert result.unreadable == ("gone.png", "../outside.png")
    assert "labels.csv" in words(result) and "not there" in words(result)
    assert [one.what for one in result.findings if "forgotten.png" in one.what and one.level == "warning"]


def test_flat_folder_is_unlabelled_and_odd_modes_are_read(run_data: Make, tmp_path: Path, picture: Make) -> None:
    """Given gray, transparent, palette, CMYK and 16-bit pictures in one folder, then all are read, without labels."""
    for number, mode in enumerate(["RGB", "L", "RGBA", "P", "LA", "1"]):
        picture(tmp_path / "p" / f"{number}.png", number, mode)
    picture(tmp_path / "p" / "cmyk.jpg", 50, "CMYK")
    deep = np.random.default_rng(5).integers(0, 65536, (12, 12), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "p" / "deep.png")
    result, _ = run_data("pictures", tmp_path / "p")
    assert result.n_test + result.n_calibration == 8 and not result.labelled and not result.unreadable


def test_unreadable_pictures_are_named_and_left_out(run_data: Make, classes: Path, words: Make) -> None:
    """Given damaged pictures among good ones, then they are counted and named, and the job goes on."""
    (classes / "cat" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    (classes / "cat" / "page.jpg").write_text("<html>not found</html>")
    (classes / "cat" / "empty.png").touch()
    result, _ = run_data("pictures", classes)
    assert set(result.unreadable) == {"cat/broken.png", "cat/page.jpg", "cat/empty.png"}
    assert result.n_test + result.n_calibration == 60
    assert "3 items cannot be read" in words(result)


def test_too_many_pixels_are_refused_with_the_limit(
    run_data: Make, tmp_path: Path, picture: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given one picture beyond the limit of pixels, Then it is refused with its size and the limit, and nothing is called
    damaged."""
    monkeypatch.setattr(images, "MAX_PIXELS", 99)
    picture(tmp_path / "one" / "large.png", 1)
    with pytest.raises(InputRefused) as refused:
        run_data("pictures", tmp_path / "one")
    assert "12 × 12 pixels" in refused.value.detail and "at most 99 pixels" in refused.value.detail
    assert refused.value.detail.startswith("1 item was tried")
    assert "damaged" not in refused.value.detail + refused.value.hint


def test_examples_that_were_opened_are_counted(run_data: Make, classes: Path) -> None:
    """Given a set of which only some are used, Then the result says how many were found, and how many opened."""
    result, _ = run_data("pictures", classes, max_test=20, max_calibration=10)
    assert result.n_opened == 30 < result.n_items
    assert result.n_test + result.n_calibration + result.merged_doubles + len(result.unreadable) == result.n_opened


def test_only_unreadable_pictures_are_refused(run_data: Make, tmp_path: Path) -> None:
    """Given nothing that can be decoded, then it is refused in words."""
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(b"nothing")
    with pytest.raises(InputRefused) as refused:
        run_data("pictures", tmp_path)
    assert refused.value.code == "nothing_readable" and "3 items" in refused.value.detail


def test_doubles_count_once(run_data: Make, classes: Path, words: Make) -> None:
    """Given copies, one of them under another label, then they are merged and contradictions lose their label."""
    first = sorted(classes.rglob("*.png"))
    (classes / "cat" / "copy.png").write_bytes((classes / "cat" / "0.png").read_bytes())
    (classes / "bird" / "copy.png").write_bytes((classes / "cat" / "1.png").read_bytes())
    Image.open(classes / "cat" / "2.png").save(classes / "cat" / "again.bmp")
    result, folder = run_data("pictures", classes)
    assert len(first) == 60 and result.merged_doubles == 3
    assert result.n_test + result.n_calibration == 60
    data = read_dataset(folder)
    assert sum(not item.labels for item in (*data.test, *data.calibration)) == 1
    assert "different labels" in words(result)


def test_one_class_and_few_items_are_told(run_data: Make, tmp_path: Path, picture: Make, words: Make) -> None:
    """Given six cats and nothing else, then both facts are told and the data are used."""
    for number in range(6):
        picture(tmp_path / "p" / "cat" / f"{number}.png", number)
    result, _ = run_data("pictures", tmp_path / "p")
    assert "one kind" in words(result) and "too few" in words(result)
    assert (result.n_test, result.n_calibration) == (5, 1)


def test_labels_that_the_model_does_not_know(run_data: Make, tmp_path: Path, picture: Make, words: Make) -> None:
    """Given sub-folders of unknown names, then it is a warning and the data are unlabelled."""
    for number in range(12):
        picture(tmp_path / "p" / ("zebra" if number % 2 else "gnu") / f"{number}.png", number)
    result, _ = run_data("pictures", tmp_path / "p")
    assert not result.labelled and "does not know the labels" in words(result)
    assert any(finding.level == "warning" for finding in result.findings)


def test_parts_of_a_set(run_data: Make, tmp_path: Path, picture: Make, words: Make) -> None:
    """Given train and test folders with classes in them, then test is used."""
    for part, count in (("train", 9), ("test", 12)):
        for number in range(count):
            picture(tmp_path / "p" / part / ("cat" if number % 2 else "dog") / f"{number}.png", count * 100 + number)
    result, _ = run_data("pictures", tmp_path / "p")
    assert result.n_items == 12 and result.labelled and "“test”" in words(result)


def test_own_calibration_set(run_data: Make, classes: Path, tmp_path: Path, picture: Make) -> None:
    """Given a calibration folder of its own, then all of the data is the test set; an overlap is refused."""
    for number in range(8):
        picture(tmp_path / "own" / f"{number}.png", 900 + number)
    result, _ = run_data("pictures", classes, calibration_path=str(tmp_path / "own"))
    assert (result.n_test, result.n_calibration) == (60, 8)
    (tmp_path / "own" / "same.png").write_bytes((classes / "cat" / "3.png").read_bytes())
    with pytest.raises(InputRefused) as refused:
        run_data("pictures", classes, calibration_path=str(tmp_path / "own"))
    assert refused.value.code == "calibration_overlap" and "“same.png”" in refused.value.detail


def test_limits_are_kept_and_told(run_data: Make, classes: Path, words: Make) -> None:
    """Given more items than wanted, then a part in proportion is used."""
    result, _ = run_data("pictures", classes, max_test=30, max_calibration=6)
    assert (result.n_test, result.n_calibration, result.n_items) == (30, 6, 60)
    assert set(result.class_counts.values()) == {12}
    assert "Of 60 items 36 are used" in words(result)


@pytest.mark.parametrize("kind", ["texts", "sounds", "numbers"])
def test_pictures_for_another_model_are_refused(run_data: Make, classes: Path, kind: str) -> None:
    """Given pictures for a model of another kind, then it says what the model takes."""
    with pytest.raises(InputRefused) as refused:
        run_data(kind, classes)
    assert refused.value.code == "wrong_kind_of_data" and "holds pictures" in refused.value.detail


def test_nothing_there(run_data: Make, tmp_path: Path) -> None:
    """Given an empty folder, a folder of other files or no folder, then it is refused in words."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputRefused, match="nothing in it"):
        run_data("pictures", tmp_path / "empty")
    (tmp_path / "empty" / "notes.docx").write_text("x")
    with pytest.raises(InputRefused, match="notes"):
        run_data("pictures", tmp_path / "empty")
    with pytest.raises(InputRefused, match="no such data"):
        run_data("pictures", tmp_path / "gone")


def test_unusual_names(run_data: Make, tmp_path: Path, picture: Make) -> None:
    """Given names that are not ASCII, as long as allowed or no text at all, then they work."""
    folder = tmp_path / "Größe 大 🐈"
    picture(folder / ("ü" * 125 + ".png"), 1)
    picture(folder / ("n" * 251 + ".png"), 2)
    raw = folder / os.fsdecode(b"\xff\xfe.png")
    raw.write_bytes(picture(tmp_path / "x.png", 3).read_bytes())
    result, data_dir = run_data("pictures", folder)
    assert result.n_test == 3 and not result.unreadable
    assert result.model_dump_json() and any("\ufffd" in item.source for item in read_dataset(data_dir).test)


def test_cancel_stops_at_once(run_data: Make, classes: Path, tmp_path: Path) -> None:
    """Given a person who cancels, then the job stops at its next item."""
    ctx = RecordingContext(tmp_path / "w", cancel_after=5)
    (tmp_path / "w").mkdir()
    with pytest.raises(JobCancelled):
        run_data("pictures", classes, ctx=ctx)
    assert ctx.checks == 6


def test_progress_is_told(run_data: Make, classes: Path, tmp_path: Path) -> None:
    """Given a job, then progress goes from the first item to the last, first while files are looked at as a whole, which
    takes as long for thousands, then while they are read."""
    ctx = RecordingContext(tmp_path / "work0")
    run_data("pictures", classes, ctx=ctx)
    stages = dict.fromkeys(progress.stage for progress in ctx.progress_sent if progress.total == 60)
    assert list(stages)[:2] == [LOOKING, READING]
    for stage in (LOOKING, READING):
        done = [progress.done for progress in ctx.progress_sent if progress.stage == stage and progress.total == 60]
        assert done[0] == 0 and done[-1] == 60 and done == sorted(done)


def test_a_folder_that_may_not_be_read(run_data: Make, classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a sub-folder without permission, then it is named and nothing is left out in silence."""
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("DOG"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputRefused, match="“DOG” cannot be opened"):
        run_data("pictures", classes)


def test_items_can_be_left_out(run_data: Make, classes: Path, words: Make) -> None:
    """Given items that the person left out, then they are not used, not tried, and told; all cannot be left out."""
    (classes / "cat" / "broken.png").write_bytes(b"damaged")
    left = ("cat/broken.png", "cat/3.png", "DOG/4.png", "nowhere.png")
    result, folder = run_data("pictures", classes, left_out=left)
    data = read_dataset(folder)
    assert (result.n_items, result.n_test + result.n_calibration, result.unreadable) == (58, 58, ())
    assert not {item.source for item in (*data.test, *data.calibration)} & set(left)
    assert "3 items are left out as you wished" in words(result)
    everything = tuple(path.relative_to(classes).as_posix() for path in classes.rglob("*.png"))
    with pytest.raises(InputRefused) as refused:
        run_data("pictures", classes, left_out=everything)
    assert refused.value.code == "nothing_left"
