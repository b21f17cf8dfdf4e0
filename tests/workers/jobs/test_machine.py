"""Facts about this computer, from /proc/cpuinfo as different machines write it."""

from pathlib import Path

import pytest

from workers.contracts.gpu import GpuCard
from workers.infer import processor
from workers.jobs.machine import device_facts

XEON = """processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8488C
flags\t\t: fpu avx2 avx512f avx512_bf16 avx512_vnni amx_bf16 amx_tile amx_int8

processor\t: 1
model name\t: other
flags\t\t: fpu
"""
GRAVITON = "processor\t: 0\nFeatures\t: fp asimd bf16 i8mm\n"
XEON_FEATURES = ("avx2", "avx512", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "amx_tile")


@pytest.mark.parametrize(
    ("text", "name", "features"),
    [
        (XEON, "Intel(R) Xeon(R) Platinum 8488C", XEON_FEATURES),
        (GRAVITON, None, ("neon", "neon_bf16", "neon_i8mm")),
        ("", None, ()),
    ],
)
def test_device_facts_are_those_of_the_first_processor(
    text: str, name: str | None, features: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given the text of /proc/cpuinfo, Then the facts hold the first processor's name and its known features."""
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
    processor.CPUINFO.write_text(text)
    facts = device_facts([GpuCard(index=0, name="H100", memory_bytes=80 << 30)])
    assert facts.processor == name or (name is None and facts.processor)
    assert facts.features == features
    assert facts.cores >= 1 and facts.gpus == ("H100",) and facts.os
