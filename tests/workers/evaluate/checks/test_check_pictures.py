"""Folders of pictures through the job ``data_check``, without a model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from recording import RecordingContext

from workers.contracts.errors import InputRefused, JobCancelled
from workers.evaluate.checks import job, kinds
from workers.evaluate.checks.base import Check, Material, Outcome
from workers.evaluate.checks.near_pictures import near_pairs
from workers.evaluate.kinds import kinds_in

Make = Callable[..., Any]


@pytest.fixture
def album(tmp_path: Path, drawn: Make) -> Callable[..., Path]:
    """Return a function that writes a folder of drawn pictures, with sub-folders for labels."""

    def make(name: str, seeds: range, labels: tuple[str, ...] = ("",)) -> Path:
        for seed in seeds:
            folder = tmp_path / name / labels[seed % len(labels)]
            folder.mkdir(parents=True, exist_ok=True)
            drawn(seed, 48).save(folder / f"{seed}.png")
        return tmp_path / name

    return make


def test_clean_folder_has_no_finding_but_the_unknown_license(album: Make, check: Make, findings_of: Make) -> None:
    """Given 30 different pictures of two classes, then only the license is unknown, and checks that do not apply have no
    count instead of 0."""
    result = check(album("set", range(30), ("cat", "dog")))
    assert {f.check for f in result.findings if f.level != "info"} == {"license"}
    counts = result.counts
    assert (counts["items"], counts["classes"], counts["labelled"]) == (30, 2, 30)
    assert (counts["unreadable"], counts["exact_duplicates"], counts["near_duplicates"]) == (0, 0, 0)
    assert counts["leaked"] is counts["drift"] is counts["against_items"] is counts["private"] is None
    (sizes,) = findings_of(result, "sizes")
    assert "all 48 × 48 pixels" in sizes.what and 0 < sizes.values["brightness, median"] < 1
    assert "15 examples of each" in findings_of(result, "balance")[0].what


def test_unreadable_files_are_named_and_may_be_left_out(album: Make, check: Make, findings_of: Make) -> None:
    """Given an empty file, a web page and a truncated picture, then all three are named; left out, nothing is unreadable."""
    folder = album("set", range(12))
    (folder / "empty.png").touch()
    (folder / "page.jpg").write_text("<html>404</html>")
    (folder / "half.png").write_bytes((folder / "0.png").read_bytes()[:200])
    result = check(folder)
    (finding,) = findings_of(result, "unreadable")
    assert set(finding.items) == {"empty.png", "page.jpg", "half.png"} == set(result.leave_out)
    assert finding.level == "warning" and result.counts["unreadable"] == 3
    again = check(folder, left_out=result.leave_out)
    assert again.counts["unreadable"] == 0 and not findings_of(again, "unreadable")


def test_leakage_between_two_folders_is_a_danger(album: Make, check: Make, findings_of: Make, changes: Any) -> None:
    """Given a test set with two training pictures as they are and two changed ones, then four leak, until they are left
    out."""
    test, train = album("test", range(40)), album("train", range(100, 140))
    for seed in (3, 4):
        (test / f"copy{seed}.png").write_bytes((train / f"{100 + seed}.png").read_bytes())
    for number, change in enumerate(changes[1:3]):
        change(Image.open(train / f"{110 + number}.png"), np.random.default_rng(1)).save(test / f"changed{number}.png")
    result = check(test, train)
    (finding,) = findings_of(result, "leakage")
    assert finding.level == "danger" == result.findings[0].level and result.leaked == 4
    assert (result.counts["leaked"], result.counts["leaked_exact"], result.counts["leaked_near"]) == (4, 2, 2)
    assert set(finding.items) == {"copy3.png", "copy4.png", "changed0.png", "changed1.png"} == set(result.leave_out)
    assert "train: 103.png" in {name for group in finding.groups for name in group}
    assert check(test, train, left_out=result.leave_out).leaked == 0


def test_parts_of_one_folder_are_compared(album: Make, check: Make, tmp_path: Path) -> None:
    """Given one folder with the parts train and test that share a picture, then the parts are compared and it leaks."""
    album("both/test", range(12)), album("both/train", range(50, 62))
    (tmp_path / "both/test/x.png").write_bytes((tmp_path / "both/train/50.png").read_bytes())
    result = check(tmp_path / "both")
    assert (result.leaked, result.counts["items"], result.counts["against_items"]) == (1, 13, 12)


def test_equal_pictures_with_other_labels_contradict(album: Make, check: Make, findings_of: Make) -> None:
    """Given one picture as cat and as dog, then a finding names both labels."""
    folder = album("set", range(20), ("cat", "dog"))
    (folder / "dog" / "copy.png").write_bytes((folder / "cat" / "0.png").read_bytes())
    result = check(folder)
    (finding,) = findings_of(result, "contradictions")
    assert result.counts["contradictions"] == 1 and "“cat”" in finding.what and "“dog”" in finding.what


def test_unusual_pictures_are_read_by_their_pixels(album: Make, check: Make, findings_of: Make) -> None:
    """Given CMYK, 16 bits, an animation, a picture turned by its EXIF mark and other sizes, then all are read and
    reported; a picture also as BMP and a gray one also in color are exact duplicates, because pixels count."""
    folder = album("set", range(12))
    picture = Image.open(folder / "1.png")
    picture.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    deep = np.random.default_rng(5).integers(0, 65536, (24, 36), dtype=np.uint16)
    Image.fromarray(deep).save(folder / "deep.png")
    frames = [Image.open(folder / f"{n}.png").convert("P") for n in (2, 5)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(folder / "7.png").resize((40, 30)).save(folder / "turned.jpg", exif=exif, quality=95)
    Image.open(folder / "3.png").save(folder / "again.bmp")
    gray = Image.open(folder / "4.png").convert("L")
    gray.save(folder / "gray.png")
    gray.convert("RGB").save(folder / "gray.tif")
    result = check(folder)
    assert (result.counts["unreadable"], result.counts["items"], result.counts["exact_duplicates"]) == (0, 19, 2)
    groups = {frozenset(group) for group in findings_of(result, "duplicates")[0].groups}
    assert {frozenset({"3.png", "again.bmp"}), frozenset({"gray.png", "gray.tif"})} == groups
    report = " ".join(f.what for f in findings_of(result, "sizes"))
    for words in ("CMYK", "16 or more bits", "animated", "turned by its EXIF mark", "3 different sizes"):
        assert words in report


def test_labels_of_two_spellings_are_pointed_out(album: Make, check: Make, findings_of: Make) -> None:
    """Given labels that differ in case and white space alone, Then a warning names both; another label is none of them."""
    (alike, _spread) = findings_of(check(album("set", range(30), ("sea lion", "Sealion", "cat"))), "balance")
    assert (alike.level, alike.count) == ("warning", 1)
    assert "sea lion" in alike.what and "Sealion" in alike.what and "cat" not in alike.what


def test_few_or_uneven_classes_and_empty_pictures_are_reported(album: Make, check: Make, findings_of: Make) -> None:
    """Given three pictures of one class, then both facts are reported; given 41 cats, one of them white, and 2 dogs, then
    the uneven classes and the empty picture are."""
    report = " ".join(f.what for f in findings_of(check(album("few", range(3), ("cat",))), "balance"))
    assert "only 3 items" in report and "one kind" in report
    folder = album("set", range(40), ("cat",))
    album("set", range(90, 92), ("dog",))
    Image.new("RGB", (30, 30), "white").save(folder / "cat" / "white.png")
    result = check(folder)
    assert "41 of “cat” and 2 of “dog”" in findings_of(result, "balance")[0].what
    assert result.counts["empty"] == 1


@pytest.mark.whole
def test_darker_pictures_are_drift(album: Make, check: Make, findings_of: Make, tmp_path: Path) -> None:
    """Given darker pictures in the second set, then there is drift, and brightness is named; given similar sets, then there
    is none."""
    light, dark = album("light", range(80)), album("dark", range(200, 280))
    alike = check(light, dark)
    assert alike.counts["drift"] == 0 and findings_of(alike, "drift")[0].level == "info"
    for path in dark.iterdir():
        Image.open(path).point(lambda value: value // 3).save(path)
    result = check(light, dark)
    (finding,) = findings_of(result, "drift")
    assert result.counts["drift"] == 1 and finding.level == "warning" and "brightness" in finding.what
    assert finding.values["p-value"] <= 0.01 and finding.values["pairs told apart"] > 0.9
    (outside,) = findings_of(result, "outliers")
    assert outside.level == "warning" and outside.values["share outside"] > 0.3


def test_license_file_of_the_data_is_reported(album: Make, check: Make, findings_of: Make) -> None:
    """Given no license file, then a warning; given one, then what it allows."""
    folder = album("set", range(10))
    (unknown,) = findings_of(check(folder), "license")
    assert "without a license" in unknown.what and unknown.level == "warning"  # no green tick for an unknown license
    (folder / "LICENSE").write_text("Creative Commons Attribution-NonCommercial 4.0 International")
    (finding,) = findings_of(check(folder), "license")
    assert finding.level == "warning" and "not in business" in finding.what


def test_check_can_be_cancelled_anywhere(album: Make, check: Make, tmp_path: Path) -> None:
    """Given a cancellation at any moment, then the job ends there."""
    folder = album("set", range(25), ("cat", "dog"))
    against = album("other", range(100, 125))
    ctx = RecordingContext(tmp_path)
    check(folder, against, ctx=ctx)
    assert {p.stage for p in ctx.progress_sent} >= {"Looking at each item", "Comparing the two sets"}
    for after in (0, 10, ctx.checks // 2, ctx.checks - 1):
        with pytest.raises(JobCancelled):
            check(folder, against, ctx=RecordingContext(tmp_path, cancel_after=after))


def test_data_that_cannot_be_checked_are_refused(tmp_path: Path, album: Make, check: Make, table: Make) -> None:
    """Given no file, an empty folder, a program, only damaged files, or two kinds of data, then the job refuses."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "main.py").write_text("print()")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "0.png").write_bytes(b"nothing")
    texts, pictures = table("a.csv", [("some text", "a")] * 4), album("set", range(4))
    for path, against, code in (
        (tmp_path / "gone", None, "no_such_data"),
        (tmp_path / "empty", None, "no_data_found"),
        (tmp_path / "code", None, "no_data_found"),
        (tmp_path / "bad", None, "nothing_readable"),
        (texts, pictures, "different_kinds"),
    ):
        with pytest.raises(InputRefused) as refused:
            check(path, against)
        assert refused.value.code == code and refused.value.detail.endswith((".", "found in “empty”. It is empty."))
    with pytest.raises(InputRefused):
        check(pictures, left_out=tuple(f"{n}.png" for n in range(4)))


def test_parts_of_a_read_set_share_nothing_after_leaving_out(
    tmp_path: Path, drawn: Make, check: Make, run_data: Make, model_dir: Make, findings_of: Make
) -> None:
    """Given a set that was read and split, with each picture also as JPEG, then the parts leak; read again without the items
    that may be left out, they share nothing, and each picture is still there once."""
    for seed in range(30):
        (tmp_path / "set").mkdir(exist_ok=True)
        drawn(seed, 64).save(tmp_path / "set" / f"{seed}.png")
        drawn(seed, 64).save(tmp_path / "set" / f"{seed}.jpg", quality=80)
    places = {"model_dir": str(model_dir("pictures"))}
    _, data = run_data("pictures", tmp_path / "set")
    result = check(tmp_path / "set", data_dir=str(data), **places)
    assert result.leaked > 0 and findings_of(result, "leakage")[0].what.count("calibration") == 1
    left = result.leave_out
    again, data = run_data("pictures", tmp_path / "set", left_out=left)
    assert again.n_items == 60 - len(left) == 30
    clean = check(tmp_path / "set", data_dir=str(data), left_out=left, **places)
    assert clean.leaked == 0 and clean.leave_out == ()
    assert (clean.counts["items"], clean.counts["against_items"]) == (again.n_test, again.n_calibration)


@pytest.mark.whole
def test_no_check_fails_on_degenerate_sets(tmp_path: Path, check: Make) -> None:
    """Given equal items, flat pictures, constant numbers or texts of one letter, then no check fails."""
    odd = np.arange(100) % 2
    flat = np.repeat(np.arange(100, dtype=np.uint8), 256).reshape(100, 16, 16)
    sets = {
        "same": {"x": np.full((100, 16, 16), 7, np.uint8), "y": odd},
        "flat": {"x": flat, "y": odd},
        "zeros": {"x": np.zeros((100, 4), np.float32), "y": odd},
        "ones": {"x": np.ones((100, 4), np.float32), "y": odd},
        "many": {"x": np.random.default_rng(0).normal(size=(300, 1)), "y": np.arange(300) % 150},
    }
    for name, arrays in sets.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
    for name, letters in (("a.csv", "a"), ("b.csv", "abcdefgh")):
        rows = [f"{letters[i % len(letters)]},{i % 2}" for i in range(90)]
        (tmp_path / name).write_text("\n".join(["text,label", *rows]))
    pairs = (
        ("same", "flat"), ("flat", "same"), ("zeros", "ones"), ("many", None), ("a.csv", "b.csv"), ("b.csv", "a.csv"),
    )  # fmt: skip
    for first, second in pairs:
        places = [tmp_path / (name if "." in name else f"{name}.npz") for name in (first, second) if name]
        result = check(*places)
        assert not any("could not be made" in finding.what for finding in result.findings), first


def test_failing_check_is_a_finding_and_others_run(album: Make, check: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a check that raises, then that is a finding, and the other checks run."""

    def fail(material: Material, ctx: RecordingContext) -> Outcome:
        raise ValueError("array must not contain infs")

    checks = (Check("odd", "Odd", "none", 0, fail), *kinds_in(kinds, "CHECK"))
    monkeypatch.setattr(job, "kinds_in", lambda package, attribute: checks)
    result = check(album("set", range(12)))
    (finding,) = [f for f in result.findings if f.check == "odd"]
    assert finding.level == "warning" and "infs" in finding.what and result.counts["exact_duplicates"] == 0


def test_fewer_pairs_are_compared_if_nearly_all_pictures_look_alike(tmp_path: Path) -> None:
    """Given hashes that are all close to each other, then fewer pairs are compared, and this is logged."""
    count = 600
    hashes = np.zeros((count, 1), np.uint64) + (np.arange(count) % 2).astype(np.uint64)[:, None]
    small = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    ctx = RecordingContext(tmp_path)
    assert near_pairs(small, hashes, ctx) == []
    assert "look alike" in ctx.logs[0].text
