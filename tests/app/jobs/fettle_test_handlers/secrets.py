"""Looks for a token in its own environment, also in the one that the kernel remembers."""

import os
from pathlib import Path

from fettle_test_handlers._shared import Params, Result

from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec


def run(params: Params, ctx: JobContext) -> Result:
    born_with = Path("/proc/self/environ").read_text() if Path("/proc/self/environ").exists() else ""
    return Result(values={"now": "HF_TOKEN" in os.environ, "born with": "HF_TOKEN" in born_with})


HANDLER = HandlerSpec(kind="secrets", params=Params, result=Result, run=run)
