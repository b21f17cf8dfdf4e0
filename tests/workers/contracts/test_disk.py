"""Recognize and report a full disk with sizes."""

import errno
from pathlib import Path

import pytest

from workers.contracts.errors import InputRefused
from workers.contracts.process.disk import DiskFull, file_sizes, free_in, is_full, lacks_room


def fill(folder: Path) -> None:
    """Write until nothing more fits."""
    with (folder / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(1 << 12))


def test_is_full_writes_a_probe_and_removes_it(small_disk: Path) -> None:
    """Given a disk of 3 MB, When it is filled, Then it is full, and no probe is left."""
    assert not is_full(small_disk)
    assert list(small_disk.iterdir()) == []
    fill(small_disk)
    assert is_full(small_disk)
    assert [path.name for path in small_disk.iterdir()] == ["filler"]
    assert free_in(small_disk / "not" / "there") == 0
    (small_disk / "filler").unlink()
    assert not is_full(small_disk)


def test_is_full_of_a_missing_folder_is_false(tmp_path: Path) -> None:
    assert not is_full(tmp_path / "nothing")


def test_disk_full_error_names_folder_free_and_needed_space(tmp_path: Path) -> None:
    """Given sizes that are known, then the words hold them; exit code 6."""
    error = DiskFull(tmp_path, needed_bytes=2_500_000, free_bytes=12_000)
    assert (error.code, error.exit_code) == ("disk_full", 6)
    for part in (str(tmp_path), "12.0 kB are free", "2.5 MB are needed", "is safe"):
        assert part in error.detail
    written = DiskFull(tmp_path, written_bytes=1_400_000)
    assert "more than the 1.4 MB that it had written" in written.detail
    assert "are free" in written.detail


def test_file_sizes_below_a_folder(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(bytes(10))
    (tmp_path / "b").write_bytes(bytes(5))
    assert sorted(file_sizes(tmp_path)) == [5, 10]
    assert file_sizes(tmp_path / "nothing") == []


FULL = OSError(errno.ENOSPC, "No space left on device")


def wrapped(inner: BaseException) -> BaseException:
    try:
        raise InputRefused("cannot_convert", "It cannot be converted", "A library failed.", "Try another.") from inner
    except InputRefused as error:
        return error


@pytest.mark.parametrize(
    ("error", "lacks"),
    [
        (FULL, True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (RuntimeError("I/O error: No space left on device (os error 28)"), True),
        (wrapped(FULL), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (RuntimeError("[Errno 281] nothing"), False),
        (wrapped(ValueError("no shape")), False),
        (InputRefused("x", "X", "The file says: no space left on device.", "Y."), False),
    ],
)
def test_lacks_room_recognizes_a_full_disk_only(error: BaseException, lacks: bool) -> None:
    assert lacks_room(error) is lacks
