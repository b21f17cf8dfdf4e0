"""Filter system calls with seccomp: no sockets, new programs, access to other processes or changes of file modes.

The filter also denies calls that Landlock of an older kernel does not cover: emptying files and signals to other
processes. It is inherited and can never be removed. Source: Linux kernel,
Documentation/userspace-api/seccomp_filter.rst (x86_64 tried; aarch64 from the headers).
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from workers.runtime.walls import landlock
from workers.runtime.walls.calls import MACHINES, Machine

RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000
LOAD_WORD, JUMP_EQUAL, JUMP_AT_LEAST, AND, RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
OFFSET_NUMBER, OFFSET_ARCH, OFFSET_ARGUMENTS, ARGUMENT_BYTES = 0, 4, 16, 8
ALL_BITS = 0xFFFFFFFF
X32_BIT = 0x40000000
SET_MODE_FILTER, FLAG_ALL_THREADS = 1, 1

CLONE_THREAD = 0x00010000
CLONE_NAMESPACES = 0x7E020000
AF_INET, AF_INET6, AF_NETLINK = 2, 10, 16
SOCK_STREAM, SOCK_SEQPACKET, SOCK_TYPE_MASK = 1, 5, 0xF
F_SETOWN, F_SETOWN_EX = 8, 15
FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX = 0x8901, 0x8902, 0x5412, 0x541C
O_ACCMODE, O_TRUNC = 0o3, 0o1000
QUERY_PERSONALITY = 0xFFFFFFFF

ALWAYS_DENIED = (
    "io_uring_setup", "io_uring_enter", "io_uring_register",
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd", "kcmp",
    "perf_event_open", "bpf", "userfaultfd", "memfd_secret", "keyctl", "add_key", "request_key",
    "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree", "open_tree_attr", "move_mount",
    "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "name_to_handle_at", "open_by_handle_at",
    "fanotify_init", "quotactl", "quotactl_fd", "shmget", "shmat", "semget", "msgget", "mq_open",
    "acct", "swapon", "swapoff", "reboot", "sethostname", "setdomainname", "init_module", "finit_module",
    "delete_module", "kexec_load", "kexec_file_load", "iopl", "ioperm", "modify_ldt", "uselib", "syslog", "vhangup",
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
)  # fmt: skip
"""Access to other processes and their memory, indirect access to files, administration, and seldom used kernel code."""

PROGRAMS = ("fork", "vfork", "execve", "execveat")
ATTRIBUTES = (
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "setxattr", "lsetxattr",
    "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat", "file_setattr",
    "utime", "utimes", "futimesat", "utimensat",
)  # fmt: skip
"""Calls that return success without an effect: Landlock does not cover them, and `torch.onnx.export` needs success.

Compilers and virtual environments set modes, too; no file that they create for a job has to be executable.
"""

SIGNALS = ("tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")


@dataclass(frozen=True)
class Rule:
    """Rule for one system call: return `error` instead of running it (0: success without an effect).

    With an `argument` index, the rule compares the lower 32 bits of that argument. It then applies only where the bits
    `mask` of the argument are in `denied`, or are not in `allowed`.
    """

    call: str
    error: int = errno.EPERM
    argument: int | None = None
    mask: int = ALL_BITS
    denied: tuple[int, ...] = ()
    allowed: tuple[int, ...] = ()

    def code(self, number: int) -> bytes:
        """Return the BPF instructions for the system call `number`, which keep the accumulator unchanged for others."""
        answer = _op(RETURN, 0, 0, RET_ERRNO | self.error)
        body = answer if self.argument is None else self._looked_at(self.argument, answer)
        return _op(JUMP_EQUAL, 0, len(body) // 8, number) + body

    def _looked_at(self, argument: int, answer: bytes) -> bytes:
        body = _op(LOAD_WORD, 0, 0, OFFSET_ARGUMENTS + ARGUMENT_BYTES * argument)
        if self.mask != ALL_BITS:
            body += _op(AND, 0, 0, self.mask)
        values, allow = self.denied or self.allowed, _op(RETURN, 0, 0, RET_ALLOW)
        for left, value in zip(reversed(range(len(values))), values, strict=True):
            body += _op(JUMP_EQUAL, left + 1, 0, value)
        return body + (allow + answer if self.denied else answer + allow)


@dataclass(frozen=True)
class Rights:
    """Rights that a worker's filter leaves.

    Attributes:
        landlock_abi: The kernel's version of Landlock.
        pid: The worker's process id.
        leads_group: The worker's process group holds only the worker and the processes it starts.
    """

    network: bool
    start_programs: bool
    landlock_abi: int
    pid: int
    leads_group: bool = True

    @property
    def filters_signals(self) -> bool:
        """Return whether the filter denies signals to other processes.

        It cannot do so for a worker that starts programs, whose process ids the filter does not know.
        """
        return self.landlock_abi < landlock.SIGNALS_ABI and not self.start_programs


def _op(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _rules(rights: Rights) -> Iterator[Rule]:
    """Yield at most one rule for each system call."""
    yield from (Rule(call) for call in ALWAYS_DENIED)
    yield from (Rule(call, error=0) for call in ATTRIBUTES)
    itself = (0, rights.pid)
    yield from (Rule(call, argument=0, allowed=itself) for call in ("prlimit64", "move_pages", "migrate_pages"))
    yield Rule("fcntl", argument=1, denied=(F_SETOWN, F_SETOWN_EX))  # signals to other processes through a file
    yield Rule("ioctl", argument=1, denied=(FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX))
    yield Rule("personality", argument=0, allowed=(0, QUERY_PERSONALITY))
    # a pair of datagram sockets can send to any socket with a path, also outside the sandbox
    yield Rule("socketpair", argument=1, mask=SOCK_TYPE_MASK, allowed=(SOCK_STREAM, SOCK_SEQPACKET))
    if rights.network:
        yield Rule("socket", argument=0, allowed=(AF_INET, AF_INET6, AF_NETLINK))
    else:
        yield Rule("socket")
    # clone3 hides its flags in memory: "not there" makes libc fall back to clone, whose flags can be read
    yield Rule("clone3", error=errno.ENOSYS)
    if rights.start_programs:
        yield Rule("clone", argument=0, mask=CLONE_NAMESPACES, allowed=(0,))
    else:
        yield Rule("clone", argument=0, mask=CLONE_THREAD, allowed=(CLONE_THREAD,))
        yield from (Rule(call) for call in PROGRAMS)
    if rights.landlock_abi < landlock.TRUNCATE_ABI:
        yield from _rules_against_emptying()
    if rights.filters_signals:
        yield Rule("kill", argument=0, allowed=itself if rights.leads_group else (rights.pid,))
        yield from (Rule(call, argument=0, allowed=(rights.pid,)) for call in SIGNALS)
        yield Rule("pidfd_send_signal")


def _rules_against_emptying() -> Iterator[Rule]:
    """Yield rules for calls that empty a file and that Landlock before version 3 allows without a write right.

    `ftruncate` needs a file opened for writing. Landlock checks an `open` with O_TRUNC by its access mode alone: with
    mode read, or with mode 3 (open(2): neither reads nor writes), the file is emptied all the same. The flags of
    `openat2` lie in memory.
    """
    yield Rule("truncate")
    for call, argument in (("open", 1), ("openat", 2)):
        yield Rule(call, argument=argument, mask=O_TRUNC | O_ACCMODE, denied=(O_TRUNC, O_TRUNC | O_ACCMODE))
    yield Rule("openat2", error=errno.ENOSYS)


def build_filter(machine: Machine, rights: Rights) -> bytes:
    """Return the filter as BPF instructions of 8 bytes each; calls of a foreign architecture are denied."""
    denied = _op(RETURN, 0, 0, RET_ERRNO | errno.EPERM)
    program = [
        _op(LOAD_WORD, 0, 0, OFFSET_ARCH),
        _op(JUMP_EQUAL, 1, 0, machine.audit_arch),
        denied,
        _op(LOAD_WORD, 0, 0, OFFSET_NUMBER),
    ]
    if machine is MACHINES["x86_64"]:
        program += [_op(JUMP_AT_LEAST, 0, 1, X32_BIT), denied]
    numbers = machine.numbers
    program += [rule.code(numbers[rule.call]) for rule in _rules(rights) if rule.call in numbers]
    program.append(_op(RETURN, 0, 0, RET_ALLOW))
    return b"".join(program)


def restrict(rights: Rights) -> bool:
    """Apply the filter to all threads of this process.

    Returns:
        Whether this architecture and system support the filter.

    Raises:
        OSError: The kernel refuses the filter.
    """
    machine = MACHINES.get(platform.machine()) if sys.platform == "linux" else None
    if machine is None or sys.byteorder != "little":
        return False
    landlock.no_new_privileges()
    code = build_filter(machine, rights)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = libc.syscall(
        ctypes.c_long(machine.seccomp),
        ctypes.c_uint(SET_MODE_FILTER),
        ctypes.c_uint(FLAG_ALL_THREADS),
        ctypes.byref(program),
    )
    if result != 0:
        code_ = ctypes.get_errno()
        raise OSError(code_, os.strerror(code_) if code_ else f"thread {result} cannot be filtered")
    return True


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
