"""Where a worker's output goes: its log, whose disk may be full."""

import contextlib
import io
import sys


class LogStream(io.TextIOWrapper):
    """Text for a file descriptor. What cannot be written is lost: a log without room must not end the job, nor keep it
    from telling why it ends."""

    def __init__(self, descriptor: int) -> None:
        raw = io.FileIO(descriptor, "wb", closefd=False)
        super().__init__(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True)

    def write(self, text: str) -> int:
        """As every text stream does."""
        with contextlib.suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """As every text stream does."""
        with contextlib.suppress(OSError):
            super().flush()


def write_to_log() -> None:
    """From now on Python's output goes to the descriptors 1 and 2 in this way."""
    sys.stdout, sys.stderr = LogStream(1), LogStream(2)
