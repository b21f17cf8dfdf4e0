"""Folders of pictures, good and bad, through the job ``data``."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from recording import RecordingContext

from workers.contracts.errors import InputRefused, JobCancelled
from workers.evaluate.data.base import LONGEST_NAME, names_of
from workers.evaluate.data.build import LOOKING
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.data.folders import OTHER_FORMAT
from workers.evaluate.data.store import READING
from workers.pipeline import images
from workers.pipeline.prepared import Prepared

Make = Callable[..., Any]


@pytest.fixture
def classes(tmp_path: Path, picture: Make) -> Path:
    """Sub-folders of 20 cats, 20 dogs and 20 birds."""
    for index, name in enumerate(("cat", "DOG", "bird")):
        for number in range(20):
            picture(tmp_path / "set" / name / f"{number}.png", 100 * index + number)
    return tmp_path / "set"


def test_sub_folders_become_labels(run_data: Make, classes: Path) -> None:
    """Given class sub-folders, then labels, a stratified split without overlap and counts are there."""
    result, folder = run_data("pictures", classes)
    assert (result.n_items, result.n_test, result.n_calibration, result.labelled) == (60, 48, 12, True)
    assert result.class_counts == {"cat, tabby cat": 20, "dog": 20, "bird": 20}
    data = read_dataset(folder)
    assert [sum(item.labels == (k,) for item in data.calibration) for k in range(3)] == [4, 4, 4]
    assert not {item.source for item in data.test} & {item.source for item in data.calibration}
    test, calibration = Prepared(folder / "test"), Prepared(folder / "calibration")
    assert len(test) == 48 and test[0]["input"].shape == (1, 3, 8, 8)
    assert not {a["input"].tobytes() for a in test} & {a["input"].tobytes() for a in calibration}


def test_split_does_not_depend_on_names(run_data: Make, classes: Path, tmp_path: Path) -> None:
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


def test_labels_csv_is_read_and_problems_are_reported(
    run_data: Make, tmp_path: Path, picture: Make, words: Make
) -> None:
    """Given file,label with more columns, several accepted labels and missing files, Then labels are read, and missing and unlisted files are reported."""
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


def test_a_list_may_name_files_without_their_endings(run_data: Make, tmp_path: Path, picture: Make) -> None:
    """Given names without endings, one of them of two files, Then each other file has its label, and that name is
    missing."""
    for number in range(12):
        picture(tmp_path / "p" / f"{number}.png", number)
    picture(tmp_path / "p" / "7.jpg", 97)
    lines = ["file,label", *(f"{number},dog" for number in range(12))]
    (tmp_path / "p" / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    result, folder = run_data("pictures", tmp_path / "p")
    data = read_dataset(folder)
    assert [item.labels for item in (*data.test, *data.calibration)] == [(1,)] * 11
    assert result.unreadable == ("7",)


def test_flat_folder_is_unlabelled_and_unusual_modes_are_read(run_data: Make, tmp_path: Path, picture: Make) -> None:
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
    """Given limits below the number of items, Then a part in proportion to the labels is used, and the result holds the
    numbers of all items and of opened ones."""
    result, _ = run_data("pictures", classes, max_test=30, max_calibration=6)
    assert (result.n_opened, result.n_test, result.n_calibration, result.n_items) == (36, 30, 6, 60)
    assert set(result.class_counts.values()) == {12}
    assert result.n_test + result.n_calibration + result.merged_doubles + len(result.unreadable) == result.n_opened


def test_duplicates_count_once(run_data: Make, classes: Path, words: Make) -> None:
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


def test_one_class_and_few_items_are_reported(run_data: Make, tmp_path: Path, picture: Make, words: Make) -> None:
    """Given six cats and nothing else, Then both facts are reported and the data are used."""
    for number in range(6):
        picture(tmp_path / "p" / "cat" / f"{number}.png", number)
    result, _ = run_data("pictures", tmp_path / "p")
    assert "one kind" in words(result) and "too few" in words(result)
    assert (result.n_test, result.n_calibration) == (5, 1)


def test_unknown_labels_leave_data_unlabelled(run_data: Make, tmp_path: Path, picture: Make, words: Make) -> None:
    """Given sub-folders of unknown names, then it is a warning and the data are unlabelled."""
    for number in range(12):
        picture(tmp_path / "p" / ("zebra" if number % 2 else "gnu") / f"{number}.png", number)
    result, _ = run_data("pictures", tmp_path / "p")
    assert not result.labelled and "does not know the labels" in words(result)
    assert any(finding.level == "warning" for finding in result.findings)


def test_test_folder_is_used_of_several_parts(run_data: Make, tmp_path: Path, picture: Make, words: Make) -> None:
    """Given train and test folders with classes in them, then test is used."""
    for part, count in (("train", 9), ("test", 12)):
        for number in range(count):
            picture(tmp_path / "p" / part / ("cat" if number % 2 else "dog") / f"{number}.png", count * 100 + number)
    result, _ = run_data("pictures", tmp_path / "p")
    assert result.n_items == 12 and result.labelled and "“test”" in words(result)


def test_separate_calibration_set_leaves_all_data_for_tests(
    run_data: Make, classes: Path, tmp_path: Path, picture: Make
) -> None:
    """Given a separate calibration folder, Then all of the data is the test set; an overlap is refused."""
    for number in range(8):
        picture(tmp_path / "own" / f"{number}.png", 900 + number)
    result, _ = run_data("pictures", classes, calibration_path=str(tmp_path / "own"))
    assert (result.n_test, result.n_calibration) == (60, 8)
    (tmp_path / "own" / "same.png").write_bytes((classes / "cat" / "3.png").read_bytes())
    with pytest.raises(InputRefused) as refused:
        run_data("pictures", classes, calibration_path=str(tmp_path / "own"))
    assert refused.value.code == "calibration_overlap" and "“same.png”" in refused.value.detail


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("texts", "pictures"),
        ("sounds", "pictures"),
        ("numbers", "pictures"),
        ("pictures", "a table of texts or numbers"),
    ],
)
def test_data_of_another_kind_are_refused(run_data: Make, classes: Path, tmp_path: Path, kind: str, holds: str) -> None:
    """Given pictures for a model of another kind, or texts for one of pictures, Then both kinds are named."""
    (tmp_path / "t.csv").write_text("text,label\ngood,1\n", encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        run_data(kind, classes if holds == "pictures" else tmp_path / "t.csv")
    assert refused.value.code == "wrong_kind_of_data" and f"holds {holds}" in refused.value.detail


UNUSABLE = {
    "nothing": ({}, "no_data_found", "It is empty"), "other files": ({"notes.docx": b"x"}, "no_data_found", "notes"),
    "damaged": ({f"{n}.png": b"nothing" for n in range(3)}, "nothing_readable", "3 items"),
    "no folder": (None, "no_such_data", "There is nothing at"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSABLE)
def test_folder_without_a_readable_picture_is_refused(run_data: Make, tmp_path: Path, name: str) -> None:
    """Given an empty folder, one of other files or of damaged ones, or no folder, Then it is refused for that reason."""
    files, code, detail = UNUSABLE[name]
    folder = tmp_path / "folder"
    if files is not None:
        folder.mkdir()
    for file, content in (files or {}).items():
        (folder / file).write_bytes(content)
    with pytest.raises(InputRefused) as refused:
        run_data("pictures", folder)
    assert refused.value.code == code and detail in refused.value.detail


def test_pictures_of_other_formats_are_reported(run_data: Make, tmp_path: Path, picture: Make) -> None:
    """Given photos of a phone (HEIC) beside pictures, Then they are counted as left out; and without others, the hint
    says what to do."""
    for name in ("IMG_1.HEIC", "more/IMG_2.heif"):
        (tmp_path / "phone" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "phone" / name).write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(InputRefused) as refused:
        run_data("pictures", tmp_path / "phone")
    assert refused.value.code == "no_data_found" and "JPEG" in refused.value.hint

    picture(tmp_path / "phone" / "a.png", 1)
    result, _ = run_data("pictures", tmp_path / "phone")
    left_out = [finding.what for finding in result.findings if finding.code == OTHER_FORMAT]
    assert result.n_items == 1 and len(left_out) == 1
    assert left_out[0].startswith("2 files") and "“more/IMG_2.heif”" in left_out[0]


def test_long_names_stay_apart_in_sentences() -> None:
    """Given files of one deep folder, Then their shortened names differ."""
    folder = "x" * 200
    assert names_of([f"{folder}/a.png"]) != names_of([f"{folder}/b.png"])
    assert len(names_of([f"{folder}/a.png"])) == LONGEST_NAME + 2


def test_unusual_file_names_are_read(run_data: Make, tmp_path: Path, picture: Make) -> None:
    """Given names that are not ASCII, as long as allowed or no text at all, then they work."""
    folder = tmp_path / "Größe 大 🐈"
    picture(folder / ("ü" * 125 + ".png"), 1)
    picture(folder / ("n" * 251 + ".png"), 2)
    raw = folder / os.fsdecode(b"\xff\xfe.png")
    raw.write_bytes(picture(tmp_path / "x.png", 3).read_bytes())
    result, data_dir = run_data("pictures", folder)
    assert result.n_test == 3 and not result.unreadable
    assert result.model_dump_json() and any("\ufffd" in item.source for item in read_dataset(data_dir).test)


def test_cancel_stops_at_the_next_item(run_data: Make, classes: Path, tmp_path: Path) -> None:
    """Given a person who cancels, then the job stops at its next item."""
    ctx = RecordingContext(tmp_path / "w", cancel_after=5)
    (tmp_path / "w").mkdir()
    with pytest.raises(JobCancelled):
        run_data("pictures", classes, ctx=ctx)
    assert ctx.checks == 6


def test_progress_is_reported(run_data: Make, classes: Path, tmp_path: Path) -> None:
    """Given a job, then progress goes from the first item to the last, first while whole files are read for their
    digests, which takes long for thousands, then while they are decoded."""
    ctx = RecordingContext(tmp_path / "work0")
    run_data("pictures", classes, ctx=ctx)
    stages = dict.fromkeys(progress.stage for progress in ctx.progress_sent if progress.total == 60)
    assert list(stages)[:2] == [LOOKING, READING]
    for stage in (LOOKING, READING):
        done = [progress.done for progress in ctx.progress_sent if progress.stage == stage and progress.total == 60]
        assert done[0] == 0 and done[-1] == 60 and done == sorted(done)


def test_forbidden_folder_is_refused_by_name(run_data: Make, classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a sub-folder without permission, Then it is named and nothing is left out silently."""
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("DOG"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputRefused, match="“DOG” cannot be opened"):
        run_data("pictures", classes)


def test_left_out_items_are_not_opened(run_data: Make, classes: Path, words: Make) -> None:
    """Given items that the person left out, Then they are not opened, and a finding counts them; all cannot be left out."""
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
