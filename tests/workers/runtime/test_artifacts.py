"""What a job has made is told with its hash."""

import hashlib
from pathlib import Path

import pytest

from workers.contracts.folder import sha256_folder
from workers.runtime.artifacts import describe_artifact


def test_hashes(tmp_path: Path) -> None:
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "deep" / "a").write_bytes(b"abc")
    (tmp_path / "one").write_bytes(b"abc")
    one = describe_artifact(tmp_path / "one", tmp_path)
    assert (one.path, one.size_bytes, one.sha256) == ("one", 3, hashlib.sha256(b"abc").hexdigest())
    folder = describe_artifact(tmp_path / "model", tmp_path)
    assert (folder.path, folder.size_bytes, folder.sha256) == ("model", 3, sha256_folder(tmp_path / "model"))
    with pytest.raises(FileNotFoundError):
        describe_artifact(tmp_path / "nothing", tmp_path)
