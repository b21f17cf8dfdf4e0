"""Use a container's limit where it is lower than the computer's."""

import os
from pathlib import Path

import pytest

from workers.contracts.process.allowance import free_memory_bytes, usable_cores, usable_memory_bytes


def test_free_memory_is_the_rest_of_a_containers_limit(tmp_path: Path) -> None:
    # Given no control group, Then it is the system's figure
    free = free_memory_bytes(tmp_path)
    assert free > 0
    # Given one without a limit, or with one
    (tmp_path / "memory.current").write_text("400\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory_bytes(tmp_path) > 1000
    (tmp_path / "memory.max").write_text("1000\n")
    assert free_memory_bytes(tmp_path) == 600
    # And files that were read need not stay
    (tmp_path / "memory.stat").write_text("anon 100\ninactive_file 250\nactive_file 50\n")
    assert free_memory_bytes(tmp_path) == 850
    (tmp_path / "memory.stat").unlink()
    # And one that is used up leaves nothing
    (tmp_path / "memory.max").write_text("300\n")
    assert free_memory_bytes(tmp_path) == 0


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, None), ({"cpu.max": "max 100000"}, None), ({"cpu.max": "garbage"}, None), ({"cpu.max": ""}, None),
        ({"cpu.max": "150000 100000"}, 1), ({"cpu.max": "20000 100000"}, 1), ({"cpu.max": "99900000 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
    ],
)  # fmt: skip
def test_usable_cores_of_a_container_are_rounded_down(tmp_path: Path, files: dict[str, str], cores: int | None) -> None:
    """Given a container's quota, Then whole cores count, at least one and at most those of the computer (None)."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert usable_cores(tmp_path) == (cores or here)


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_usable_memory_is_the_smaller_of_computer_and_container(tmp_path: Path, name: str) -> None:
    """Given a limit of 1 GiB, a larger one than the computer has, or an unreadable one, Then the smallest counts."""
    whole = usable_memory_bytes(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    for text, usable in ((f"{1 << 30}", 1 << 30), (f"{1 << 62}", whole), ("max", whole), ("-1", whole), ("", whole)):
        (tmp_path / name).write_text(text)
        assert usable_memory_bytes(tmp_path) == usable
