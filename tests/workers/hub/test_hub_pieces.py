"""What is on the disk from before: checked, taken up, or begun anew; never believed."""

import hashlib
from pathlib import Path

import pytest
from download_bench import BIG, BIG_FILE, SIZE, Bench

from workers.contracts.hub import HubModelParams
from workers.hub.open import open_hub
from workers.hub.page import look


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
