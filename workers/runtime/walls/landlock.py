"""Restrict file access, TCP and signals of a process with Linux's Landlock system calls.

Source: Linux kernel, Documentation/userspace-api/landlock.rst (ABI 1 to 8). Before ABI 8 a restriction holds for the
calling thread and all that it starts afterwards. A restriction can be narrowed later and never widened.
"""

import ctypes
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1
PR_SET_NO_NEW_PRIVS = 38
TRUNCATE_ABI, TCP_ABI, SIGNALS_ABI, ALL_THREADS_ABI = 3, 4, 6, 8
"""First versions that cover emptying files, TCP, signals to processes outside, and all threads at once."""

RESTRICT_ALL_THREADS = 1 << 3
OWN_THREADS = Path("/proc/self/task")

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_DIR, MAKE_REG, MAKE_SYM = 1 << 7, 1 << 8, 1 << 12
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
FIRST_ABI_RIGHTS = (1 << 13) - 1
NET_TCP = 0b11
SCOPE_SOCKETS_AND_SIGNALS = 0b11

READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE
DEVICE = READ_FILE | WRITE_FILE | READ_DIR | IOCTL_DEV


class _RulesetAttr(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


@dataclass(frozen=True)
class Grant:
    """One file or folder and the rights that hold below it; a path that does not exist is skipped."""

    path: Path
    rights: int


def _syscall(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = int(libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def abi() -> int:
    """Return the kernel's Landlock version; 0 if Landlock is absent or switched off."""
    if sys.platform != "linux":
        return 0
    try:
        return _syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(CREATE_RULESET_VERSION))
    except OSError:
        return 0


def no_new_privileges() -> None:
    """Forbid this process new privileges, which also makes setuid programs harmless; raise OSError on failure.

    Landlock and seccomp need this in a process without privileges.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")


def _handled_rights(version: int) -> int:
    rights = FIRST_ABI_RIGHTS
    for since, right in ((2, REFER), (TRUNCATE_ABI, TRUNCATE), (5, IOCTL_DEV)):
        if version >= since:
            rights |= right
    return rights


def _ruleset(version: int, *, deny_tcp: bool) -> int:
    attributes = _RulesetAttr(
        _handled_rights(version),
        NET_TCP if version >= TCP_ABI and deny_tcp else 0,
        SCOPE_SOCKETS_AND_SIGNALS if version >= SIGNALS_ABI else 0,
    )
    size = 8 if version < TCP_ABI else 16 if version < SIGNALS_ABI else 24
    return _syscall(CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0))


def _existing(grants: Iterable[Grant]) -> Iterator[tuple[int, int]]:
    """Yield (file descriptor, rights) of each path that exists; the descriptor is closed afterwards."""
    for grant in grants:
        try:
            descriptor = os.open(grant.path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            is_folder = os.path.isdir(f"/proc/self/fd/{descriptor}")  # noqa: PTH112 - a descriptor, no path
            yield descriptor, grant.rights if is_folder else grant.rights & ON_FILES
        finally:
            os.close(descriptor)


def leaves_threads_out(version: int) -> bool:
    """Return whether this process has other threads that `restrict` does not reach on a kernel of this version."""
    if version >= ALL_THREADS_ABI:
        return False
    try:
        return len(list(OWN_THREADS.iterdir())) > 1
    except OSError:
        return True


def restrict(grants: Iterable[Grant], *, deny_tcp: bool = True) -> int:
    """Restrict this thread (from `ALL_THREADS_ABI` on: all threads) to `grants`.

    Returns:
        The kernel's Landlock version; 0 if it has none.

    Raises:
        OSError: The kernel has Landlock and refuses.
    """
    version = abi()
    if version == 0:
        return 0
    handled = _handled_rights(version)
    ruleset = _ruleset(version, deny_tcp=deny_tcp)
    try:
        for descriptor, rights in _existing(grants):
            rule = _PathBeneath(rights & handled, descriptor)
            _syscall(
                ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(RULE_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0)
            )
        no_new_privileges()
        flags = RESTRICT_ALL_THREADS if version >= ALL_THREADS_ABI else 0
        _syscall(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(flags))
    finally:
        os.close(ruleset)
    return version
