"""Fill the disk of the job's folder, then end as `values["how"]` names."""

import os

from fettle_test_handlers._shared import Params, Result
from workers.contracts.process.context import JobContext


def run(params: Params, ctx: JobContext) -> Result:
    try:
        with (ctx.work_dir / "filler.bin").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 12))
    except OSError as error:
        ctx.log("a line for which there is no room" * 1000)
        how = params.values["how"]
        if how == "abort":
            os.abort()
        if how == "library":
            raise RuntimeError("basic_ios::clear: iostream error") from None
        raise error
    return Result()
