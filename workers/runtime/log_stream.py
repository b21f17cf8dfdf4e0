"""Write a worker's output to its log, even when the disk is full."""

import contextlib
import io
import sys


class LogStream(io.TextIOWrapper):
    """Text stream for a file descriptor that drops text it cannot write.

    A full disk must not end the job or keep it from reporting its failure.
    """

    def __init__(self, descriptor: int) -> None:
        """Create a stream for `descriptor`, which stays open when the stream is closed."""
        raw = io.FileIO(descriptor, "wb", closefd=False)
        super().__init__(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True)

    def write(self, text: str) -> int:
        """Write text if possible; return its length."""
        with contextlib.suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the buffer if possible."""
        with contextlib.suppress(OSError):
            super().flush()


def write_to_log() -> None:
    """Send Python's output to the descriptors 1 and 2 through `LogStream`."""
    sys.stdout, sys.stderr = LogStream(1), LogStream(2)
