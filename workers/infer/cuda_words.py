"""Translate CUDA errors into plain words and find the reason in a library's log.

Standard library only: this folder is copied into bundles. Source of the numbers: CUDA Driver API, cuda.h, CUresult.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

from .words import Words

MEANINGS = {
    2: Words("the GPU's memory is full"),
    3: Words("CUDA was not started"),
    36: Words("this driver cannot do what the installed CUDA needs"),
    46: Words("another program holds the GPU for itself alone"),
    100: Words("the driver found no NVIDIA GPU that it may use"),
    101: Words("there is no GPU of that number"),
    304: Words("the system refused something that the driver needs to start"),
    700: Words("a program on the GPU reached for memory that is not its own"),
    719: Words("a program on the GPU crashed"),
    802: Words("the GPU's fabric (NVSwitch) is not ready"),
    803: Words("the driver's parts are of different versions: the computer was not restarted after an update"),
    804: Words("this driver is too old for the installed CUDA"),
    35: Words("the driver is too old for the installed CUDA"),
    999: Words("the driver met an error that it has no name for"),
}
"""Explanation of each CUresult; other codes are reported by number only."""

_CODE = re.compile(r"CUDA (?:failure|error)[: ]+(\d{1,3})\b|cudaError_t: (\d{1,3})\b|error code:? (\d{1,3})\b", re.I)
_MISSING = re.compile(
    r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file|[\"']?([\w.+-]+\.dll)[\"']? which is missing"
)


def meaning(code: int) -> str:
    """Return one clause that explains the error, followed by its number."""
    return Words("{0} (CUDA error {1})", MEANINGS.get(code, Words("an unknown error")), code)


def reason_in(log: str) -> str:
    """Return the reason that a library's log gives for not using the GPU.

    Return the last line of the log where no reason is recognized, and "" for an empty log.
    """
    if missing := _MISSING.search(log):
        return Words("the library {0} was not found", missing[1] or missing[2])
    if code := _CODE.search(log):
        return meaning(int(next(group for group in code.groups() if group)))
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1][-300:] if lines else ""


@contextlib.contextmanager
def native_log() -> Iterator[list[str]]:
    """Capture everything that native code writes to stderr inside this context.

    Afterwards the yielded list holds the output as one text, and the output is written to stderr as well.
    """
    output: list[str] = []
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        before = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield output
        finally:
            os.dup2(before, 2)
            os.close(before)
            file.seek(0)
            text = file.read().decode("utf-8", "replace")
            output.append(text)
            sys.stderr.write(text)
            sys.stderr.flush()
