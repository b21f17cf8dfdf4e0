"""Download despite every fault and with bytes of earlier attempts, but never a wrong file."""

import errno
import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from download_bench import BIG, BIG_FILE, SIZE, Bench
from fakehub import Answer
from recording import RecordingContext
from stopwatch import Stopwatch

from workers.contracts.errors import JobCancelled
from workers.contracts.hub import HubModelParams
from workers.hub.page import look


def test_download_returns_all_files_with_their_digests(bench: Bench) -> None:
    """Given a large file on another host, Then all files are downloaded, and only the hub's own host receives the
    token."""
    result = bench.run(token="hf_secret")

    assert bench.is_whole()
    assert [(file.name, file.sha256) for file in result.files] == [
        (name, hashlib.sha256(bench.fake.repos[BIG].files[name].data).hexdigest()) for name in ("config.json", BIG_FILE)
    ]
    assert result.fetched_bytes == SIZE + 2
    last = bench.ctx.progress_sent[-1]
    assert (last.stage, last.done, last.total, last.unit) == ("Download", SIZE + 2, SIZE + 2, "bytes")
    tokens = {(seen.host.split(":")[0], seen.token) for seen in bench.fake.seen}
    assert tokens == {("127.0.0.1", "Bearer hf_secret"), ("localhost", None)}


@pytest.mark.parametrize(
    "places", [[1], [1000], [SIZE // 2], [SIZE - 1], [SIZE * place // 11 for place in range(1, 11)]], ids=len
)
def test_download_after_drops_fetches_each_byte_once(bench: Bench, places: list[int]) -> None:
    bench.fake.drops = {BIG_FILE: list(places)}
    bench.run()

    assert bench.is_whole()
    assert bench.fake.sent[BIG_FILE] <= SIZE * 1.05


def test_download_after_a_failed_job_continues(bench: Bench) -> None:
    """Given a hub that fails at 90 %, When another job downloads, Then at most 15 % are fetched again."""

    def close(_name: str, position: int) -> None:
        if position >= SIZE * 9 // 10:
            bench.fake.answers = [Answer(BIG_FILE, 503, times=99)]

    bench.fake.drops = {BIG_FILE: [SIZE * 9 // 10]}
    bench.fake.on_block = close
    error = bench.refusal()
    assert (error.code, error.exit_code) == ("hub_failed", 6)
    assert bench.path.stat().st_size >= SIZE * 0.85

    before, bench.fake.on_block, bench.fake.answers = bench.fake.sent[BIG_FILE], None, []
    result = bench.run()

    assert bench.is_whole()
    assert bench.fake.sent[BIG_FILE] - before <= SIZE * 0.15
    assert result.resumed_bytes >= SIZE * 0.85
    assert bench.ctx.progress_sent[-1].done == SIZE + 2


def test_hub_that_ignores_ranges_sends_the_file_anew(bench: Bench) -> None:
    bench.fake.drops = {BIG_FILE: [SIZE // 2]}
    bench.fake.ignores_ranges = True
    bench.run()

    assert bench.is_whole()


def test_other_bytes_after_a_drop_are_refused_after_a_second_download(bench: Bench) -> None:
    bench.fake.drops = {BIG_FILE: [SIZE // 2]}
    bench.fake.on_block = lambda name, position: bench.fake.bodies.update({BIG_FILE: b"y" * SIZE})

    assert bench.refusal().code == "hub_wrong_hash"
    assert bench.fake.sent[BIG_FILE] == pytest.approx(2 * SIZE, rel=0.05) and not bench.path.exists()


@pytest.mark.parametrize("name", [BIG_FILE, "config.json"])
def test_wrong_digest_is_refused_at_once(bench: Bench, name: str) -> None:
    """Given other bytes of the right length, by sha256 and by git's name, Then the file is refused and removed."""
    data = bench.fake.repos[BIG].files[name].data
    bench.fake.bodies = {name: b"z" * len(data)}
    error = bench.refusal()

    assert (error.code, error.exit_code) == ("hub_wrong_hash", 3) and name in error.detail
    assert not (bench.place / "files" / name).exists()
    assert bench.fake.sent[name] == len(data)


@pytest.mark.parametrize("change", [-1, 1, 1000])
def test_wrong_length_is_refused_before_the_first_byte(bench: Bench, change: int) -> None:
    bench.fake.lengths = {BIG_FILE: SIZE + change}
    error = bench.refusal()

    assert (error.code, error.exit_code) == ("hub_wrong_length", 3)
    assert not bench.path.exists()


def test_more_bytes_than_announced_are_refused(bench: Bench) -> None:
    """Given a body without a length that does not end, Then no more bytes are written than the file has."""
    bench.fake.lengths, bench.fake.bodies = {"config.json": -1}, {"config.json": b"{} and much more"}

    assert bench.refusal().code == "hub_wrong_length"
    assert not (bench.place / "files" / "config.json").exists()


@pytest.mark.parametrize(
    ("status", "headers", "body", "code"),
    [(404, {}, b"<html>" * 50, "hub_not_found"), (502, {}, b"<html>" * 50, "hub_failed"),
     (206, {"Content-Range": "bytes 7-9/10"}, b"xxx", "hub_broke_off"),
     (200, {"Content-Type": "text/html"}, b"<html>Log in</html>", "hub_wrong_length"),
     (302, {"Location": "file:///etc/passwd"}, b"", "hub_redirect"), (302, {"Location": "http://[x"}, b"", "hub_redirect")],
)  # fmt: skip
def test_response_that_is_not_the_file_is_refused(
    bench: Bench, status: int, headers: dict[str, str], body: bytes, code: str
) -> None:
    """Given an error, a log-in page or a redirect instead of the file's bytes, Then the download is refused."""
    bench.fake.answers = [Answer("/_blob/", status, headers, body, times=9)]

    assert bench.refusal().code == code


def test_retry_after_is_waited_for_unless_it_is_too_long(bench: Bench) -> None:
    bench.fake.answers = [Answer(BIG_FILE, 429, {"Retry-After": "1"})]
    watch = Stopwatch()
    bench.run()
    assert watch.seconds >= 1.0 and bench.is_whole()

    bench.path.unlink()
    bench.fake.answers = [Answer(BIG_FILE, 429, {"Retry-After": "3600"}, times=9)]
    error = bench.refusal()
    assert error.code == "hub_busy" and "3600 seconds" in error.detail


def test_slow_first_byte_is_waited_for_up_to_the_time_limit(bench: Bench) -> None:
    bench.fake.first_byte_s = {BIG_FILE: 0.4}
    bench.run()
    assert bench.is_whole()

    bench.path.unlink()
    error = bench.refusal(timeout_s=0.1, retries=1)
    assert (error.code, error.exit_code) == ("hub_broke_off", 6)


def test_full_disk_keeps_what_has_come(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real, room = os.write, [SIZE // 2]

    def write(handle: int, data: Any) -> int:
        if room[0] < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= len(data)
        return real(handle, data)

    monkeypatch.setattr("workers.hub.download.os.write", write)
    error = bench.refusal()
    assert (error.code, error.exit_code) == ("disk_full", 6) and "goes on" in error.hint

    room[0] = SIZE
    result = bench.run()
    assert bench.is_whole()
    assert result.resumed_bytes >= SIZE * 0.2, "less what was given back so that the failure can be recorded"


@pytest.mark.parametrize("waits", [True, False])
def test_cancel_ends_all_threads(bench: Bench, waits: bool) -> None:
    bench.fake.block_delay_s = 0.05
    bench.fake.answers = [Answer(BIG_FILE, 429, {"Retry-After": "600"}, times=9)] if waits else []
    with pytest.raises(JobCancelled):
        bench.run(RecordingContext(bench.place, cancel_after=4), max_wait_s=3600)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("download")]


@pytest.mark.whole
def test_long_wait_is_logged(bench: Bench) -> None:
    bench.fake.answers = [Answer(BIG_FILE, 503, {"Retry-After": "2"})]
    bench.run()

    assert [log.text for log in bench.ctx.logs] == ["Fettle asks the hub again in 2 seconds."]


def put(bench: Bench, data: bytes) -> None:
    bench.path.parent.mkdir()
    bench.path.write_bytes(data)


def test_download_again_checks_the_files_and_fetches_nothing(bench: Bench) -> None:
    bench.run()
    bench.fake.seen.clear()
    result = bench.run()

    assert bench.fake.seen == []
    assert (result.fetched_bytes, result.resumed_bytes) == (0, SIZE + 2)


@pytest.mark.parametrize(
    ("here", "n_sent"),
    [(b"x" * SIZE, SIZE), (b"x" * (SIZE + 1), SIZE), (b"q" * 3_000_000, SIZE + 1_000_000)],
    ids=["whole, wrong", "too long", "part, wrong"],
)
def test_damaged_bytes_cost_at_most_one_more_download(bench: Bench, here: bytes, n_sent: int) -> None:
    """Given bytes that changed on the disk, Then the digest reveals it, and the file is fetched once more."""
    put(bench, here)
    bench.run()

    assert bench.is_whole()
    assert bench.fake.sent[BIG_FILE] == n_sent


def test_piece_of_the_older_layout_is_continued(bench: Bench) -> None:
    """Given a download that Fettle 0.2 paused, Then its bytes are used."""
    stem = hashlib.sha256(BIG_FILE.encode()).hexdigest()[:32]
    (bench.place / "pieces").mkdir()
    (bench.place / "pieces" / f"{stem}.part").write_bytes(bench.data[:3_000_000])

    assert bench.run().resumed_bytes == 3_000_000
    assert bench.is_whole() and bench.fake.sent[BIG_FILE] == 1_000_000


@pytest.mark.parametrize("kind", ["link", "hard link"])
def test_link_in_place_of_a_file_is_replaced(bench: Bench, tmp_path: Path, kind: str) -> None:
    """Given a link where the file should be, Then nothing is written through it."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    bench.path.parent.mkdir()
    bench.path.symlink_to(victim) if kind == "link" else bench.path.hardlink_to(victim)
    bench.run()

    assert bench.is_whole() and not bench.path.is_symlink()
    assert victim.read_bytes() == b"mine"


def test_file_that_was_not_requested_is_removed(bench: Bench) -> None:
    (bench.place / "files" / "deep").mkdir(parents=True)
    (bench.place / "files" / "deep" / "evil.py").write_text("x")
    bench.run()

    files = [path.name for path in (bench.place / "files").rglob("*") if path.is_file()]
    assert sorted(files) == ["config.json", BIG_FILE]


def test_empty_file_is_created(bench: Bench) -> None:
    bench.fake.repos[BIG].files["empty.json"] = type(bench.fake.repos[BIG].files[BIG_FILE])(b"")
    params = HubModelParams(access=bench.access(), repo=BIG, patterns=("empty*",))
    found = look(params, bench.ctx)
    bench.files, bench.commit = found.wanted, found.commit
    bench.run()

    assert (bench.place / "files" / "empty.json").read_bytes() == b""
