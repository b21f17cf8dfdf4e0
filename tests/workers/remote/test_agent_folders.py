"""Test the folders of jobs and files on another computer: names, locks, clean-up."""

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workers.remote import folders
from workers.remote.folders import FILE_AGE_S, JOB_AGE_S, clean, hold, is_alive, make_folders, measured_by
from workers.remote.refused import Refused

CODE = Path(__file__).parents[3]
COPIED = [*(CODE / "workers" / "remote").glob("*.py"), CODE / "workers" / "contracts" / "process" / "channel.py"]


@pytest.mark.parametrize("path", COPIED, ids=lambda path: path.name)
def test_agent_needs_only_an_old_python(path: Path) -> None:
    """Given a module of the agent, Then Python 3.8 can parse it, and it imports the standard library and the agent alone."""
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    ours = ("workers.remote", "workers.contracts.process.channel", "workers.infer")
    assert all(name.startswith(ours) or name.partition(".")[0] in sys.stdlib_module_names for name in names)


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


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs a second account")
def test_another_account_reaches_nothing(tmp_path: Path) -> None:
    """Given files and a socket of a job, When another account of the computer tries to, Then it reaches none of them."""
    home = tmp_path / "workers"
    make_folders(home)
    (home / "files" / ("0" * 64)).write_text("secret")
    (home / "jobs" / "j").mkdir()
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o011)
    script = f"""
import os, socket
os.setgid(65534); os.setuid(65534)
for action in (
    lambda: open({str(home / "files" / ("0" * 64))!r}), lambda: os.listdir({str(home)!r}),
    lambda: socket.socket(socket.AF_UNIX).connect({str(home / "jobs" / "j" / "s")!r}),
):
    try:
        action()
        print("reached")
    except PermissionError:
        print("denied")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["denied"] * 3


def test_one_group_measures_at_a_time(tmp_path: Path) -> None:
    """Given a job that measures and lives, Then another group learns who measures, its own group and later ones do not."""
    make_folders(tmp_path / "w")
    job = tmp_path / "w" / "jobs" / "j"
    job.mkdir()
    alive = hold(job / folders.ALIVE)
    assert alive is not None
    (job / folders.MEASURING).write_text('{"group": "one", "who": "anna@desk"}')
    assert measured_by(tmp_path / "w", "two") == "anna@desk"
    assert measured_by(tmp_path / "w", "one") is None and is_alive(job)
    os.close(alive)
    assert measured_by(tmp_path / "w", "two") is None and not is_alive(job)


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
