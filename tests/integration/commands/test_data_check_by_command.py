"""`fettle data check` as a person or another program calls it: the JSON of the contract, the exit codes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from fettle_command import Fettle
from PIL import Image

COUNTS = {"items", "against_items", "unreadable", "exact_duplicates", "near_duplicates", "leaked", "label_errors",
          "private", "drift", "classes", "labelled", "licenses", "out_of_distribution"}  # fmt: skip


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Fettle:
    return Fettle(tmp_path_factory.mktemp("check") / "home")


def album(folder: Path, seeds: range) -> Path:
    """Soft textures that depend on their number alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        cells = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(cells).resize((64, 64), Image.Resampling.BICUBIC).save(folder / f"{seed}.png")
    return folder


def test_one_set(workshop: Fettle, tmp_path: Path) -> None:
    """Given a clean folder with one broken file, then exit code 0, findings and counts, null where nothing was counted;
    the data folder is not needed, the pictures are as they were."""
    folder = album(tmp_path / "a", range(20))
    (folder / "broken.png").write_bytes(b"no picture")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = workshop.here("data", "check", folder, "--json")
    assert done.code == 0, done.err
    assert list(done.document) == ["findings", "counts"] and set(done.document["counts"]) >= COUNTS
    counts = done.document["counts"]
    assert (counts["items"], counts["unreadable"], counts["leaked"], counts["label_errors"]) == (20, 1, None, None)
    assert all({"check", "level", "what"} <= set(finding) for finding in done.document["findings"])
    assert "2 things to look at" in done.last_line  # the broken file, and that no license is stated
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_leakage_is_exit_code_3(workshop: Fettle, tmp_path: Path) -> None:
    """Given two folders that share pictures, one of them recompressed, then exit code 3, with the findings, an error of
    the usual form, and the sentence on the last line."""
    test, train = album(tmp_path / "test", range(15)), album(tmp_path / "train", range(12, 40))
    Image.open(test / "14.png").save(test / "14.jpg", quality=80)
    (test / "14.png").unlink()
    done = workshop.here("data", "check", test, "--against", train, "--json")
    assert done.code == 3, done.err
    counts = done.document["counts"]
    assert (counts["leaked"], counts["leaked_exact"], counts["leaked_near"]) == (3, 2, 1)
    assert list(done.document["error"]) == ["code", "title", "detail", "hint"]
    assert done.document["error"]["code"] == "leakage" and done.document["error"]["detail"] in done.last_line
    assert done.document["findings"][0]["level"] == "danger"
    words = workshop.here("data", "check", test, "--against", train)
    assert words.code == 3 and "danger" in words.out and "14.jpg = train: 14.png" in words.out


def test_two_clean_sets_and_bad_input(workshop: Fettle, tmp_path: Path) -> None:
    """Given nothing shared, then exit code 0; given nothing there or nothing readable, then 3 with an error alone."""
    first, second = album(tmp_path / "a", range(30)), album(tmp_path / "b", range(100, 130))
    done = workshop.here("data", "check", first, "--against", second, "--json")
    assert done.code == 0 and done.document["counts"]["leaked"] == 0 and done.document["counts"]["drift"] == 0
    gone = workshop.here("data", "check", tmp_path / "gone", "--json")
    assert gone.code == 3 and gone.error["code"] == "not_found"
    (tmp_path / "empty").mkdir()
    empty = workshop.here("data", "check", first, "--against", tmp_path / "empty", "--json")
    assert empty.code == 3 and empty.error["code"] == "no_data_found"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_data_check_stops_on_sigint(workshop: Fettle, tmp_path: Path) -> None:
    """Given many texts, when the command has to stop, then it ends with exit code 5."""
    words = np.random.default_rng(0).integers(0, 5000, (30_000, 30))
    lines = ["text", *(" ".join(f"w{n}" for n in row) for row in words.tolist())]
    (tmp_path / "many.csv").write_text("\n".join(lines))
    command = [sys.executable, "-m", "app", "data", "check", str(tmp_path / "many.csv")]
    process = subprocess.Popen(
        command, cwd=workshop.root, env=workshop.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not psutil.Process(process.pid).children():  # until its worker has started
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, report = process.communicate(timeout=60)
    assert process.returncode == 5 and "Cancelled" in report
