"""Bytes on the disk from an earlier attempt: checked, continued, or fetched anew; never trusted."""

import hashlib
from pathlib import Path

import pytest
from download_bench import BIG, BIG_FILE, SIZE, Bench

from workers.contracts.hub import HubModelParams
from workers.hub.page import look


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
