"""Hold the open project of the window and its run. All controllers share this object."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.domain.project import Project
from app.domain.run import WITH_RESULT, Run
from app.services.flow.background import Background
from app.services.flow.workspace import Workspace
from app.services.opening.opening import OpenedModel, ReadData, reopened_data, reopened_model
from app.services.projects import projects
from app.services.projects.projects import latest_run, project_for
from workers.contracts.jobs import DataParams, DescribeResult, OpenParams
from workers.contracts.paths import from_text
from workers.contracts.specs import Recipe

if TYPE_CHECKING:
    from app.services.after.serving import Services


@dataclass
class OpenProject:
    """A project that is open with its model; owned by the `Session`.

    Attributes:
        recipes: as the user edited them; None means the preset's own recipes.
        data_params: how its data were read, or are to be read again for this model.
        data: None until the data are read for this model.
    """

    project: Project
    opening: OpenParams
    model: OpenedModel
    recipes: tuple[Recipe, ...] | None
    data_params: DataParams | None = None
    data: ReadData | None = None


class Session(QObject):
    """The open project with the run that the pages show; owned by the window's controller.

    Signals report what changed; the session knows no widgets. `opened` is None while nothing is open.
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
        self.opened: OpenProject | None = None
        self.earlier_data: tuple[DataParams, ReadData] | None = None  # replaced last; can be restored
        self.run: Run | None = None
        self.inspected_version_id = ""  # id of the version chosen on Compare; the detail pages start with it
        self.is_opening = False
        self._checking: Background[Any] | None = None

    @cached_property
    def services(self) -> "Services":
        """Return the web services of this computer that were started from the window."""
        from app.services.after.serving import Services  # late: few pages need it

        return Services(self.workspace.paths)

    @property
    def project(self) -> Project | None:
        """Return the open project."""
        return self.opened.project if self.opened is not None else None

    @property
    def model(self) -> OpenedModel | None:
        """Return the open model."""
        return self.opened.model if self.opened is not None else None

    @property
    def data(self) -> ReadData | None:
        """Return the data that were read for the open model."""
        return self.opened.data if self.opened is not None else None

    @property
    def data_params(self) -> DataParams | None:
        """Return how the data were read, or are to be read again."""
        return self.opened.data_params if self.opened is not None else None

    @property
    def own_data(self) -> tuple[OpenedModel, DataParams, ReadData] | None:
        """Return the model with the user's own examples; None without examples and for inputs made by Fettle."""
        params, data, model = self.data_params, self.data, self.model
        return None if model is None or params is None or data is None or not params.path else (model, params, data)

    def is_open(self, project_id: str) -> bool:
        """Return whether this project is open."""
        return self.opened is not None and self.opened.project.id == project_id

    def begin(
        self, params: OpenParams, model: OpenedModel, *, name: str | None = None, is_sample: bool = False
    ) -> Project:
        """Open a model and return its project, which is created if it does not exist; loads its data and run."""
        repositories = self.workspace.repositories
        project = project_for(repositories, from_text(params.path), name=name, is_sample=is_sample)
        same_model = project.model_key == model.key
        info = model.result.info
        found = dataclasses.replace(
            project, model_sha256=info.sha256, model_key=model.key, info_json=info.model_dump_json()
        )
        self._open(projects.save_opening(repositories, found, params), params, model, same_model=same_model)
        return found

    def reopen(self, project: Project) -> bool:
        """Show a project in its last state; return False if its model must be opened again."""
        model = reopened_model(self.workspace.artifacts, project)
        if model is None:
            return False
        self._check_later(project)
        self._open(project, projects.saved_opening(self.workspace.repositories, project), model)
        return True

    def _open(self, project: Project, opening: OpenParams, model: OpenedModel, *, same_model: bool = True) -> None:
        """Open a project; data and run of another model stay closed, and `data_params` holds how to read the data."""
        repositories = self.workspace.repositories
        self._keep_earlier(None)
        self.opened = OpenProject(project, opening, model, projects.saved_recipes(repositories, project))
        self.opened.data_params = projects.saved_data(repositories, project) if project.data_key else None
        self.opened.data = reopened_data(self.workspace.artifacts, project) if same_model else None
        self.run = latest_run(repositories, project, _is_shown) if same_model else None
        self._report_all()

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
        self.opened = self.run = None
        self._keep_earlier(None)
        self._report_all()

    def set_data(self, params: DataParams, data: ReadData) -> None:
        """Set the data of the open model; a replaced data set is kept so that it can be restored."""
        if self.opened is None:
            return
        before = self.own_data
        if before is not None and before[1].path != params.path:
            self._keep_earlier(before[1:])
        self.opened.data_params, self.opened.data = params, data
        document = data.result.model_dump_json()
        changed = dataclasses.replace(self.opened.project, data_path=params.path, data_key=data.key, data_json=document)
        self.opened.project = projects.save_data(self.workspace.repositories, changed, params)
        self.data_changed.emit()

    def _keep_earlier(self, earlier: tuple[DataParams, ReadData] | None) -> None:
        """Hold the replaced data set in the store, because no row of the database refers to it."""
        if self.earlier_data is not None:
            self.workspace.artifacts.allow_removal([self.earlier_data[1].key])
        if earlier is not None:
            self.workspace.artifacts.hold([earlier[1].key])
        self.earlier_data = earlier

    def set_run(self, run: Run | None) -> None:
        """Set the run that the pages show."""
        self.run = run
        self.run_changed.emit()

    def set_described(self, described: DescribeResult) -> None:
        """Set the description of this computer, or replace it with a newer one."""
        self.described = described
        self.described_changed.emit()

    def set_recipes(self, recipes: tuple[Recipe, ...] | None) -> None:
        """Set the recipes as the user edited them; None means the preset's own recipes."""
        if self.opened is not None:
            self.opened.recipes = recipes
            projects.save_recipes(self.workspace.repositories, self.opened.project, recipes)

    def fits(self, run: Run) -> bool:
        """Return whether a run used the model and the data that are open now."""
        baseline = next((v for v in self.workspace.repositories.variants.list(run_id=run.id) if v.is_baseline), None)
        same_model = baseline is None or (self.model is not None and baseline.artifact_key == self.model.key)
        return same_model and (run.data_key is None or (self.data is not None and self.data.key == run.data_key))

    def change(self, **changes: Any) -> None:
        """Change fields of the project and save them at once, so that nothing is lost when the window closes."""
        if self.opened is None:
            return
        changed = dataclasses.replace(self.opened.project, **changes)
        if changed != self.opened.project:
            self.opened.project = projects.save_project(self.workspace.repositories, changed)

    def refresh_project(self) -> None:
        """Read the project again, because a run has changed it."""
        if self.opened is not None:
            self.opened.project = self.workspace.repositories.projects.get(self.opened.project.id)

    def _report_all(self) -> None:
        for signal in (self.project_changed, self.model_changed, self.data_changed, self.goal_changed):
            signal.emit()
        self.run_changed.emit()


def _is_shown(run: Run) -> bool:
    return run.state in WITH_RESULT
