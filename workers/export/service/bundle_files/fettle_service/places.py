"""Decide which folders a bundle may be loaded from: only those that no other account of this computer can change.

Loading a bundle runs its code with the rights of this process.
"""

from __future__ import annotations

import os
import re
import stat
from functools import cached_property
from pathlib import Path, PureWindowsPath

NETWORK = ("\\\\", "//")
"""Beginnings of paths of other computers and of devices (UNC)."""
ACCESS_LIST = "system.posix_acl_access"


class FolderRefused(RuntimeError):
    """Error: a bundle is not loaded and the present one stays in use; the text gives the reason."""


def trusted_folder(path: Path) -> Path:
    """Return `path` with all links resolved, after a check that no other account can change anything in it.

    Folders are checked from the root of the file system downwards. The entries of a folder that only this user and root
    may write to cannot be exchanged by others, so the tree that is checked here is the tree that is read later.

    Raises:
        FolderRefused: The path does not exist, is on another computer, or can be changed by another account.
    """
    if str(path).startswith(NETWORK):
        raise FolderRefused(f"{path.name} is on another computer; copy it into a folder of this one")
    try:
        resolved = path.resolve(strict=True)
        if os.name == "nt":
            check_windows(PureWindowsPath(resolved), PureWindowsPath(Path.home().resolve()))
        else:
            Trust(os.geteuid()).check(resolved)
    except FolderRefused:
        raise
    except (OSError, RuntimeError, ValueError) as error:  # also for an unknown home folder, or a loop of links
        raise FolderRefused(f"{path.name} cannot be read as a folder ({error})") from error
    return resolved


def check_windows(folder: PureWindowsPath, home: PureWindowsPath) -> None:
    """Check that `folder` lies on a local drive below `home`, which Windows closes to other accounts.

    Both paths are resolved: a drive letter of the network has become a UNC path.

    Raises:
        FolderRefused: The folder lies elsewhere.
    """
    if not re.fullmatch(r"[A-Za-z]:", folder.drive):
        raise FolderRefused(f"{folder.name} is on another computer; copy it into {home}")
    if folder == home or ".." in folder.parts or not folder.is_relative_to(home):
        raise FolderRefused(f"{folder.name} is where other accounts may write; copy it into {home}")


class Trust:
    """Checks of owners and permissions for one account; files of root count as its own."""

    def __init__(self, uid: int) -> None:
        """Create the checks for the account `uid`."""
        self._uid = uid

    def check(self, folder: Path) -> None:
        """Check a resolved folder, all folders above it, and everything in it; raise Refused."""
        *above, parent, place = [*reversed(folder.parents), folder] if folder.parents else [folder, folder]
        for one in above:
            self._check(one, may_be_shared=True)
        for one in (parent, place):
            self._check(one)
        self._check_entries(place)

    def _check_entries(self, folder: Path) -> None:
        for entry in sorted(folder.iterdir()):
            self._check(entry)
            if entry.is_dir():
                self._check_entries(entry)

    def _check(self, path: Path, *, may_be_shared: bool = False) -> None:
        found = path.lstat()
        name = path.name or str(path)
        if not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)):
            raise FolderRefused(f"{name} is a link or no file")
        if found.st_uid not in (self._uid, 0):
            raise FolderRefused(f"{name} belongs to another user of this computer")
        if may_be_shared and found.st_mode & stat.S_ISVTX:
            return  # as in /tmp: others can add entries, but cannot rename or remove ours
        if found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and not self._is_own_group(path, found)):
            raise FolderRefused(f"{name} can be changed by other users of this computer; run chmod -R go-w on it")

    def _is_own_group(self, path: Path, found: os.stat_result) -> bool:
        """Return whether only this user is in the file's group, as many systems set up, and no list adds others."""
        return found.st_gid == self._own_group and not _has_access_list(path)

    @cached_property
    def _own_group(self) -> int | None:
        import grp
        import pwd

        try:
            user = pwd.getpwuid(self._uid)
            others = set(grp.getgrgid(user.pw_gid).gr_mem) - {user.pw_name}
        except KeyError:
            return None
        others |= {one.pw_name for one in pwd.getpwall() if one.pw_gid == user.pw_gid and one.pw_uid != self._uid}
        return None if others else user.pw_gid


def _has_access_list(path: Path) -> bool:
    if not hasattr(os, "listxattr"):
        return False
    try:
        return ACCESS_LIST in os.listxattr(path, follow_symlinks=False)
    except OSError:  # a file system without such lists
        return False
