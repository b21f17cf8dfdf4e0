"""A log that cannot be written must not end a job."""

import os
import sys
from pathlib import Path

import pytest

from workers.runtime.log_stream import LogStream


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_log_without_room_raises_nothing() -> None:
    """Given a file that takes nothing, When lines and more than any buffer holds are written, Then nothing is raised."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        stream = LogStream(descriptor)
        assert stream.write("a line\n") == 7
        assert stream.write("x" * 100_000) == 100_000
        print("more", file=stream, flush=True)
        stream.flush()
    finally:
        os.close(descriptor)


def test_what_has_room_is_written_at_once(tmp_path: Path) -> None:
    """Given room, Then each line is in the file when it was written, whatever characters it holds."""
    path = tmp_path / "log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        stream = LogStream(descriptor)
        stream.write("größe \udcff\n")
        assert path.read_text(encoding="utf-8") == "größe \\udcff\n"
    finally:
        os.close(descriptor)
