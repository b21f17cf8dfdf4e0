"""What the computer is, read from texts as different machines give them."""

from pathlib import Path

import pytest

from workers.contracts.gpu import GpuCard
from workers.runtime import machine
from workers.runtime.machine import device_facts, parse_cpuinfo, usable_cores, usable_memory_bytes

XEON = """processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8488C
flags\t\t: fpu avx2 avx512f avx512_bf16 avx512_vnni amx_bf16 amx_tile amx_int8

processor\t: 1
model name\t: other
flags\t\t: fpu
"""
GRAVITON = "processor\t: 0\nFeatures\t: fp asimd bf16 i8mm\n"


def test_features_by_name() -> None:
    name, features = parse_cpuinfo(XEON)
    assert name == "Intel(R) Xeon(R) Platinum 8488C"
    assert features == ("avx2", "avx512", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "amx_tile")
    assert parse_cpuinfo(GRAVITON) == ("", ("neon", "neon_bf16", "neon_i8mm"))
    assert parse_cpuinfo("") == ("", ())


def limit(tmp_path: Path, text: str) -> str:
    path = tmp_path / "limit"
    path.write_text(text)
    return str(path)


def test_a_containers_limits_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a quota of one and a half cores and 1 GiB, Then two cores at most and 1 GiB may be used."""
    monkeypatch.setattr(machine, "CGROUP_CPU", ((limit(tmp_path, "150000 100000"), None),))
    assert usable_cores() in (1, 2)
    monkeypatch.setattr(machine, "CGROUP_CPU", ((limit(tmp_path, "50000 100000"), None),))
    assert usable_cores() == 1
    monkeypatch.setattr(machine, "CGROUP_MEMORY", (limit(tmp_path, f"{1 << 30}"),))
    assert usable_memory_bytes() == 1 << 30


@pytest.mark.parametrize("text", ["max 100000", "-1", "garbage", ""])
def test_no_limit_is_no_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(machine, "CGROUP_CPU", ((limit(tmp_path, text), None),))
    monkeypatch.setattr(machine, "CGROUP_MEMORY", (limit(tmp_path, text), str(tmp_path / "nothing")))
    assert usable_cores() >= 1
    assert usable_memory_bytes() > 1 << 28


def test_facts_of_this_machine() -> None:
    facts = device_facts([GpuCard(index=0, name="H100", memory_bytes=80 << 30)])
    assert facts.processor
    assert facts.cores >= 1
    assert facts.gpus == ("H100",)
    assert facts.os
