"""What the computer is, read from texts as different machines give them."""

from workers.contracts.gpu import GpuCard
from workers.jobs.machine import device_facts, parse_cpuinfo

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


def test_facts_of_this_machine() -> None:
    facts = device_facts([GpuCard(index=0, name="H100", memory_bytes=80 << 30)])
    assert facts.processor
    assert facts.cores >= 1
    assert facts.gpus == ("H100",)
    assert facts.os
