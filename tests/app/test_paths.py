"""Tests of the data folder: its place, its permissions, and the errors when it cannot be used."""

import errno
import os
from pathlib import Path

import pytest

from app.instance import InstanceLock
from app.paths import DataFolderUnusable, DataPaths, clear_leftovers, find_data_folder, prepare, unusable
from app.persistence import open_store


def test_data_folder_is_option_then_environment_then_platform(tmp_path: Path) -> None:
    """Given all of them, then --data-dir is used, else FETTLE_HOME, else the platform's folder."""
    environment = {"FETTLE_HOME": str(tmp_path / "home")}
    assert find_data_folder(tmp_path / "option", environment).root == tmp_path / "option"
    assert find_data_folder(None, environment).root == tmp_path / "home"
    assert find_data_folder(None, {}).root.name == "fettle"
    assert find_data_folder(None, {"FETTLE_HOME": ""}).root.name == "fettle"


@pytest.mark.parametrize("stored", ["/etc/passwd", "../../etc/passwd", "logs/../../passwd", "logs/passwd"])
def test_log_of_a_job_is_never_outside_the_folder_of_logs(tmp_path: Path, stored: str) -> None:
    """Given a path in the database of a carried-over data folder, Then only its name counts."""
    assert DataPaths(tmp_path).log_of(stored) == tmp_path / "logs" / "passwd"


def test_a_relative_folder_becomes_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_data_folder(Path("here"), {}).root == tmp_path / "here"


def test_account_without_home_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", no_home)
    with pytest.raises(DataFolderUnusable, match="no home folder"):
        find_data_folder(Path("~/x"), {})


def test_new_folders_are_private(tmp_path: Path) -> None:
    """Given no folder, when it is prepared, then all folders exist with mode 0700."""
    paths = prepare(DataPaths(tmp_path / "a" / "größe 模型"))
    assert {folder.stat().st_mode & 0o777 for folder in paths.folders} == {0o700}
    assert prepare(paths) is paths


def test_existing_folder_keeps_its_permissions(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    prepare(DataPaths(shared))
    assert shared.stat().st_mode & 0o777 == 0o755


def test_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DataFolderUnusable, match="a file is in its place") as caught:
            prepare(DataPaths(root))
        assert caught.value.exit_code == 6
    assert (tmp_path / "file").read_text(encoding="utf-8") == "x"


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (errno.ENOSPC, "disk_full", "is full"),
        (errno.EDQUOT, "disk_full", "is full"),
        (errno.EROFS, "data_folder_read_only", "allows reading only"),
        (errno.EACCES, "data_folder_unusable", "no right"),
        (errno.EIO, "data_folder_unusable", "Input/output error"),
    ],
)
def test_each_disk_error_has_its_code_and_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, words: str
) -> None:
    """Given a disk that refuses, when the folder is prepared, then the error has the reason and what to do."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number), str(tmp_path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DataFolderUnusable) as caught:
        prepare(DataPaths(tmp_path / "data"))
    assert caught.value.code == code and words in caught.value.detail
    assert "--data-dir" in caught.value.info().hint_by_command and "--" not in caught.value.hint
    assert unusable(tmp_path, OSError(number, "x")).code == code


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
@pytest.mark.parametrize(
    "name",
    ["fettle.lock", "jobs", "handover", "store/ab", "logs/fettle.log", "fettle.db-wal", "services/p1/bundles",
     "services/p1/phone/bundles"],
)  # fmt: skip
def test_links_out_of_the_data_folder_are_refused(tmp_path: Path, name: str) -> None:
    """Given a stranger's data folder with a link or a pipe in it, Then it is refused and what it leads to is intact."""
    paths, mine = DataPaths(tmp_path / "data"), tmp_path / "mine"
    place = paths.root / name
    place.parent.mkdir(parents=True)
    mine.write_bytes(b"precious")
    for create in (place.symlink_to, lambda _target: os.mkfifo(place)):
        create(mine)
        for use in (lambda: InstanceLock.take(paths, "command", "test"), lambda: open_store(paths, read_only=True)):
            with pytest.raises(DataFolderUnusable) as caught:
                use()
            assert (caught.value.code, caught.value.path) == ("data_folder_link", place)
        place.unlink()
    assert mine.read_bytes() == b"precious"


def test_linked_root_and_linked_presets_are_used(tmp_path: Path) -> None:
    """Given a data folder behind a link, with a linked preset, Then it is used."""
    (tmp_path / "link").symlink_to(tmp_path / "data")
    prepare(DataPaths(tmp_path / "data")).presets.joinpath("own.yaml").symlink_to(tmp_path)
    assert prepare(DataPaths(tmp_path / "link")).lock.parent.is_dir()


def test_leftovers_of_killed_jobs_are_removed_and_links_not_followed(tmp_path: Path) -> None:
    """Given job folders and a link to another folder, when they are cleared, then the link's target stays."""
    paths = prepare(DataPaths(tmp_path / "data"))
    (paths.jobs / "apply-1" / "deep").mkdir(parents=True)
    (paths.jobs / "file").write_text("x", encoding="utf-8")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "keep").touch()
    (paths.jobs / "link").symlink_to(mine)
    assert clear_leftovers(paths) == 3
    assert list(paths.jobs.iterdir()) == [] and (mine / "keep").exists()
    assert clear_leftovers(DataPaths(tmp_path / "nothing")) == 0
