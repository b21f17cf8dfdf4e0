"""Downloads with everything that can go wrong: never a wrong file, never a part as a whole, each told in words."""

import errno
import hashlib
import os
import threading
from typing import Any

import pytest
from download_bench import BIG, BIG_FILE, SIZE, Bench
from fakehub import Answer, FakeHub
from stopwatch import Stopwatch

from workers.contracts.errors import JobCancelled, WorkerError
from workers.runtime.recording import RecordingContext


def test_files_come_whole_with_their_digests(bench: Bench) -> None:
    result = bench.run()

    assert bench.is_whole()
    assert [(file.name, file.sha256) for file in result.files] == [
        (name, hashlib.sha256(bench.fake.repos[BIG].files[name].data).hexdigest()) for name in ("config.json", BIG_FILE)
    ]
    assert result.fetched_bytes == SIZE + 2
    last = bench.ctx.progress_sent[-1]
    assert (last.stage, last.done, last.total, last.unit) == ("Download", SIZE + 2, SIZE + 2, "bytes")


def test_the_token_goes_to_the_hub_alone(bench: Bench) -> None:
    """Given a large file that lies on another host, Then that host is not told the token."""
    bench.run(token="hf_secret")

    tokens = {(seen.host.split(":")[0], seen.token) for seen in bench.fake.seen}
    assert tokens == {("127.0.0.1", "Bearer hf_secret"), ("localhost", None)}


@pytest.mark.whole
def test_dropped_at_ten_places(bench: Bench) -> None:
    """Given a connection that breaks off ten times, Then every byte comes once."""
    bench.fake.drops = {BIG_FILE: [SIZE * place // 11 for place in range(1, 11)]}

    bench.run()

    assert bench.is_whole()
    assert len([seen for seen in bench.fake.seen if "range" in seen.headers and "/_blob/" in seen.path]) == 10
    assert bench.fake.sent[BIG_FILE] <= SIZE * 1.05


@pytest.mark.parametrize("place", [1, 1000, SIZE // 2, SIZE - 1])
def test_dropped_once(bench: Bench, place: int) -> None:
    bench.fake.drops = {BIG_FILE: [place]}

    bench.run()

    assert bench.is_whole()
    assert bench.fake.sent[BIG_FILE] <= SIZE * 1.05


def test_goes_on_after_the_job_has_ended(bench: Bench) -> None:
    """Given a hub that is gone at 90 %, When another job asks again, Then at most 15 % come again."""
    bench.fake.drops = {BIG_FILE: [SIZE * 9 // 10]}
    bench.fake.on_block = lambda name, position: _close_after(bench.fake, position)
    error = bench.refusal()
    assert (error.code, error.exit_code) == ("hub_failed", 6)
    assert bench.path.stat().st_size >= SIZE * 0.85

    before = bench.fake.sent[BIG_FILE]
    bench.fake.on_block = None
    bench.fake.answers = []
    result = bench.run()

    assert bench.is_whole()
    assert bench.fake.sent[BIG_FILE] - before <= SIZE * 0.15
    assert result.resumed_bytes >= SIZE * 0.85
    assert bench.ctx.progress_sent[-1].done == SIZE + 2


def _close_after(fake: FakeHub, position: int) -> None:
    if position >= SIZE * 9 // 10:
        fake.answers = [Answer(BIG_FILE, 503, times=99)]


def test_a_hub_that_ignores_ranges(bench: Bench) -> None:
    """Given a hub that sends the whole file again, Then the piece is begun anew and the file is right."""
    bench.fake.drops = {BIG_FILE: [SIZE // 2]}
    bench.fake.ignores_ranges = True

    bench.run()

    assert bench.is_whole()


def test_changed_bytes_under_an_old_etag(bench: Bench) -> None:
    """Given other bytes from the middle on, When they come after a drop, Then all is fetched once more, then refused."""
    bench.fake.drops = {BIG_FILE: [SIZE // 2]}
    bench.fake.on_block = lambda name, position: bench.fake.bodies.update({BIG_FILE: b"y" * SIZE})
    error = bench.refusal()

    assert (error.code, error.exit_code) == ("hub_wrong_hash", 3)
    assert bench.fake.sent[BIG_FILE] == 2 * SIZE


@pytest.mark.parametrize("name", [BIG_FILE, "config.json"])
def test_a_wrong_digest(bench: Bench, name: str) -> None:
    """Given other bytes of the right length, by sha256 and by git's name, Then the file is refused at once."""
    data = bench.fake.repos[BIG].files[name].data
    bench.fake.bodies = {name: b"z" * len(data)}
    with pytest.raises(WorkerError) as caught:
        bench.run()

    assert caught.value.code == "hub_wrong_hash"
    assert name in caught.value.detail
    assert not (bench.place / "files" / name).exists()
    assert bench.fake.sent[name] == len(data)


@pytest.mark.parametrize("change", [-1, 1, 1000])
def test_a_wrong_length(bench: Bench, change: int) -> None:
    bench.fake.lengths = {BIG_FILE: SIZE + change}
    error = bench.refusal()

    assert (error.code, error.exit_code) == ("hub_wrong_length", 3)
    assert not bench.path.exists(), "known before a byte has come"


def test_a_wrong_length_of_a_small_file(bench: Bench) -> None:
    bench.fake.bodies = {"config.json": b"{} and much more"}
    with pytest.raises(WorkerError) as caught:
        bench.run()

    assert caught.value.code == "hub_wrong_length"


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [(401, "hub_log_in", 3), (403, "hub_forbidden", 3), (404, "hub_not_found", 3), (429, "hub_busy", 6),
     (500, "hub_failed", 6), (502, "hub_failed", 6), (410, "hub_refused", 3)],
)  # fmt: skip
def test_refusals(bench: Bench, status: int, code: str, exit_code: int) -> None:
    bench.fake.answers = [Answer(BIG_FILE, status, body=b"<html>" * 50, times=9)]
    error = bench.refusal()

    assert (error.code, error.exit_code) == (code, exit_code)
    assert error.detail.endswith(".")


def test_a_gated_file(bench: Bench) -> None:
    bench.fake.answers = [Answer(BIG_FILE, 403, {"X-Error-Code": "GatedRepo"})]

    assert "1. Open" in bench.refusal().hint


def test_retry_after_is_honored(bench: Bench) -> None:
    """Given 429 with a wait of a second, Then it is waited for; given a longer one than makes sense, told at once."""
    bench.fake.answers = [Answer(BIG_FILE, 429, {"Retry-After": "1"})]
    watch = Stopwatch()
    bench.run()
    assert watch.seconds >= 1.0
    assert bench.is_whole()

    bench.path.unlink()
    bench.fake.answers = [Answer(BIG_FILE, 429, {"Retry-After": "3600"}, times=9)]
    watch = Stopwatch()
    error = bench.refusal()
    watch.check(1.0)
    assert "3600 seconds" in error.detail


def test_a_slow_first_byte(bench: Bench) -> None:
    """Given a hub that takes its time, Then it is waited for, and not for ever."""
    bench.fake.first_byte_s = {BIG_FILE: 0.4}
    bench.run()
    assert bench.is_whole()

    bench.path.unlink()
    error = bench.refusal(timeout_s=0.1, retries=1)
    assert (error.code, error.exit_code) == ("hub_broke_off", 6)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://localhost/x", "data:,x", "http://[bad"])
def test_a_redirect_to_a_file_is_refused(bench: Bench, target: str) -> None:
    bench.fake.locations = {BIG_FILE: target}
    error = bench.refusal()

    assert (error.code, error.exit_code) == ("hub_redirect", 3)


def test_the_second_redirect_is_looked_at_too(bench: Bench) -> None:
    bench.fake.answers = [Answer("/_blob/", 302, {"Location": "file:///etc/passwd"}, times=9)]

    assert bench.refusal().code == "hub_redirect"


def test_a_log_in_page_instead_of_the_file(bench: Bench) -> None:
    page = b"<html>Log in</html>"
    bench.fake.answers = [Answer("GET /_blob/", 200, {"Content-Type": "text/html"}, page, times=9)]

    assert bench.refusal().code == "hub_wrong_length"


def test_disk_full(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a disk that is full in the middle, Then what has come is kept, and the next time goes on from there."""
    real, room = os.write, [SIZE // 2]

    def write(handle: int, data: Any) -> int:
        if room[0] < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= len(data)
        return real(handle, data)

    monkeypatch.setattr("workers.hub.partial_file.os.write", write)
    error = bench.refusal()
    assert (error.code, error.exit_code) == ("disk_full", 6)
    assert "goes on" in error.hint

    room[0] = SIZE
    result = bench.run()
    assert bench.is_whole()
    assert result.resumed_bytes >= SIZE * 0.2, "less what was given back so that the failure can be written down"


def test_cancelled_while_it_comes(bench: Bench) -> None:
    """Given a person who cancels, Then it ends within a second, and every thread with it."""
    bench.fake.block_delay_s = 0.05
    watch = Stopwatch()
    with pytest.raises(JobCancelled):
        bench.run(RecordingContext(bench.place, cancel_after=3))

    watch.check(1.0)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("download")]
    assert not bench.is_whole()


def test_cancelled_while_it_waits(bench: Bench) -> None:
    bench.fake.answers = [Answer(BIG_FILE, 429, {"Retry-After": "60"}, times=9)]
    watch = Stopwatch()
    with pytest.raises(JobCancelled):
        bench.run(RecordingContext(bench.place, cancel_after=5), max_wait_s=100)

    watch.check(1.0)


@pytest.mark.whole
def test_waits_are_told(bench: Bench) -> None:
    bench.fake.answers = [Answer(BIG_FILE, 503, {"Retry-After": "2"})]
    bench.run()

    assert [log.text for log in bench.ctx.logs] == ["The hub is asked again in 2 seconds."]
