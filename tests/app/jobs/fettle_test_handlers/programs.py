"""Starts another program that outlives everything unless somebody ends it."""

import os
import subprocess
import sys
import time

from fettle_test_handlers._shared import Params, Result
from workers.contracts.process.context import JobContext


def run(params: Params, ctx: JobContext) -> Result:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    ctx.log(f"child {child.pid}")
    if params.values.get("wait", True):
        time.sleep(60)
    return Result(values={"child": child.pid, "mine": os.getpid()})
