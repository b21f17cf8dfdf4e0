"""Test of the rows of the page Jobs with a real database."""

from datetime import timedelta

from records import NOW, add_run, make_project, run, shown_page, variant

from app.controllers.app_controller import AppController
from app.domain.job import ExportRecord
from app.domain.outcome import SearchEnd
from app.domain.run import RunState
from app.services.flow.workspace import Workspace
from app.services.records.run_records import write_end
from widgets.main_window import MainWindow


def test_jobs_tell_runs_and_exports_apart(app_controller: AppController, window: MainWindow, space: Workspace) -> None:
    """Given two runs of one goal, one without a verdict, and an export, then each has its own title, and the run
    without a verdict is open."""
    make_project(space)
    add_run(space, run(1, recommended_variant_id="r1-v1"), variant(0), variant(1, speedup=2.0))
    later = run(2, RunState.KEPT_ORIGINAL, created_at=NOW + timedelta(seconds=5), headline="Not settled")
    add_run(space, later, variant(0))
    write_end(space.repositories, "r2", SearchEnd(untried=2, limit_s=9.0))
    space.repositories.exports.add(
        ExportRecord("e1", "r1", "r1-v1", "python", "/out/b.zip", "0" * 64, 9, NOW + timedelta(seconds=9), "{}")
    )
    page = shown_page(window, "jobs")
    assert [(job.title, job.state) for job in page._jobs] == [
        ("Export of Colors, python", "finished"),
        ("Colors, Balanced (2)", "open"),
        ("Colors, Balanced", "finished"),
    ]
