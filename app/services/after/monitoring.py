"""What a bundle's log tells: `fettle monitor LOG` and the page Monitor."""

from pathlib import Path

from app.domain.project import Project
from app.persistence import NotFound, Repositories
from app.services.flow.steps import Done, Flow, JobStep
from app.services.projects.trash import shown_projects
from workers.contracts.after.monitor import MonitorParams, MonitorResult
from workers.contracts.paths import to_text

TITLE = "Read a log"


def monitor(log: Path) -> Flow[MonitorResult]:
    """Read it in a worker. Raises `JobError` (exit code 3) for what is no log."""
    done: Done[MonitorResult] = yield JobStep(
        kind="monitor", params=MonitorParams(log=to_text(log)), result=MonitorResult, title=TITLE, read_paths=(log,)
    )
    return done.result


def project_of(repositories: Repositories, run_id: str) -> Project | None:
    """The project whose run made the bundle, None where it is not here, or in the trash."""
    try:
        run = repositories.runs.get(run_id)
    except NotFound:
        return None
    return next((known for known in shown_projects(repositories) if known.id == run.project_id), None)
