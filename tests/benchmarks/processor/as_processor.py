"""Run a command as on a processor without some instruction sets (Linux on x86, as root, with a C compiler).

    python -m tests.benchmarks.processor.as_processor avx2 COMMAND…

`avx2` hides AVX-512, VNNI and AMX, `avx512` hides AMX alone. Engines ask the instruction CPUID, which is answered without
them (`masked_cpuid.c`); Fettle reads /proc/cpuinfo, in whose place the command sees a copy without their flags.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("masked_cpuid.c")
CPUINFO = Path("/proc/cpuinfo")

AMX_BITS = ("7.0.d=03400000", "7.1.d=00000100", "7.1.a=00200000", "1d.0.a=ffffffff", "1e.0.b=ffffffff")
"""AMX-BF16, -TILE, -INT8; AMX-COMPLEX; AMX-FP16; the sizes of its tiles."""
WIDE_BITS = (
    "7.0.b=dc230000",
    "7.0.c=00005842",
    "7.0.d=0080010c",
    "7.1.a=00800030",
    "7.1.d=00080430",
    "24.0.b=ffffffff",
)
"""All of AVX-512 with VNNI, BF16 and FP16; AVX-VNNI and AVX-IFMA; their 8- and 16-bit forms; AVX10."""
HIDDEN = {"avx2": (("avx512", "amx", "avx_vnni", "avx_ifma"), WIDE_BITS + AMX_BITS), "avx512": (("amx",), AMX_BITS)}
"""The starts of the flags in /proc/cpuinfo and the bits of CPUID that each level hides."""


def without(cpuinfo: str, starts: tuple[str, ...]) -> str:
    """Return the text of /proc/cpuinfo without the flags that begin with one of `starts`."""
    lines = cpuinfo.splitlines()
    for number, line in enumerate(lines):
        key, colon, value = line.partition(":")
        if key.strip() == "flags":
            kept = [flag for flag in value.split() if not flag.startswith(starts)]
            lines[number] = f"{key}{colon} {' '.join(kept)}"
    return "\n".join(lines) + "\n"


def main(level: str, command: list[str]) -> int:
    """Run the command at this level and return its exit code."""
    starts, bits = HIDDEN[level]
    with tempfile.TemporaryDirectory() as folder:
        library, cpuinfo = Path(folder, "masked_cpuid.so"), Path(folder, "cpuinfo")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", str(SOURCE), "-o", str(library), "-ldl"], check=True)
        cpuinfo.write_text(without(CPUINFO.read_text(), starts))
        environ = {**os.environ, "FETTLE_HIDDEN_CPUID": ",".join(bits), "LD_PRELOAD": str(library)}
        script = f'mount --bind "$0" {CPUINFO} && exec "$@"'
        unshared = ["unshare", "--mount", "sh", "-c", script, str(cpuinfo), *command]
        return subprocess.run(unshared, check=False, env=environ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
