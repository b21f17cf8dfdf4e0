"""Downloads with everything that can go wrong: never a wrong file, never a part as a whole, each told in words."""

import errno
import hashlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakehub import Answer, FakeHub

from workers.contracts.errors import JobCancelled, WorkerError
from workers.contracts.hub import HubAccess, HubDownloadParams, HubDownloadResult, HubModelParams
from workers.hub.download import download
from workers.hub.open import open_hub
from workers.hub.page import look
from workers.runtime.recording import RecordingContext

BIG, BIG_FILE = "eve/big", "model.safetensors"
SIZE = 4_000_000


class Bench:
    """One place to download into, again and again."""

    def __init__(self, fake: FakeHub, access: Callable[..., HubAccess], place: Path) -> None:
        self.fake, self.access, self.place = fake, access, place
        self.ctx = RecordingContext(place)
        found = look(open_hub(access(), self.ctx), HubModelParams(access=access(), repo=BIG))
        self.files, self.commit = found.wanted, found.commit
        fake.seen.clear()
        fake.sent.clear()

    def run(self, ctx: RecordingContext | None = None, **more: Any) -> HubDownloadResult:
        access = self.access(**more)
        params = HubDownloadParams(access=access, repo=BIG, commit=self.commit, files=self.files, place=str(self.place))
        return download(params, ctx or self.ctx)

    def refusal(self, **more: Any) -> WorkerError:
        with pytest.raises(WorkerError) as caught:
            self.run(**more)
        assert not (self.place / "files" / BIG_FILE).exists(), "nothing is left as whole"
        return caught.value

    @property
    def data(self) -> bytes:
        return self.fake.repos[BIG].files[BIG_FILE].data

    def is_whole(self) -> bool:
        return (self.place / "files" / BIG_FILE).read_bytes() == self.data

    @property
    def pieces(self) -> list[Path]:
        return sorted((self.place / "pieces").glob("*.part"))


@pytest.fixture
def bench(fake: FakeHub, access: Callable[..., HubAccess], tmp_path: Path) -> Bench:
    return Bench(fake, access, tmp_path)


def test_files_come_whole_with_their_digests(bench: Bench) -> None:
    result = bench.run()

    assert bench.is_whole()
    assert [(file.name, file.sha256) for file in result.files] == [
        (name, hashlib.sha256(bench.fake.repos[BIG].files[name].data).hexdigest()) for name in ("config.json", BIG_FILE)
    ]
    assert result.fetched_bytes == SIZE + 2
    assert [path.name for path in bench.place.iterdir()] == ["files"], "no pieces are left"
    last = bench.ctx.progress_sent[-1]
    assert (last.stage, last.done, last.total, last.unit) == ("Download", SIZE + 2, SIZE + 2, "bytes")


def test_the_token_goes_to_the_hub_alone(bench: Bench) -> None:
    """Given a large file that lies on another host, Then that host is not told the token."""
    bench.run(token="hf_secret")

    tokens = {(seen.host.split(":")[0], seen.token) for seen in bench.fake.seen}
    assert tokens == {("127.0.0.1", "Bearer hf_secret"), ("localhost", None)}


def test_dropped_at_ten_places(bench: Bench) -> None:
    """Given a connection that breaks off ten times, Then every byte comes once."""
    bench.fake.drops = {BIG_FILE: [SIZE * place // 11 for place in range(1, 11)]}

    bench.run()

    assert bench.is_whole()
    assert len([seen for seen in bench.fake.seen if "range" in seen.headers]) == 10
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
    bench.fake.answers = [Answer(f"HEAD.*{BIG_FILE}", 200, {"ETag": '"x"'}, times=0)]
    bench.fake.on_block = lambda name, position: _close_after(bench.fake, position)
    error = bench.refusal()
    assert (error.code, error.exit_code) == ("hub_failed", 6)
    (piece,) = bench.pieces
    assert piece.stat().st_size >= SIZE * 0.85

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


def test_another_etag_at_the_hub_while_resuming(bench: Bench) -> None:
    bench.fake.drops = {BIG_FILE: [SIZE // 2]}
    bench.fake.on_block = lambda name, position: bench.fake.linked_etags.update({BIG_FILE: "f" * 64})
    error = bench.refusal()

    assert (error.code, error.exit_code) == ("hub_file_changed", 3)
    assert [piece.stat().st_size for piece in bench.pieces] in ([], [0])


def test_another_etag_where_the_bytes_lie(bench: Bench) -> None:
    """Given bytes that changed meanwhile, as their ETag tells, Then none of the old ones is kept, and the rest decides."""
    bench.fake.drops = {BIG_FILE: [SIZE // 2]}
    bench.fake.on_block = lambda name, position: bench.fake.body_etags.update({BIG_FILE: "other"})
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
    assert bench.fake.sent.get(BIG_FILE, 0) == 0, "told before a byte has come"


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
@pytest.mark.parametrize("place", ["HEAD", "GET"])
def test_refusals(bench: Bench, place: str, status: int, code: str, exit_code: int) -> None:
    bench.fake.answers = [Answer(f"{place}.*{BIG_FILE}", status, body=b"<html>" * 50, times=9)]
    error = bench.refusal()

    assert (error.code, error.exit_code) == (code, exit_code)
    assert error.detail.endswith(".")


def test_a_gated_file(bench: Bench) -> None:
    bench.fake.answers = [Answer(f"HEAD.*{BIG_FILE}", 403, {"X-Error-Code": "GatedRepo"})]

    assert "1. Open" in bench.refusal().hint


def test_retry_after_is_honored(bench: Bench) -> None:
    """Given 429 with a wait of a second, Then it is waited for; given a longer one than makes sense, told at once."""
    bench.fake.answers = [Answer(BIG_FILE, 429, {"Retry-After": "1"})]
    began_s = time.monotonic()
    bench.run()
    assert time.monotonic() - began_s >= 1.0
    assert bench.is_whole()

    (bench.place / "files" / BIG_FILE).unlink()
    bench.fake.answers = [Answer(BIG_FILE, 429, {"Retry-After": "3600"}, times=9)]
    began_s = time.monotonic()
    error = bench.refusal()
    assert time.monotonic() - began_s < 1.0
    assert "3600 seconds" in error.detail


def test_a_slow_first_byte(bench: Bench) -> None:
    """Given a hub that takes its time, Then it is waited for, and not for ever."""
    bench.fake.first_byte_s = {BIG_FILE: 0.4}
    bench.run()
    assert bench.is_whole()

    (bench.place / "files" / BIG_FILE).unlink()
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


def test_packed_bytes_are_not_taken(bench: Bench) -> None:
    bench.fake.answers = [Answer("GET /_blob/", 200, {"Content-Encoding": "gzip"}, b"x" * 10, times=9)]

    assert bench.refusal().code == "hub_garbage"


def test_disk_full(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a disk that is full in the middle, Then what has come is kept, and the next time goes on from there."""
    real, room = os.write, [SIZE // 2]

    def write(handle: int, data: Any) -> int:
        if room[0] < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= len(data)
        return real(handle, data)

    monkeypatch.setattr("workers.hub.piece.os.write", write)
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
    began_s = time.monotonic()
    with pytest.raises(JobCancelled):
        bench.run(RecordingContext(bench.place, cancel_after=3))

    assert time.monotonic() - began_s < 1.0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("download")]
    assert not (bench.place / "files" / BIG_FILE).exists()


def test_cancelled_while_it_waits(bench: Bench) -> None:
    bench.fake.answers = [Answer(BIG_FILE, 429, {"Retry-After": "60"}, times=9)]
    began_s = time.monotonic()
    with pytest.raises(JobCancelled):
        bench.run(RecordingContext(bench.place, cancel_after=5), max_wait_s=100)

    assert time.monotonic() - began_s < 1.0


def test_waits_are_told(bench: Bench) -> None:
    bench.fake.answers = [Answer(BIG_FILE, 503, {"Retry-After": "2"})]
    bench.run()

    assert [log.text for log in bench.ctx.logs] == ["The hub is asked again in 2 seconds."]


def test_what_is_here_is_checked_and_not_fetched(bench: Bench) -> None:
    bench.run()
    bench.fake.seen.clear()
    result = bench.run()

    assert bench.fake.seen == []
    assert (result.fetched_bytes, result.resumed_bytes) == (0, SIZE + 2)


def test_a_damaged_file_is_fetched_again(bench: Bench) -> None:
    bench.run()
    path = bench.place / "files" / BIG_FILE
    path.write_bytes(b"x" * SIZE)
    bench.run()

    assert bench.is_whole()


@pytest.mark.parametrize("note", [b"", b"{}", b"[", b'{"etag": 1, "body_etag": 2}', None])
def test_a_piece_with_a_damaged_note_is_begun_anew(bench: Bench, note: bytes | None) -> None:
    (bench.place / "pieces").mkdir()
    stem = hashlib.sha256(BIG_FILE.encode()).hexdigest()[:32]
    (bench.place / "pieces" / f"{stem}.part").write_bytes(b"q" * 1000)
    if note is not None:
        (bench.place / "pieces" / f"{stem}.json").write_bytes(note)
    bench.run()

    assert bench.is_whole()
    assert bench.fake.sent[BIG_FILE] == SIZE


def test_a_damaged_piece_costs_one_more_download(bench: Bench) -> None:
    """Given a piece whose bytes changed on the disk, Then the digest tells, and all is fetched once more."""
    (bench.place / "pieces").mkdir()
    stem, etag = hashlib.sha256(BIG_FILE.encode()).hexdigest()[:32], bench.fake.repos[BIG].files[BIG_FILE].etag
    (bench.place / "pieces" / f"{stem}.part").write_bytes(b"q" * 3_000_000)
    note = f'{{"etag": "{etag}", "body_etag": "{etag}"}}'
    (bench.place / "pieces" / f"{stem}.json").write_text(note)
    bench.run()

    assert bench.is_whole()
    assert bench.fake.sent[BIG_FILE] == SIZE + 1_000_000


@pytest.mark.parametrize("kind", ["link", "hard link", "too long"])
def test_a_piece_that_is_none(bench: Bench, tmp_path: Path, kind: str) -> None:
    """Given a link where a piece should be, Then nothing is written through it; a piece that is too long goes."""
    (bench.place / "pieces").mkdir()
    piece = bench.place / "pieces" / f"{hashlib.sha256(BIG_FILE.encode()).hexdigest()[:32]}.part"
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    if kind == "too long":
        piece.write_bytes(b"x" * (SIZE + 1))
        bench.run()
        assert bench.is_whole()
    else:
        piece.symlink_to(victim) if kind == "link" else piece.hardlink_to(victim)
        with pytest.raises(OSError, match=r"plain file|symbolic"):
            bench.run()
    assert victim.read_bytes() == b"mine"


def test_what_was_not_asked_for_does_not_stay(bench: Bench) -> None:
    (bench.place / "files" / "deep").mkdir(parents=True)
    (bench.place / "files" / "deep" / "evil.py").write_text("x")
    bench.run()

    assert sorted(path.name for path in (bench.place / "files").rglob("*") if path.is_file()) == [
        "config.json",
        BIG_FILE,
    ]


def test_an_empty_file(bench: Bench) -> None:
    bench.fake.repos[BIG].files["empty.json"] = type(bench.fake.repos[BIG].files[BIG_FILE])(b"")
    found = look(
        open_hub(bench.access(), bench.ctx), HubModelParams(access=bench.access(), repo=BIG, patterns=("empty*",))
    )
    bench.files, bench.commit = found.wanted, found.commit
    bench.run()

    assert (bench.place / "files" / "empty.json").read_bytes() == b""
