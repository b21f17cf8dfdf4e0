"""Run other programs without input and without a window of theirs, and read what they print as text.

The set-up uses this too, so it needs the standard library only.
"""

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_OPTIONS: dict[str, Any] = {
    "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT,
    "text": True, "encoding": "utf-8", "errors": "replace",
}  # fmt: skip
if sys.platform == "win32":
    _OPTIONS["creationflags"] = subprocess.CREATE_NO_WINDOW


def run(
    command: Sequence[str | Path], environment: Mapping[str, str], folder: Path | None = None, **more: Any
) -> "subprocess.CompletedProcess[str]":
    """Run a program in `folder` and return its exit code, and in `stdout` all that it printed; raises OSError."""
    return subprocess.run(command, env=environment, cwd=folder, check=False, **{**_OPTIONS, **more})


def start(
    command: Sequence[str | Path], environment: Mapping[str, str], folder: Path, **more: Any
) -> "subprocess.Popen[str]":
    """Start a program in `folder` for `lines_of`; raises OSError."""
    return subprocess.Popen(command, env=environment, cwd=folder, **_OPTIONS, **more)


def lines_of(process: "subprocess.Popen[str]", tick_s: float | None) -> Iterator[str]:
    """Yield the lines that a started program prints, and an empty text after each `tick_s` seconds of silence."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=tick_s)
        except queue.Empty:
            line = ""
        if line is None:
            return
        yield line
