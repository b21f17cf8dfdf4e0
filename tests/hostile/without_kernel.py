"""Runs a command on a kernel that lacks features: their system calls answer "not there", for all that it starts.

python without_kernel.py landlock,seccomp COMMAND…
"""

import ctypes
import errno
import os
import platform
import struct
import sys

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CALLS = {
    "landlock": {"x86_64": (444, 445, 446), "aarch64": (444, 445, 446)},
    "seccomp": {"x86_64": (317,), "aarch64": (277,)},
}
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, MODE_FILTER = 22, 38, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def hide(names: list[str]) -> None:
    """From now on these features are not there, for this process and all that it starts."""
    machine = platform.machine()
    program = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, ARCHITECTURES[machine]), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, 0)]
    for number in (number for name in names for number in CALLS[name][machine]):
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | errno.ENOSYS)]
    program.append((RETURN, 0, 0, ALLOW))
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, MODE_FILTER, header, 0, 0):
        raise OSError(ctypes.get_errno(), "the filter was refused")


if __name__ == "__main__":
    hide(sys.argv[1].split(","))
    os.execvp(sys.argv[2], sys.argv[2:])
