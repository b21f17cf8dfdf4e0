"""A small seccomp filter for Linux: no sockets, no new programs, no change of file modes; and no capabilities.

Source: Linux kernel, Documentation/userspace-api/seccomp_filter.rst; numbers from the kernel's system call tables
(x86_64 tried; aarch64 from the headers). A filter is inherited and can never be taken off.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass

from workers.runtime.walls.landlock import no_new_privileges

RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000
LOAD_WORD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
OFFSET_NUMBER, OFFSET_ARCH, OFFSET_FIRST_ARGUMENT = 0, 4, 16
X32_BIT = 0x40000000
CLONE_THREAD = 0x00010000
SET_MODE_FILTER, FLAG_ALL_THREADS = 1, 1

ALWAYS_DENIED = (
    "io_uring_setup",
    "ptrace",
    "process_vm_writev",
    "bpf",
    "userfaultfd",
    "keyctl",
    "add_key",
    "unshare",
    "mount",
)
NETWORK = ("socket",)
PROGRAMS = ("fork", "vfork", "execve", "execveat")
MODES = (
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
)
"""Answered with success and not done: Landlock does not cover them, and `torch.onnx.export` needs them to succeed."""


@dataclass(frozen=True)
class _Machine:
    audit_arch: int
    seccomp: int
    numbers: dict[str, int]


MACHINES = {
    "x86_64": _Machine(
        0xC000003E,
        317,
        {
            "socket": 41, "clone": 56, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "clone3": 435,
            "ptrace": 101, "io_uring_setup": 425, "process_vm_writev": 311, "bpf": 321, "userfaultfd": 323,
            "keyctl": 250, "add_key": 248, "unshare": 272, "mount": 165, "chmod": 90, "fchmod": 91, "chown": 92,
            "fchown": 93, "lchown": 94, "fchownat": 260, "fchmodat": 268, "fchmodat2": 452, "setxattr": 188,
            "lsetxattr": 189, "fsetxattr": 190,
        },
    ),
    "aarch64": _Machine(
        0xC00000B7,
        277,
        {
            "socket": 198, "clone": 220, "execve": 221, "execveat": 281, "clone3": 435, "ptrace": 117,
            "io_uring_setup": 425, "process_vm_writev": 271, "bpf": 280, "userfaultfd": 282, "keyctl": 219,
            "add_key": 217, "unshare": 97, "mount": 40, "fchmod": 52, "fchmodat": 53, "fchownat": 54, "fchown": 55,
            "fchmodat2": 452, "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7,
        },
    ),
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def _op(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _answer(number: int, error: int) -> bytes:
    """Two instructions: if the system call is `number`, answer with `error` (0: success without doing it)."""
    return _op(JUMP_EQUAL, 0, 1, number) + _op(RETURN, 0, 0, RET_ERRNO | error)


def build_filter(machine: _Machine, *, network: bool, start_programs: bool) -> bytes:
    """The filter as BPF instructions of 8 bytes each. Calls of a foreign architecture are denied."""
    numbers = machine.numbers
    denied = [*ALWAYS_DENIED, *(() if network else NETWORK), *(() if start_programs else PROGRAMS)]
    program = [
        _op(LOAD_WORD, 0, 0, OFFSET_ARCH),
        _op(JUMP_EQUAL, 1, 0, machine.audit_arch),
        _op(RETURN, 0, 0, RET_ERRNO | errno.EPERM),
        _op(LOAD_WORD, 0, 0, OFFSET_NUMBER),
    ]
    if machine is MACHINES["x86_64"]:
        program += [_op(JUMP_AT_LEAST, 0, 1, X32_BIT), _op(RETURN, 0, 0, RET_ERRNO | errno.EPERM)]
    program += [_answer(numbers[name], errno.EPERM) for name in denied if name in numbers]
    if not start_programs:
        program += [_answer(numbers[name], 0) for name in MODES if name in numbers]
        # clone3 hides its flags in memory: "not there" makes libc fall back to clone, whose flags can be read
        program.append(_answer(numbers["clone3"], errno.ENOSYS))
        program += [
            _op(JUMP_EQUAL, 0, 3, numbers["clone"]),
            _op(LOAD_WORD, 0, 0, OFFSET_FIRST_ARGUMENT),
            _op(JUMP_BITS, 1, 0, CLONE_THREAD),
            _op(RETURN, 0, 0, RET_ERRNO | errno.EPERM),
        ]
    program.append(_op(RETURN, 0, 0, RET_ALLOW))
    return b"".join(program)


def restrict(*, network: bool, start_programs: bool) -> bool:
    """Put the filter on all threads of this process. False where the machine has no such thing; OSError if refused."""
    machine = MACHINES.get(platform.machine()) if sys.platform == "linux" else None
    if machine is None or sys.byteorder != "little":
        return False
    no_new_privileges()
    code = build_filter(machine, network=network, start_programs=start_programs)
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
