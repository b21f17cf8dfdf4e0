"""Files are whole or not there."""

import errno
import hashlib
from pathlib import Path

import pytest

from workers.contracts.folder import sha256_folder
from workers.runtime.artifacts import atomic_file, describe_artifact, sync_tree


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / ("ü" * 100 + ".bin")
    with atomic_file(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_stays_when_writing_fails(tmp_path: Path) -> None:
    """Given an older file, When the disk is full in the middle, Then it is untouched and nothing else is left."""
    path = tmp_path / "bundle.zip"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="No space"), atomic_file(path) as file:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_longest_name_that_the_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    with atomic_file(path) as file:
        file.write(b"1")
    assert path.read_bytes() == b"1"


def test_hashes(tmp_path: Path) -> None:
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "deep" / "a").write_bytes(b"abc")
    (tmp_path / "one").write_bytes(b"abc")
    sync_tree(tmp_path)
    one = describe_artifact(tmp_path / "one", tmp_path)
    assert (one.path, one.size_bytes, one.sha256) == ("one", 3, hashlib.sha256(b"abc").hexdigest())
    folder = describe_artifact(tmp_path / "model", tmp_path)
    assert (folder.path, folder.size_bytes, folder.sha256) == ("model", 3, sha256_folder(tmp_path / "model"))
    with pytest.raises(FileNotFoundError):
        describe_artifact(tmp_path / "nothing", tmp_path)
