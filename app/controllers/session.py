"""Hold what is open in the window: project, model, data and run. All controllers share this object."""

import dataclasses
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.domain.project import Project
from app.domain.run import Run, RunState
from app.services.flow.background import Background
from app.services.flow.workspace import Workspace
from app.services.opening.opening import OpenedModel, ReadData
from app.services.opening.reopening import reopened_data, reopened_model
from app.services.projects import opened
from app.services.projects.projects import latest_run, project_for
from workers.contracts.jobs import DataParams, DescribeResult, OpenParams
from workers.contracts.paths import from_text
from workers.contracts.specs import Recipe

SHOWN_STATES = (RunState.FINISHED, RunState.KEPT_ORIGINAL)


class Session(QObject):
    """The open project with its model, data and run; owned by the window's controller.

    Signals report what changed; the session knows no widgets. `run` is the run that the pages show.
    """

    project_changed = Signal()
    model_changed = Signal()
    data_changed = Signal()
    goal_changed = Signal()
    run_changed = Signal()
    described_changed = Signal()
    exported = Signal()

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        """Create a session without a project."""
        super().__init__(parent)
        self.workspace = workspace
        self.described: DescribeResult | None = None
        self.project: Project | None = None
        self.opening: OpenParams | None = None
        self.model: OpenedModel | None = None
        self.asked_data: DataParams | None = None
        self.data: ReadData | None = None
        self.earlier_data: tuple[DataParams, ReadData] | None = None  # replaced last; can be restored
        self.recipes: tuple[Recipe, ...] | None = None
        self.run: Run | None = None
        self.looked_at = ""  # id of the version chosen on Compare; the detail pages start with it
        self.is_opening = False
        self._checking: Background[Any] | None = None

    def begin(
        self, params: OpenParams, model: OpenedModel, *, name: str | None = None, is_sample: bool = False
    ) -> None:
        """Open a model with its project, which is created if it does not exist; loads the project's data and run."""
        repositories = self.workspace.repositories
        project = project_for(repositories, from_text(params.path), name=name, is_sample=is_sample)
        same_model = project.model_key == model.key
        found = dataclasses.replace(
            project, model_sha256=model.info.sha256, model_key=model.key, info_json=model.info.model_dump_json()
        )
        self.opening, self.model = params, model
        self.recipes = opened.saved_recipes(repositories, project)
        self.project = opened.save_opening(repositories, found, params)
        self._take_data(self.project)
        if not same_model:
            self.data = None  # prepared for another model; `asked_data` holds how to read it again
        self.run = latest_run(repositories, project, _is_shown) if same_model else None
        self._tell_all()

    def reopen(self, project: Project) -> bool:
        """Show a project in its last state; return False if its model must be opened again."""
        model = reopened_model(self.workspace.artifacts, project)
        if model is None:
            return False
        self.project, self.model = project, model
        self.opening = opened.saved_opening(self.workspace.repositories, project)
        self.recipes = opened.saved_recipes(self.workspace.repositories, project)
        self._take_data(project)
        self.run = latest_run(self.workspace.repositories, project, _is_shown)
        self._check_later(project)
        self._tell_all()
        return True

    def _check_later(self, project: Project) -> None:
        """Verify the hashes of the reopened artifacts in the background, so that no later step waits for it."""
        self.stop_checking()
        store, keys = self.workspace.artifacts, (project.model_key, project.data_key)
        self._checking = Background(lambda stopped: [store.get(key, stopped) for key in keys if key])

    def stop_checking(self) -> None:
        """Stop the verification, before the program ends or another project opens."""
        if self._checking is not None:
            self._checking.stop()
            self._checking = None

    def new_project(self) -> None:
        """Close the project, so that nothing is open."""
        self.project = self.opening = self.model = self.asked_data = self.data = self.run = None
        self._keep_earlier(None)
        self.recipes = None
        self._tell_all()

    def set_data(self, asked: DataParams, data: ReadData) -> None:
        """Set the data of the open model; a replaced data set is saved for the way back."""
        before = self.asked_data
        if before is not None and before.path and before.path != asked.path and self.data is not None:
            self._keep_earlier((before, self.data))
        self.asked_data, self.data = asked, data
        if self.project is not None:
            told = data.result.model_dump_json()
            changed = dataclasses.replace(self.project, data_path=asked.path, data_key=data.key, data_json=told)
            self.project = opened.save_data(self.workspace.repositories, changed, asked)
        self.data_changed.emit()

    def _keep_earlier(self, earlier: tuple[DataParams, ReadData] | None) -> None:
        """Hold the replaced data set in the store, because no row of the database refers to it."""
        if self.earlier_data is not None:
            self.workspace.artifacts.let_go([self.earlier_data[1].key])
        if earlier is not None:
            self.workspace.artifacts.hold([earlier[1].key])
        self.earlier_data = earlier

    def set_run(self, run: Run | None) -> None:
        """Set the run that the pages show."""
        self.run = run
        self.run_changed.emit()

    def set_described(self, found: DescribeResult) -> None:
        """Set the description of this computer, or replace it with a newer one."""
        self.described = found
        self.described_changed.emit()

    def set_recipes(self, recipes: tuple[Recipe, ...] | None) -> None:
        """Set the recipes as the user edited them; None means the preset's own recipes."""
        self.recipes = recipes
        if self.project is not None:
            opened.save_recipes(self.workspace.repositories, self.project, recipes)

    def fits(self, run: Run) -> bool:
        """Return whether a run used the model and the data that are open now."""
        baseline = next((v for v in self.workspace.repositories.variants.list(run_id=run.id) if v.is_baseline), None)
        same_model = baseline is None or (self.model is not None and baseline.artifact_key == self.model.key)
        return same_model and (run.data_key is None or (self.data is not None and self.data.key == run.data_key))

    def change(self, **changes: Any) -> None:
        """Change fields of the project and save them at once, so that nothing is lost when the window closes."""
        if self.project is None:
            return
        changed = dataclasses.replace(self.project, **changes)
        if changed != self.project:
            self.project = opened.save_project(self.workspace.repositories, changed)

    def refresh_project(self) -> None:
        """Read the project again, because a run has changed it."""
        if self.project is not None:
            self.project = self.workspace.repositories.projects.get(self.project.id)

    def _take_data(self, project: Project) -> None:
        self._keep_earlier(None)
        self.data = reopened_data(self.workspace.artifacts, project)
        self.asked_data = opened.saved_data(self.workspace.repositories, project) if project.data_key else None

    def _tell_all(self) -> None:
        for signal in (self.project_changed, self.model_changed, self.data_changed, self.goal_changed):
            signal.emit()
        self.run_changed.emit()


def _is_shown(run: Run) -> bool:
    return run.state in SHOWN_STATES
