"""Read a bundle's log for `fettle monitor LOG` and the page Monitor."""

from pathlib import Path

from app.services.flow.steps import Flow, JobStep, StepResult
from workers.contracts.after.monitor import MonitorParams, MonitorResult
from workers.contracts.paths import to_text

TITLE = "Read a log"


def monitor(log: Path) -> Flow[MonitorResult]:
    """Read the log in a worker process; raise `JobError` (exit code 3) if it is not a log."""
    done: StepResult[MonitorResult] = yield JobStep(
        kind="monitor", params=MonitorParams(log=to_text(log)), result=MonitorResult, title=TITLE, read_paths=(log,)
    )
    return done.result
