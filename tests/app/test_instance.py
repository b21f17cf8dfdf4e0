"""Tests of the lock of the data folder with real second processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from stopwatch import OwnTime

import app.instance
from app.instance import DataFolderBusy, InstanceLock, holder_of, is_held
from app.paths import DataFolderUnusable, DataPaths

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from pathlib import Path
from app.instance import InstanceLock
from app.paths import DataPaths
lock = InstanceLock.take(DataPaths(Path(sys.argv[1])), sys.argv[2], "Fettle's window")
print("held", flush=True)
time.sleep(60)
"""


def start_holder(root: Path, kind: str = "window") -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root), kind], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def end(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize(("kind", "hint"), [("window", "Close that window"), ("command", "Wait until")])
def test_second_program_gets_an_error_with_the_holder(tmp_path: Path, kind: str, hint: str) -> None:
    """Given a holder, when another program takes the folder, then the error names the holder; after a kill the folder
    is free."""
    holder = start_holder(tmp_path / "data", kind)
    try:
        with pytest.raises(DataFolderBusy) as caught:
            InstanceLock.take(DataPaths(tmp_path / "data"), "command", "fettle optimize")
    finally:
        end(holder)
    assert caught.value.exit_code == 6 and caught.value.code == "data_folder_busy"
    assert f"Fettle's window (process {holder.pid})" in caught.value.detail
    assert caught.value.hint.startswith(hint)
    with InstanceLock.take(DataPaths(tmp_path / "data"), "command", "fettle optimize"):
        pass


def test_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    """Given a released lock, then its entry is gone and the folder can be taken again."""
    paths = DataPaths(tmp_path / "größe 模型")
    lock = InstanceLock.take(paths, "window", "Fettle's window")
    entry = holder_of(paths)
    assert entry == lock.holder and entry.pid == os.getpid()
    with pytest.raises(DataFolderBusy):
        InstanceLock.take(paths, "command", "fettle bench")
    lock.release()
    lock.release()
    assert holder_of(paths) is None
    with InstanceLock.take(paths, "command", "fettle bench") as again:
        assert again.holder.kind == "command"


def test_lock_is_not_inherited_by_child_processes(tmp_path: Path) -> None:
    """Given a child process that outlives its parent's lock, when the lock is released, then the folder is free."""
    paths = DataPaths(tmp_path)
    lock = InstanceLock.take(paths, "command", "fettle demo")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"], close_fds=False)
    try:
        lock.release()
        with InstanceLock.take(paths, "command", "fettle demo"):
            pass
    finally:
        child.kill()
        child.wait()


def test_taking_costs_little(tmp_path: Path) -> None:
    own = OwnTime()
    InstanceLock.take(DataPaths(tmp_path), "command", "x").release()
    own.check(0.1)


def test_invalid_entry_is_no_holder(tmp_path: Path) -> None:
    paths = DataPaths(tmp_path)
    for text in ("", "[]", '{"pid": "x"}', "\0\0"):
        paths.lock.write_text(text, encoding="utf-8")
        assert holder_of(paths) is None


@pytest.mark.parametrize(
    ("refused", "number", "code", "words"),
    [
        ("app.instance.try_lock", 95, "data_folder_unusable", "knows no file locks"),
        ("app.instance.os.open", 30, "data_folder_read_only", "allows reading only"),
    ],
)
def test_disk_without_locks_or_writing_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str, number: int, code: str, words: str
) -> None:
    """Given a disk without locks, or a read-only one, then the error names the reason."""

    def refuse(*args: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(refused, refuse)
    with pytest.raises(DataFolderUnusable, match=words) as caught:
        InstanceLock.take(DataPaths(tmp_path), "window", "w")
    assert caught.value.code == code


def test_is_held_reads_without_writing(tmp_path: Path) -> None:
    """Given a folder that is unused, held or released, then `is_held` reports that without creating anything."""
    paths = DataPaths(tmp_path / "data")
    assert not is_held(paths)
    assert not paths.root.exists()
    holder = start_holder(paths.root)
    try:
        assert is_held(paths)
    finally:
        end(holder)
    assert not is_held(paths)
    with InstanceLock.take(paths, "command", "c"):
        assert is_held(paths)
    assert not is_held(paths)


def test_check_of_the_lock_does_not_prevent_taking_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a check of the lock at the same moment, when another program takes it, then it succeeds."""
    real, calls = app.instance.try_lock, list[bool]()

    def first_is_taken(handle: int) -> bool:
        calls.append(len(calls) > 0 and real(handle))
        return calls[-1]

    monkeypatch.setattr("app.instance.try_lock", first_is_taken)
    with InstanceLock.take(DataPaths(tmp_path), "window", "w"):
        assert calls == [False, True]
