"""Make the accesses of CUDA's start, as observed of drivers and libraries, and return the outcome of each."""

import ctypes
import importlib.util
import os
import threading
from collections.abc import Callable
from pathlib import Path

from fettle_test_handlers._shared import Params, Result, attempt, in_thread
from workers.contracts.process.context import JobContext

READ = ("/proc/devices", "/proc/modules", "/proc/filesystems", "/proc/self/maps", "/proc/self/status", "/proc/meminfo")
VARIABLES = ("CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES", "CUDA_CACHE_PATH", "FETTLE_ENGINE_CACHE", "FETTLE_DEVICE")


def _name_thread(how: str) -> None:
    """As libcuda does: the name of a thread is written over, or opened for both and written."""
    path = f"/proc/self/task/{threading.get_native_id()}/comm"
    if how == "w":
        Path(path).write_text("cuda-EvtHandlr")
        return
    descriptor = os.open(path, os.O_RDWR)
    os.write(descriptor, b"cuda-x")
    os.close(descriptor)


def run(params: Params, ctx: JobContext) -> Result:
    there = [place for place in READ if Path(place).exists()]  # a kernel without modules has no list of them
    actions: dict[str, Callable[[], object]] = {f"read {place}": Path(place).read_bytes for place in there}
    actions["name this thread"] = lambda: _name_thread("w")
    actions["name this thread, opened for both"] = lambda: _name_thread("rw")
    actions["an anonymous file"] = lambda: os.close(os.memfd_create("cuda"))
    actions["map memory of its own"] = lambda: ctypes.CDLL(None).mmap
    for name in ("CUDA_CACHE_PATH", "FETTLE_ENGINE_CACHE"):
        folder = os.environ.get(name)
        if folder:
            actions[f"write {name}"] = lambda folder=folder: (Path(folder) / "kernel").write_bytes(b"x")
    report = {name: attempt(action) for name, action in actions.items()}
    report["name a later thread"] = in_thread(lambda: _name_thread("w"))
    report["name a later thread, opened for both"] = in_thread(lambda: _name_thread("rw"))
    found = {f"${name}": os.environ.get(name, "") for name in VARIABLES}
    origin = str(getattr(importlib.util.find_spec("onnxruntime"), "origin", ""))
    return Result(values={**report, **found, "$onnxruntime": origin, "$PYTHONPATH": os.environ.get("PYTHONPATH", "")})
