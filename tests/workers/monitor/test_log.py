"""The log: what stands in it, how large it gets, what becomes of it where it cannot be written, and how it is read again."""

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
from workers.monitor.report import report_log
from workers.monitor.writing import CannotLog, Log


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def test_a_line_sums_up_requests_and_holds_no_input(tmp_path: Path, log: Log, requests) -> None:
    """Given 60 requests and two that failed, then three lines count them, and no line holds a picture or a name of one."""
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


def test_a_line_ends_with_its_minute(tmp_path: Path, log: Log, clock, requests) -> None:
    """Given a request an hour after the other, and one before it by the clock, then each has its own line."""
    for step_s in (0, 3600, -7200):
        clock.now_s += step_s
        requests(log)
    log.close()
    assert [one["n"] for one in lines(tmp_path / "log")[1:]] == [1, 1, 1]
    assert read_log(tmp_path / "log").went_back == 1


def test_it_stays_below_its_size_and_loses_the_oldest(tmp_path: Path, bundle: Path, clock) -> None:
    """Given a small limit, then files are rotated, each begins with the header, and all together stay below it."""
    most_bytes = 60_000
    log = Log(tmp_path / "log", bundle, most_bytes, clock=clock)
    known = sample()
    feeds, logits = known.logits(known.pictures[:1])
    for _ in range(4_000):
        log.failed()
        log.request(known.pipeline, {"picture": feeds}, lambda: logits, 0.001)
    log.close()
    files = sorted((tmp_path / "log").glob("*.jsonl"))
    assert len(files) == writing.FILES
    assert sum(path.stat().st_size for path in files) <= most_bytes * 1.2
    assert all(json.loads(path.read_text().splitlines()[0])["log"] == "fettle-log" for path in files)
    assert 100 < sum(one.n for one in read_log(tmp_path / "log").parts[0].records) < 4_000


def test_several_processes_share_a_log(tmp_path: Path, bundle: Path, clock, requests) -> None:
    """Given two that write in turn, and a release of another content, then each line belongs to its own header."""
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


def test_a_full_disk_stops_no_answer_and_is_told_once(
    tmp_path: Path, log: Log, requests, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a disk that is full for a while, then it is told once, what was lost is counted, and the log goes on."""
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


def test_a_line_that_was_cut_by_a_full_disk_stands_alone(
    tmp_path: Path, log: Log, requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a write of which half came through, then the next line is whole."""
    real = os.write
    monkeypatch.setattr(writing.os, "write", lambda handle, text: real(handle, text[: max(1, len(text) // 2)]))
    requests(log, 25)
    monkeypatch.undo()
    requests(log, 25)
    found = read_log(tmp_path / "log")
    assert (len(found.parts[0].records), found.left_out) == (1, {"not_a_line": 1})


@pytest.mark.parametrize("where", ["bundle/log", "a file"])
def test_a_place_that_is_none_is_refused(tmp_path: Path, bundle: Path, where: str) -> None:
    """Given a folder inside the bundle, or a file in its place, then it is refused before anything is answered."""
    (tmp_path / "a file").write_text("mine")
    with pytest.raises(CannotLog):
        Log(tmp_path / where, bundle)
    assert (tmp_path / "a file").read_text() == "mine"


def test_an_answer_that_cannot_be_read_is_lost_and_nothing_else(tmp_path: Path, log: Log) -> None:
    """Given an input of another name, a prediction that raises when it is read, and one of NaN, then the first two are
    lost, and the third is counted as no number."""

    def broken() -> None:
        raise RuntimeError("a runtime's own error")

    known = sample()
    feeds, logits = known.logits(known.pictures[:1])
    log.request(known.pipeline, {"other": feeds}, lambda: logits, 0.004)
    log.request(known.pipeline, {"picture": feeds}, broken, 0.004)
    log.request(known.pipeline, {"picture": feeds}, lambda: logits * np.nan, 0.004)
    log.close()
    (record,) = read_log(tmp_path / "log").parts[0].records
    assert (record.n, record.lost, record.not_finite) == (1, 2, 1)


@pytest.fixture
def written(tmp_path: Path, log: Log, requests) -> Path:
    """A log of 100 requests."""
    requests(log, 100)
    log.close()
    return tmp_path / "log" / writing.CURRENT


HOSTILE = {
    "no number": lambda line: {**line, "t": float("nan")},
    "too large": lambda line: {**line, "n": 10**300},
    "1e308": lambda line: {**line, "figures": {"brightness": [1e308, line["figures"]["brightness"][1]]}},
    "another number of bins": lambda line: {**line, "figures": {"brightness": [1.0, [1, 2, 3]]}},
    "a text": lambda line: {**line, "errors": "<script>"},
    "less than nothing": lambda line: {**line, "errors": -5},
    "a class without end": lambda line: {**line, "classes": {"9" * 400: 1}},
    "a list": lambda line: [line],
    "true": lambda line: {**line, "n": True},
}


@pytest.mark.parametrize("what", sorted(HOSTILE))
def test_a_line_that_cannot_be_meant_is_left_out(written: Path, what: str) -> None:
    """Given one such line among others, then it is counted, and all others are read."""
    whole = written.read_text().splitlines()
    bad = json.dumps(HOSTILE[what](json.loads(whole[1])))
    written.write_text("\n".join([*whole[:2], bad, *whole[2:]]))
    found = read_log(written)
    assert (len(found.parts[0].records), found.left_out) == (4, {"not_a_line": 1})
    assert report_log(written)["drift"]["requests"] == 100


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
    ],
)
def test_what_is_no_log_is_told_apart(tmp_path: Path, content: bytes, code: str) -> None:
    """Given a file that is none, then it is refused with a reason of its own."""
    (tmp_path / "x.jsonl").write_bytes(content)
    with pytest.raises(NotALog) as refused:
        read_log(tmp_path / "x.jsonl")
    assert refused.value.code == code


def test_a_log_that_was_cut_is_read_as_far_as_it_goes(written: Path) -> None:
    """Given its last line cut in the middle, then the others are read; given its first line cut, then it is refused."""
    whole = written.read_bytes()
    written.write_bytes(whole[:-80])
    found = read_log(written)
    assert (len(found.parts[0].records), found.left_out) == (3, {"not_a_line": 1})
    written.write_bytes(whole[100:])
    with pytest.raises(NotALog, match="first line"):
        read_log(written)


def test_a_line_without_end_is_skipped(written: Path) -> None:
    """Given ten megabytes without an end of line in the middle, then what stands around it is read."""
    whole = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join([*whole[:3], b"y" * (10 << 20), b"\n", *whole[3:]]))
    found = read_log(written)
    assert (len(found.parts[0].records), found.left_out) == (4, {"too_long": 1})


def test_a_folder_without_a_log_and_a_name_of_nothing(tmp_path: Path) -> None:
    """Given an empty folder, and a file that is not there, then each is told."""
    for path, code in ((tmp_path, "foreign"), (tmp_path / "gone", "missing")):
        with pytest.raises(NotALog) as refused:
            read_log(path)
        assert refused.value.code == code
