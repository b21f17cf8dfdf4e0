"""Find the models of a folder, and the runs of them that need no repetition."""

import dataclasses
import os
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from app.domain.run import UNDER_WAY, WITH_RESULT, Run, RunState
from app.persistence import Repositories
from app.services.opening.sniffing import seen_kind
from app.services.projects.projects import latest_run
from app.services.projects.running import RunRequest, plan_of
from app.services.records.run_records import saved_plan

CAN_RESUME = (RunState.INTERRUPTED, RunState.CANCELLED, RunState.FAILED, *UNDER_WAY)
"""States of runs that did not end; `UNDER_WAY` ones are left over, since only one program writes."""


def models_in(folder: Path) -> list[Path]:
    """Return the model files of a folder, and its folders that hold a model, sorted by name; raises OSError."""
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return [path for path in entries if seen_kind(path) in (("model", "both") if path.is_dir() else ("model",))]


def earlier_run(repositories: Repositories, request: RunRequest, computers: frozenset[str] | None) -> Run | None:
    """Return the newest run of the same model, examples and options, None if there is none or files have changed.

    A finished run counts if one of these computers measured it, wherever it was measured if `computers` is None.
    """
    plan = plan_of(request)

    def is_same(run: Run) -> bool:
        goal, asked = dataclasses.replace(run.goal, recipe_json=None), request.goal
        if run.state in WITH_RESULT and (computers is None or goal.computer in computers):
            goal = dataclasses.replace(goal, computer=asked.computer)
        return goal == asked and saved_plan(run) == plan and run.state in (*WITH_RESULT, *CAN_RESUME)

    run = latest_run(repositories, request.project, is_same)
    places = (request.model.path, request.data.path, request.data.calibration_path)
    changed = max(chain.from_iterable(_changes(Path(place)) for place in places if place), default=None)
    return run if run is not None and changed is not None and changed < run.created_at else None


def _changes(place: Path) -> list[datetime]:
    """Return when a file, or each file of a folder, was changed."""
    files = [place]
    if place.is_dir():
        files += [Path(folder, name) for folder, _folders, names in os.walk(place) for name in names]
    return [datetime.fromtimestamp(file.stat().st_mtime, UTC) for file in files if file.exists()]
