"""Facts about this computer, from /proc/cpuinfo as different machines write it."""

from pathlib import Path

import pytest

from workers.contracts.gpu import GpuCard
from workers.infer import processor
from workers.jobs.machine import device_facts

XEON = """processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8488C
flags\t\t: fpu sse2 avx2 avx512f avx512_bf16 avx512_vnni amx_bf16 amx_tile amx_int8

processor\t: 1
model name\t: other
flags\t\t: fpu
"""
GRAVITON = "processor\t: 0\nFeatures\t: fp asimd bf16 i8mm\n"
OLD = "processor\t: 0\nmodel name\t: Intel(R) Core(TM) i7-3770\nflags\t\t: fpu sse2 avx\n"
XEON_FEATURES = ("avx2", "avx512", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "amx_tile")


@pytest.mark.parametrize(
    ("text", "name", "features", "lacks_avx2"),
    [
        (XEON, "Intel(R) Xeon(R) Platinum 8488C", XEON_FEATURES, False),
        (OLD, "Intel(R) Core(TM) i7-3770", (), True),
        (GRAVITON, None, ("neon", "neon_bf16", "neon_i8mm"), False),
        ("", None, (), False),
    ],
)
def test_device_facts_are_those_of_the_first_processor(
    text: str,
    name: str | None,
    features: tuple[str, ...],
    lacks_avx2: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given the text of /proc/cpuinfo, Then the facts hold the first processor's name and its known features."""
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
    processor.CPUINFO.write_text(text)
    facts = device_facts([GpuCard(index=0, name="H100", memory_bytes=80 << 30)])
    assert facts.processor == name or (name is None and facts.processor)
    assert facts.features == features and facts.lacks_avx2 is lacks_avx2
    assert facts.cores >= 1 and facts.gpus == ("H100",) and facts.os
