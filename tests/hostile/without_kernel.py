"""Runs a command on a kernel that lacks features, for all that it starts.

python without_kernel.py landlock,seccomp COMMAND…    their system calls answer "not there"
python without_kernel.py landlock=2 COMMAND…          Landlock says that it is of this version

What a version does not know is not handled by rulesets that are made for it, so that the real kernel lets it pass as the
old one does. The number comes from this process, which answers that one call (seccomp_unotify(2)) while COMMAND runs.
"""

import array
import ctypes
import errno
import fcntl
import os
import platform
import select
import socket
import struct
import sys

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CALLS = {
    "landlock": {"x86_64": (444, 445, 446), "aarch64": (444, 445, 446)},
    "seccomp": {"x86_64": (317,), "aarch64": (277,)},
}
CREATE_RULESET, ASKS_VERSION, FLAGS = 444, 1, 32
PR_SET_NO_NEW_PRIVS, MODE_FILTER, NEW_LISTENER = 38, 1, 8
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO, NOTIFY = 0x7FFF0000, 0x00050000, 0x7FC00000
RECEIVE, SEND = 0xC0502100, 0xC0182101
NOTIFICATION_BYTES = 80


def hide(names: list[str]) -> int | None:
    """From now on these features are not there. Returns the listener that says a version, None where none is said."""
    machine = platform.machine()
    hidden = [number for name in names if "=" not in name for number in CALLS[name][machine]]
    program = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, ARCHITECTURES[machine]), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, 0)]
    for number in hidden:
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | errno.ENOSYS)]
    if listens := len(hidden) == 0:
        program += [
            (EQUAL, 0, 3, CREATE_RULESET),
            (LOAD, 0, 0, FLAGS),
            (EQUAL, 0, 1, ASKS_VERSION),
            (RETURN, 0, 0, NOTIFY),
        ]
    program.append((RETURN, 0, 0, ALLOW))
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    call = CALLS["seccomp"][machine][0]
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")
    found = libc.syscall(call, MODE_FILTER, NEW_LISTENER if listens else 0, header)
    if found < 0:
        raise OSError(ctypes.get_errno(), "the filter was refused")
    return found if listens else None


def run_on_version(version: int, command: list[str]) -> int:
    """Run a command to which Landlock is of this version. Returns its exit code."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        listener = hide([f"landlock={version}"])
        socket.send_fds(theirs, [b"x"], [listener])
        os.execvp(command[0], command)
    theirs.close()
    listener = socket.recv_fds(ours, 1, 1)[1][0]
    waiting = select.poll()
    waiting.register(listener, select.POLLIN)
    while not any(event & select.POLLHUP for _, event in waiting.poll()):
        answer(listener, version)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def answer(listener: int, version: int) -> None:
    """Report the version to the process that requests it."""
    notification = array.array("B", bytes(NOTIFICATION_BYTES))
    try:
        fcntl.ioctl(listener, RECEIVE, notification)
        (number,) = struct.unpack_from("Q", notification)
        fcntl.ioctl(listener, SEND, struct.pack("QqiI", number, version, 0, 0))
    except FileNotFoundError:
        pass  # it was killed meanwhile


if __name__ == "__main__":
    name, _, version = sys.argv[1].partition("=")
    if version:
        sys.exit(run_on_version(int(version), sys.argv[2:]))
    hide(sys.argv[1].split(","))
    os.execvp(sys.argv[2], sys.argv[2:])
