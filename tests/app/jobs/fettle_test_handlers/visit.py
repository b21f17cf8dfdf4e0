"""A job with everything that crosses to another computer: inputs, messages both ways, files of several sizes, a link."""

import hashlib
import os
import time
from pathlib import Path

from fettle_test_handlers._shared import Params, Result
from workers.contracts.process.context import JobContext


def run(params: Params, ctx: JobContext) -> Result:
    files = sorted(
        path for path in Path(params.values["inputs"]).rglob("*") if path.name != "outside" and path.is_file()
    )
    ctx.loaded()
    for request in ctx.requests():
        ctx.sample("latency_ms", [time.monotonic()], [float(request.index)])
        ctx.answered(request.index, Result(values={"double": 2 * request.index}))
    (ctx.work_dir / "deep" / "er").mkdir(parents=True)
    (ctx.work_dir / "deep" / "er" / "größe.bin").write_bytes(b"r" * 300_000)
    (ctx.work_dir / "deep" / "empty.txt").touch()
    (ctx.work_dir / "link").symlink_to("/etc/hostname")
    for place in params.values.get("kept", []):
        (Path(place) / "part.txt").open("a").write("+")
    print("said by the worker", flush=True)  # noqa: T201
    digests = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return Result(
        values={"digests": digests, "work": str(ctx.work_dir), "pid": os.getpid(), "text": f"in {ctx.work_dir}."}
    )
