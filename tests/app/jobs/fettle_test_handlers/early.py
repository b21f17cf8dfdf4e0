"""Read a file in a thread that is older than the job, and return the missing protections."""

import sys
from pathlib import Path

from fettle_test_handlers._shared import Params, Result
from workers.contracts.process.context import JobContext


def run(params: Params, ctx: JobContext) -> Result:
    library = sys.modules.get("fettle_test_handlers._early_thread")
    found = library.read(Path(params.values["outside"])) if library is not None else ""
    return Result(values={"read": found, "missing": [one.name for one in ctx.missing_protections]})
