"""Connect a job to its hub: cancelling ends waits, and notices go to the job's log."""

import time

from workers.contracts.hub import HubAccess
from workers.contracts.process.context import JobContext
from workers.hub.client import Hub

TICK_S = 0.05


def open_hub(access: HubAccess, ctx: JobContext) -> Hub:
    """Open the hub for work in the job's own thread.

    Raises:
        BackendMissing: offline mode is on.
    """

    def pause(seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            ctx.check_cancelled()
            time.sleep(min(TICK_S, left_s))

    return Hub(access, pause, lambda text: ctx.log(text, "warning"))
