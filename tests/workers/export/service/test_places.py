"""Folders that bundles are loaded from: nothing in them may be changed by another account."""

import os
from pathlib import Path, PureWindowsPath

import pytest

from workers.export.service.bundle_files.fettle_service.places import (
    FolderRefused,
    Trust,
    check_windows,
    trusted_folder,
)

ANOTHER = 12_345
"""No account of this computer."""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.onnx").write_bytes(b"x")
    (folder / "bundle.py").write_text("")
    return folder


def test_own_folder_is_resolved(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(bundle)
    assert trusted_folder(bundle) == bundle.resolve()
    assert trusted_folder(tmp_path / "link") == bundle.resolve()


@pytest.mark.parametrize("place", [".", "model", "model/model.onnx", "bundle.py", ".."])
def test_what_everybody_may_write_to_is_refused(bundle: Path, place: str) -> None:
    # Given one file, folder, or parent that other accounts may write to, Then the folder is refused
    target = bundle / place
    target.chmod(target.stat().st_mode | 0o002)
    with pytest.raises(FolderRefused, match="can be changed by other users"):
        trusted_folder(bundle)


@pytest.mark.parametrize("place", [".", "model/model.onnx", ".."])
def test_folders_of_another_account_are_refused(bundle: Path, place: str) -> None:
    # Given a folder, a file, or a parent of another account, Then the folder is refused
    if os.geteuid() == 0:
        os.chown(bundle / place, ANOTHER, -1)
        trust = Trust(0)
    else:
        trust = Trust(ANOTHER)  # our own files are another's there
    with pytest.raises(FolderRefused, match="belongs to another user"):
        trust.check(bundle.resolve())


@pytest.mark.parametrize("shared", ["/tmp", "/dev/shm", "/var/tmp"])
def test_shared_folders_of_root_are_no_place_for_a_bundle(shared: str) -> None:
    # Given root's folder that everybody writes to, Then neither it nor a folder right in it is taken
    assert Path(shared).stat().st_uid == 0
    with pytest.raises(FolderRefused, match="can be changed by other users"):
        trusted_folder(Path(shared))


def test_folder_right_in_a_shared_one_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / "bundle").mkdir(parents=True)
    (shared / "own" / "bundle").mkdir(parents=True)
    shared.chmod(0o1777)
    with pytest.raises(FolderRefused, match="shared can be changed"):
        trusted_folder(shared / "bundle")
    assert trusted_folder(shared / "own" / "bundle").name == "bundle"


@pytest.mark.parametrize("link", ["model/more", "another.py"])
def test_links_inside_are_refused(bundle: Path, tmp_path: Path, link: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (bundle / link).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderRefused, match="is a link"):
        trusted_folder(bundle)


def test_group_of_several_accounts_may_not_write(bundle: Path) -> None:
    # Given a file that a group may write to, Then it counts only where this user alone is in the group
    file = bundle / "bundle.py"
    file.chmod(0o664)
    os.chown(file, -1, os.getegid())

    class Shared(Trust):
        _own_group = None

    class Private(Trust):
        _own_group = os.getegid()

    Private(os.geteuid()).check(bundle.resolve())
    with pytest.raises(FolderRefused, match=r"bundle\.py can be changed"):
        Shared(os.geteuid()).check(bundle.resolve())


@pytest.mark.parametrize("path", ["//server/share/bundle", r"\\server\share\bundle", r"\\?\C:\bundle", "/nowhere"])
def test_paths_of_other_computers_and_of_nothing_are_refused(path: str) -> None:
    with pytest.raises(FolderRefused):
        trusted_folder(Path(path))


def test_file_is_no_folder(bundle: Path) -> None:
    with pytest.raises(FolderRefused):
        trusted_folder(bundle / "bundle.py")


@pytest.mark.parametrize(
    ("path", "is_taken"),
    [
        (r"C:\Users\me\Fettle\bundle", True),
        (r"c:\users\ME\bundle", True),
        (r"C:\Users\me", False),
        (r"C:\Users\me\..\you\bundle", False),
        (r"C:\bundle", False),
        (r"D:\bundle", False),
        (r"C:\Users\you\bundle", False),
        (r"\\server\share\bundle", False),
        (r"\\?\UNC\server\share\bundle", False),
        (r"C:bundle", False),
    ],
)
def test_windows_takes_folders_of_the_own_account_alone(path: str, is_taken: bool) -> None:
    home = PureWindowsPath(r"C:\Users\me")
    folder = PureWindowsPath(path)
    if is_taken:
        check_windows(folder, home)
    else:
        with pytest.raises(FolderRefused):
            check_windows(folder, home)
