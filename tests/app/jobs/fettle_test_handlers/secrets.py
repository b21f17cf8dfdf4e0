"""Lists its own environment variables, also those that the kernel remembers from the process's birth."""

import os
from pathlib import Path

from fettle_test_handlers._shared import Params, Result
from workers.contracts.process.context import JobContext


def run(params: Params, ctx: JobContext) -> Result:
    initial = Path("/proc/self/environ")
    born_with = initial.read_bytes().split(b"\0") if initial.exists() else []
    names = [entry.partition(b"=")[0].decode(errors="replace") for entry in born_with]
    return Result(values={"now": sorted(os.environ), "born with": sorted(filter(None, names))})
