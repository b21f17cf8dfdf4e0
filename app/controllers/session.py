"""What is open in the window: the project, its model, its data, its run. Controllers share this one value holder."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from PySide6.QtCore import QObject, Signal

from app.domain.project import Project
from app.domain.run import Run, RunState
from app.services.opening import OpenedModel, ReadData
from app.services.projects import latest_run, project_for
from app.services.reopening import reopened_data, reopened_model
from app.services.workspace import Workspace
from workers.contracts.jobs import DataParams, DescribeResult, OpenParams
from workers.contracts.specs import Recipe

SHOWN_STATES = (RunState.FINISHED, RunState.KEPT_ORIGINAL)


class Session(QObject):
    """Signals say what changed; nothing here knows a widget. `run` is the run that the pages show."""

    project_changed = Signal()
    model_changed = Signal()
    data_changed = Signal()
    goal_changed = Signal()
    run_changed = Signal()

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.described: DescribeResult | None = None
        self.project: Project | None = None
        self.opening: OpenParams | None = None
        self.model: OpenedModel | None = None
        self.asked_data: DataParams | None = None
        self.data: ReadData | None = None
        self.recipes: tuple[Recipe, ...] | None = None
        self.run: Run | None = None

    def begin(
        self, params: OpenParams, model: OpenedModel, *, name: str | None = None, is_sample: bool = False
    ) -> None:
        """A model was opened: its project, made if there is none; data and run of that project come along."""
        repositories = self.workspace.repositories
        project = project_for(repositories, Path(params.path), name=name, is_sample=is_sample)
        same_model = project.model_key == model.key
        self.project = dataclasses.replace(
            project,
            model_sha256=model.info.sha256,
            model_key=model.key,
            info_json=model.info.model_dump_json(),
        )
        self.opening, self.model = params, model
        self.recipes = None
        self._save()
        repositories.settings.put(f"opening:{self.project.id}", params.model_dump(mode="json"))
        self._take_data(self.project if same_model else None)
        self.run = latest_run(repositories, project, _is_shown) if same_model else None
        self._tell_all()

    def reopen(self, project: Project) -> bool:
        """Show a project as it was left. False where its model must be opened anew."""
        model = reopened_model(self.workspace.artifacts, project)
        if model is None:
            return False
        self.project, self.model = project, model
        self.opening = self._kept_opening(project)
        self.recipes = None
        self._take_data(project)
        self.run = latest_run(self.workspace.repositories, project, _is_shown)
        self._tell_all()
        return True

    def new_project(self) -> None:
        """Nothing is open."""
        self.project = self.opening = self.model = self.asked_data = self.data = self.run = None
        self.recipes = None
        self._tell_all()

    def set_data(self, asked: DataParams, data: ReadData) -> None:
        """Data were read for the open model."""
        self.asked_data, self.data = asked, data
        self.change(data_path=asked.path, data_key=data.key, data_json=data.result.model_dump_json())
        self.data_changed.emit()

    def set_run(self, run: Run | None) -> None:
        """The run to show."""
        self.run = run
        self.run_changed.emit()

    def change(self, **changes: Any) -> None:
        """Facts of the project; saved at once, so that nothing is lost when the window closes."""
        if self.project is None:
            return
        self.project = dataclasses.replace(self.project, **changes)
        self._save()

    def refresh_project(self) -> None:
        """A run has written the project meanwhile."""
        if self.project is not None:
            self.project = self.workspace.repositories.projects.get(self.project.id)

    def _kept_opening(self, project: Project) -> OpenParams:
        """How the model was opened: consent, shapes, preprocessing that the person gave."""
        kept = self.workspace.repositories.settings.get(f"opening:{project.id}")
        try:
            return OpenParams.model_validate(kept)
        except ValidationError:
            return OpenParams(path=project.model_path)

    def _take_data(self, project: Project | None) -> None:
        self.data = reopened_data(self.workspace.artifacts, project) if project is not None else None
        self.asked_data = (
            DataParams(model_dir="", path=project.data_path) if self.data is not None and project is not None else None
        )

    def _save(self) -> None:
        if self.project is not None:
            self.project = dataclasses.replace(self.project, updated_at=datetime.now(UTC))
            self.workspace.repositories.projects.update(self.project)

    def _tell_all(self) -> None:
        for signal in (self.project_changed, self.model_changed, self.data_changed, self.goal_changed):
            signal.emit()
        self.run_changed.emit()


def _is_shown(run: Run) -> bool:
    return run.state in SHOWN_STATES
