"""What this processor can do with 8 bits, read from /proc/cpuinfo."""

from pathlib import Path

FAST_INT8 = {"avx512_vnni", "avx_vnni", "amx_int8", "i8mm", "asimddp"}
CPUINFO = Path("/proc/cpuinfo")

NO_VNNI = (
    "This processor has no fast 8-bit sums (VNNI): they may overflow and bring little speed. Weights of 7 bits "
    "(reduce_range) keep them from overflowing."
)


def flags(path: Path = CPUINFO) -> frozenset[str]:
    """Flags of the first processor; empty where the system does not tell them."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def lacks_fast_int8(path: Path = CPUINFO) -> bool:
    """Whether it is known that products of 8-bit numbers are summed in 16 bits here, which can overflow."""
    known = flags(path)
    return bool(known) and not FAST_INT8 & known
