"""Drop root's capabilities on Linux (capabilities(7)), which a worker never needs."""

import ctypes
import os

VERSION_3 = 0x20080522
PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 24, 47, 4
LAST_POSSIBLE = 64


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Sets(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


def drop_all() -> None:
    """Drop every capability of this thread and of all processes it starts; raise OSError on failure."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(LAST_POSSIBLE):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = _Header(VERSION_3, 0)
    if libc.capset(ctypes.byref(header), ctypes.byref((_Sets * 2)())) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
