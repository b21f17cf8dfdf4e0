"""Read what a problem report tells from the database, as known fields only, and the names that it must not tell."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from app.domain.job import JobRecord
from app.domain.project import Project
from app.domain.record import parsed
from app.domain.run import Run, StepRecord
from app.domain.variant import Variant
from app.persistence.repositories import NotFound
from app.services.data.examples import read_items
from app.services.flow.steps import Refused
from app.services.flow.workspace import Workspace
from presets.loader import BUILTIN_FOLDER
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DataResult, DescribeResult
from workers.contracts.specs import ModelInfo
from workers.contracts.translation import _, mark

FAILED = ("failed", "crashed")
MOST_ITEMS_BYTES = 32 << 20
"""Largest list of examples whose names are read; the words of longer lists are replaced as all unknown words are."""
MODEL_FIELDS = {"format", "task", "parameters", "size_bytes", "opset", "quantized"}
DATA_FIELDS = {"origin", "kind", "n_items", "n_test", "n_calibration", "labelled", "merged_doubles"}


@dataclass
class Problem:
    """What one report is about; owned by the flow that makes it.

    `names` and `labels` are the person's and must not be in the report. `logs` are the logs of jobs, whose ends are
    read, by the job's kind.
    """

    error: ErrorInfo | None = None
    names: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    logs: list[tuple[str, Path]] = field(default_factory=list)
    run: dict[str, Any] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)
    began: datetime | None = None
    ended: datetime | None = None
    machine: DescribeResult | None = None
    screen: str = ""


def find_problem(
    space: Workspace, run_id: str = "", error: ErrorInfo | None = None, since: datetime | None = None
) -> Problem:
    """Return the facts of an error, of a run, or by default of the last job that failed `since`; raises `JobError`.

    An error may be in other words than that of its job, which is then taken for the last one that failed.
    """
    repositories, problem = space.repositories, Problem(error)
    jobs = repositories.jobs.list(run_id=run_id or None)
    failed = [job for job in jobs if job.state in FAILED and job.error_json]
    same = [job for job in failed if _error_of(job) == error]
    job = next(iter([*same, *(job for job in failed if since is None or job.created_at > since)]), None)
    run_id = run_id or (job.run_id or "" if job is not None else "")
    if job is not None and error is None:
        problem.error = _error_of(job)
    for project in repositories.projects.list():
        _collect_names(space, project, problem)
    for record in repositories.exports.list():
        problem.names.update(_names_of(record.path))
    if run_id:
        try:
            run = repositories.runs.get(run_id)
        except NotFound as missing:
            hint = mark("See 'fettle jobs' for the runs that there are.")
            raise Refused(
                "no_such_run", "There is no such run", _("No run is called {0!r}.").format(run_id), hint
            ) from missing
        _read_run(space, run, job, problem)
        problem.error = problem.error or parsed(ErrorInfo, run.error_json)
    elif job is not None and since is None:
        problem.began, problem.ended = job.started_at, job.finished_at
    if job is not None:
        problem.job.update(_job_facts(job))
    chosen = repositories.jobs.list(run_id=run_id) if run_id else [job] if job is not None else []
    problem.logs = [(one.kind, log) for one in reversed(chosen) if (log := space.paths.log_of(one.log_path))]
    return problem


def _error_of(job: JobRecord) -> ErrorInfo | None:
    return parsed(ErrorInfo, job.error_json)


def _read_run(space: Workspace, run: Run, job: JobRecord | None, problem: Problem) -> None:
    repositories = space.repositories
    project = repositories.projects.get(run.project_id)
    versions = repositories.variants.list(run_id=run.id)
    steps = repositories.runs.steps(run.id)
    problem.began, problem.ended = run.started_at, run.finished_at
    preset = run.goal.preset_id
    own = not (BUILTIN_FOLDER / f"{preset}.yaml").is_file()
    problem.run = {
        "state": run.state.value,
        "seconds": run.seconds,
        "preset": "a preset of the person" if own else preset,
        **_fields(run.goal, "max_loss_pct", "time_budget_s", "threads", "seed"),
        **_project_facts(project),
        "steps": [_fields(step, "title", "state", "variant_index", "started_s", "seconds") for step in steps],
        "versions": [_version_facts(version) for version in versions],
        "jobs": [_job_facts(one) for one in reversed(repositories.jobs.list(run_id=run.id))],
    }
    at_work = _version_at_work(run, steps, versions, job)
    if at_work is not None:
        problem.job["version"] = _version_facts(at_work)


def _version_at_work(
    run: Run, steps: list[StepRecord], versions: list[Variant], job: JobRecord | None
) -> Variant | None:
    """Return the version whose step had begun last when the job started."""
    if job is None or job.started_at is None or run.started_at is None:
        return None
    at_s = (job.started_at - run.started_at).total_seconds()
    begun = [step.variant_index for step in steps if step.started_s is not None and step.started_s <= at_s]
    return next((version for version in versions if begun and version.index == begun[-1]), None)


def _version_facts(version: Variant) -> dict[str, Any]:
    return {
        **_fields(version, "index", "state", "runtime", "precision", "size_bytes"),
        **version.recipe.model_dump(mode="json", include={"steps", "settings"}),
        "verdict": version.judgement.verdict if version.judgement is not None else None,
    }


def _job_facts(job: JobRecord) -> dict[str, Any]:
    error = _error_of(job)
    return {**_fields(job, "kind", "state", "device"), "code": error.code if error is not None else None}


def _fields(record: object, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def _project_facts(project: Project) -> dict[str, Any]:
    """Return what kind of model and of examples the run has, without their names."""
    facts: dict[str, Any] = {}
    with contextlib.suppress(ValueError):  # another program version wrote it
        model = ModelInfo.model_validate_json(project.info_json or "")
        tensors = {"inputs": model.inputs, "outputs": model.outputs}
        shapes = {name: [_fields(one, "dtype", "shape") for one in some] for name, some in tensors.items()}
        facts["model"] = {**model.model_dump(mode="json", include=MODEL_FIELDS), **shapes}
    with contextlib.suppress(ValueError):
        data = DataResult.model_validate_json(project.data_json or "")
        facts["examples"] = {**data.model_dump(mode="json", include=DATA_FIELDS), "n_labels": len(data.class_counts)}
    return facts


def _collect_names(space: Workspace, project: Project, problem: Problem) -> None:
    """Add the names of a project, its files, columns and labels."""
    problem.names.update((project.name, project.purpose, project.not_for, project.contact))
    for path in (project.model_path, project.data_path or ""):
        problem.names.update(_names_of(path))
    with contextlib.suppress(ValueError):
        info = ModelInfo.model_validate_json(project.info_json or "")
        problem.names.update(one.name for one in (*info.inputs, *info.outputs))
    with contextlib.suppress(ValueError):
        data = DataResult.model_validate_json(project.data_json or "")
        problem.names.update((*data.columns, *data.unreadable))
        problem.labels.update((*data.class_counts, *data.unknown_labels))
    folder = space.artifacts.folder(project.data_key or "none") / "data"
    with contextlib.suppress(OSError, ValueError, KeyError):
        if (folder / "data.json").stat().st_size <= MOST_ITEMS_BYTES:
            for item in read_items(folder):
                problem.names.update((*_names_of(item.source), item.text))
                problem.labels.add(item.label)


def _names_of(path: str) -> Iterator[str]:
    """Yield a path, its file's name with and without suffix, and its folder."""
    yield from (path, Path(path).name, Path(path).stem, Path(path).parent.name)
