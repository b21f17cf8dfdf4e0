"""What was read through a map of a file is given back while it is still needed, and is there when it is read again."""

import mmap
import sys
import time
from pathlib import Path

import pytest

from workers.quantize.weights.mapped_weights import EVERY_S, given_back, maps_of

SIZE = 32 << 20
ONLY_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports which pages are in memory")


def held_bytes(start: int) -> int:
    """Of the map that begins there, what lies in memory."""
    lines = iter(Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines())
    next(line for line in lines if line.startswith(f"{start:08x}-"))
    return 1024 * int(next(line for line in lines if line.startswith("Rss:")).split()[1])


@ONLY_LINUX
def test_given_back_frees_pages_that_can_be_read_again(tmp_path: Path) -> None:
    # Given a file that is mapped and was read
    path = tmp_path / "weights.bin"
    content = b"weights!" * (SIZE // 8)
    path.write_bytes(content)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE) as mapped:
        assert mapped[:] == content
        [(start, size)] = maps_of(path)
        assert size == SIZE and held_bytes(start) == SIZE
        # When the block runs, Then it is given back
        with given_back(maps_of(path)):
            end_s = time.monotonic() + 100 * EVERY_S
            while held_bytes(start) and time.monotonic() < end_s:
                time.sleep(EVERY_S)
            assert held_bytes(start) == 0
            # And the file can be read again
            assert mapped[:] == content


@ONLY_LINUX
def test_maps_that_can_be_written_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(bytes(1 << 16))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE) as mapped:
        mapped[:4] = b"mine"
        assert maps_of(path) == set()
        with given_back(maps_of(path)):
            time.sleep(2 * EVERY_S)
        assert mapped[:4] == b"mine"
