"""Return the parameters and facts about the process."""

import os
import sys
from pathlib import Path

from fettle_test_handlers._shared import Params, Result
from workers.contracts.process.context import JobContext


def run(params: Params, ctx: JobContext) -> Result:
    (ctx.work_dir / "out.txt").write_text("made")
    ctx.progress("echo", 1, 1)
    return Result(
        values={
            **params.values,
            "pid": os.getpid(),
            "parent": os.getppid(),
            "open files": len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0,
            "cores": sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else [],
            "trial": os.environ.get("FETTLE_TRIAL"),
            "niceness": os.nice(0),
            "modules": sorted(sys.modules),
            "home": os.environ["HOME"],
            "seed": ctx.seed,
            "omp": os.environ["OMP_NUM_THREADS"],
        }
    )
