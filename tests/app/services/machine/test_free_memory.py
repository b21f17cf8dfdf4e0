"""A container's own limit counts where it is lower than what the computer has."""

from pathlib import Path

from app.services.machine.free_memory import free_memory_bytes


def test_what_is_left_of_a_containers_limit(tmp_path: Path) -> None:
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
