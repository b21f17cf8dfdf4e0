"""The log: its content and size, places that cannot be written to, and reading of damaged logs."""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_traffic import sample

from workers.monitor import writing
from workers.monitor.reading import NotALog, read_log
from workers.monitor.writing import CannotLog, Log


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def test_line_sums_up_requests_without_inputs(tmp_path: Path, log: Log, requests) -> None:
    """Given 60 requests and two that failed, then three short lines count them."""
    requests(log, 60)
    log.failed()
    log.failed()
    log.close()
    head, *records = lines(tmp_path / "log")
    assert (head["log"], head["version"], head["title"], head["kind"]) == ("fettle-log", 1, "Clothes <b>", "image")
    assert [(one["n"], one["errors"]) for one in records] == [(25, 0), (25, 0), (10, 2)]
    assert set(records[0]["figures"]) == {"brightness", "contrast", "detail", "confidence", "energy"}
    assert sum(records[0]["figures"]["energy"][1]) == 25
    assert sum(records[0]["classes"].values()) == 25
    assert records[0]["latency"] == {"16": 25}  # 4 ms
    assert all(len(json.dumps(one)) < 2000 for one in records)


def test_line_ends_with_its_minute(tmp_path: Path, log: Log, clock, requests) -> None:
    """Given three requests an hour or more apart by the clock, which is set back once, then each has its own line."""
    for step_s in (0, 3600, -7200):
        clock.now_s += step_s
        requests(log)
    log.close()
    assert [one["n"] for one in lines(tmp_path / "log")[1:]] == [1, 1, 1]
    assert read_log(tmp_path / "log").went_back == 1


def test_log_stays_below_its_size_and_loses_its_oldest_lines(tmp_path: Path, bundle: Path, clock, requests) -> None:
    """Given a small limit, then files are rotated, each begins with the header, and all together stay below it."""
    most_bytes = 60_000
    log = Log(tmp_path / "log", bundle, most_bytes, clock=clock)
    for _ in range(4_000):
        log.failed()
        requests(log)
    log.close()
    files = sorted((tmp_path / "log").glob("*.jsonl"))
    assert len(files) == writing.FILES
    assert sum(path.stat().st_size for path in files) <= most_bytes * 1.2
    assert all(json.loads(path.read_text().splitlines()[0])["log"] == "fettle-log" for path in files)
    assert 100 < sum(one.n for one in read_log(tmp_path / "log").parts[0].records) < 4_000


def test_several_processes_share_a_log(tmp_path: Path, bundle: Path, clock, requests) -> None:
    """Given two processes that write in turn, and another release, then each line belongs to its own header."""
    other = tmp_path / "other"
    shutil.copytree(bundle, other)
    (other / "manifest.json").write_text(json.dumps({"title": "Newer", "run_id": "def"}))
    one, two, three = (Log(tmp_path / "log", folder, clock=clock) for folder in (bundle, bundle, other))
    for log in (one, three, two, three):
        requests(log, 25)
    assert [(part.title, len(part.records)) for part in read_log(tmp_path / "log").parts] == [
        ("Clothes <b>", 2), ("Newer", 2),
    ]  # fmt: skip
    heads = [line for line in lines(tmp_path / "log") if "log" in line]
    assert len(heads) == 2


def test_full_disk_is_reported_once_and_lost_requests_are_counted(
    tmp_path: Path, log: Log, requests, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a disk that is full for a while, then that is reported once, lost requests are counted, and the log goes on."""
    real = os.write

    def full(handle: int, text: bytes) -> int:
        if len(text) > 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, text)

    monkeypatch.setattr(writing.os, "write", full)
    requests(log, 75)
    monkeypatch.undo()
    requests(log, 25)
    log.close()
    assert capsys.readouterr().err.count("No space left") == 1
    (record,) = read_log(tmp_path / "log").parts[0].records
    assert (record.n, record.lost) == (25, 75)


def test_line_after_one_cut_by_a_full_disk_is_whole(
    tmp_path: Path, log: Log, requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a line of which half was written, then the next line can be read."""
    real = os.write
    monkeypatch.setattr(writing.os, "write", lambda handle, text: real(handle, text[: max(1, len(text) // 2)]))
    requests(log, 25)
    monkeypatch.undo()
    requests(log, 25)
    found = read_log(tmp_path / "log")
    assert (len(found.parts[0].records), found.left_out) == (1, {"not_a_line": 1})


@pytest.mark.parametrize("where", ["bundle/log", "a file"])
def test_log_in_the_bundle_or_in_place_of_a_file_is_refused(tmp_path: Path, bundle: Path, where: str) -> None:
    """Given a folder inside the bundle, or a file in its place, then opening the log is refused."""
    (tmp_path / "a file").write_text("mine")
    with pytest.raises(CannotLog):
        Log(tmp_path / where, bundle)
    assert (tmp_path / "a file").read_text() == "mine"


def test_unreadable_prediction_is_lost_and_nan_is_counted(tmp_path: Path, log: Log) -> None:
    """Given an input of another name, a prediction that raises when it is read, and one of NaN, then the first two are
    lost, and the third is counted as not finite."""

    def broken() -> None:
        raise RuntimeError("a runtime's own error")

    clothes = sample()
    feeds, logits = clothes.logits(clothes.pictures[:1])
    for name, read in (("other", lambda: logits), ("picture", broken), ("picture", lambda: logits * np.nan)):
        log.request(clothes.pipeline, {name: feeds}, read, 0.004)
    log.close()
    (record,) = read_log(tmp_path / "log").parts[0].records
    assert (record.n, record.lost, record.not_finite) == (1, 2, 1)


@pytest.fixture
def written(tmp_path: Path, log: Log, requests) -> Path:
    """Write a log of 100 requests: a header and four lines."""
    requests(log, 100)
    log.close()
    return tmp_path / "log" / writing.CURRENT


HOSTILE = {
    "NaN": lambda line: {**line, "t": float("nan")},
    "too large": lambda line: {**line, "n": 10**300},
    "1e308": lambda line: {**line, "figures": {"brightness": [1e308, line["figures"]["brightness"][1]]}},
    "another number of bins": lambda line: {**line, "figures": {"brightness": [1.0, [1, 2, 3]]}},
    "a text": lambda line: {**line, "errors": "<script>"},
    "negative": lambda line: {**line, "errors": -5},
    "a class of 400 digits": lambda line: {**line, "classes": {"9" * 400: 1}},
    "a list": lambda line: [line],
    "true": lambda line: {**line, "n": True},
}


@pytest.mark.parametrize("what", sorted(HOSTILE))
def test_implausible_line_is_left_out(written: Path, what: str) -> None:
    """Given one such line among others, then it is counted, and all others are read."""
    whole = written.read_text().splitlines()
    written.write_text("\n".join([*whole[:2], json.dumps(HOSTILE[what](json.loads(whole[1]))), *whole[2:]]))
    log = read_log(written)
    assert (len(log.parts[0].records), log.left_out) == (4, {"not_a_line": 1})


def test_damaged_end_and_endless_line_are_left_out(written: Path) -> None:
    """Given ten megabytes without an end of line and a last line that is cut, then the other lines are read; given a cut
    header, then the log is refused."""
    whole = written.read_bytes()
    lines = whole[:-80].splitlines(keepends=True)
    written.write_bytes(b"".join([*lines[:3], b"y" * (10 << 20), b"\n", *lines[3:]]))
    log = read_log(written)
    assert (len(log.parts[0].records), log.left_out) == (3, {"too_long": 1, "not_a_line": 1})
    written.write_bytes(whole[100:])
    with pytest.raises(NotALog, match="first line"):
        read_log(written)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"hello\n", "foreign"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100_000), "foreign"),
        (b"{" * 200_000, "foreign"),
        (b'{"log": "fettle-log", "version": 99}\n', "newer"),
        (b'{"log": "fettle-log", "version": 1, "bundle": "x", "reference": {}}\n', "damaged"),
        (b'{"log": "another", "version": 1}\n', "damaged"),
        (b"x" * (9 << 20), "foreign"),
        (None, "missing"),
        ("folder", "foreign"),
    ],
)
def test_file_that_is_no_log_is_refused_by_its_code(tmp_path: Path, content: bytes | str | None, code: str) -> None:
    """Given a file that is no log, an empty folder, or nothing, then it is refused with its code."""
    path = tmp_path / "x.jsonl"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(NotALog, check=lambda error: error.code == code):
        read_log(path)
