"""Calls to the network of a command and all that it starts, recorded by strace."""

import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path

STRACE = shutil.which("strace") if sys.platform == "linux" else None
SENDS = re.compile(r"(socket|connect|sendto|sendmsg|sendmmsg|bind)\(.*(AF_INET|sin_port|sin6_port|AF_NETLINK)")
"""Calls that reach for a network. What a worker's wall answers with EPERM counts as well: it should not even try."""


@functools.cache
def may_trace() -> bool:
    """Return whether strace is here and this account may trace programs."""
    return (
        STRACE is not None
        and subprocess.run([STRACE, "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0
    )


def tracer(log: Path) -> tuple[str, ...]:
    """Return the words before a command that record its calls in `log`; none if nothing may be traced."""
    if STRACE is None or not may_trace():
        return ()
    return (STRACE, "-f", "--seccomp-bpf", "-qq", "-e", "trace=%network", "-e", "signal=none", "-o", str(log))


def network_calls(log: Path) -> list[str]:
    """Return the recorded calls that reach for a network."""
    return [line for line in log.read_text(errors="replace").splitlines() if SENDS.search(line)]
