"""Test the folders of jobs and files on another computer: names, locks, clean-up."""

import os
import time
from pathlib import Path

import pytest

from workers.remote import folders
from workers.remote.folders import FILE_AGE_S, JOB_AGE_S, clean, hold, make_folders
from workers.remote.refused import Refused


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "a\0", ".hidden", "a" * 129, 5, None, "a\n"])
def test_names_lead_nowhere_else(tmp_path: Path, name: object) -> None:
    """Given a name that is none of a job or of a hash, Then it is refused."""
    for function in (folders.job_folder, folders.file_path):
        with pytest.raises(Refused):
            function(tmp_path, name)
    for wrong in ("/etc/passwd", "a/../../b", "a//b", "a/.", ""):
        with pytest.raises(Refused):
            folders.below(tmp_path, wrong)


def test_only_this_account_may_enter(tmp_path: Path) -> None:
    """Given a new home, Then only its account may enter it; one that others may enter is refused."""
    home = tmp_path / "workers"
    make_folders(home)
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in (home, *home.iterdir()))
    home.chmod(0o750)
    with pytest.raises(Refused) as refused:
        make_folders(home)
    assert refused.value.code == "open_folder"


def test_clean_removes_by_age_and_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given old and new jobs, parts and files, Then the old ones go, and of the rest those used least recently."""
    home = tmp_path / "w"
    make_folders(home)
    now = time.time()
    for name, age_s in (("dead", 2 * JOB_AGE_S), ("living", 2 * JOB_AGE_S), ("new", 0)):
        (home / "jobs" / name).mkdir()
        if name == "living":
            alive = hold(home / "jobs" / name / folders.ALIVE)
        os.utime(home / "jobs" / name, (now - age_s, now - age_s))
    for name, age_s in (("1" * 64, 60), ("2" * 64, 600), ("3" * 64, 6000)):
        (home / "files" / name).write_bytes(b"x" * 1000)
        os.utime(home / "files" / name, (now - age_s, 1e9))
    (home / "kept" / "old").mkdir()
    os.utime(home / "kept" / "old", (0, now - 2 * FILE_AGE_S))

    assert clean(home, ["2500"]) == 0
    assert sorted(path.name for path in (home / "jobs").glob("[!.]*")) == ["living", "new"]
    assert sorted(path.name[0] for path in (home / "files").iterdir()) == ["1", "2"]
    assert not any((home / "kept").iterdir())
    monkeypatch.setattr(folders, "FILE_AGE_S", -1.0)
    clean(home, [])
    assert not any((home / "files").iterdir())
    os.close(alive or 0)
