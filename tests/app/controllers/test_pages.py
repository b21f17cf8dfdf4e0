"""Tests of Goal, Jobs, the first page and closing with a real database."""

import dataclasses
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from PySide6.QtWidgets import QTableView
from read_page import button, press, question, words
from records import DATA, NOW, Drive, add_run, described, endless, make_project, open_page, run, shown_page, variant
from stopwatch import OwnTime

from app.controllers.app_controller import AppController
from app.controllers.commands import OPEN_MODEL, OPEN_SAMPLE
from app.controllers.first_page import StartupQueue, show_first_page
from app.controllers.jobs.controller import MAX_RUNS, JobsController
from app.domain.job import JobRecord
from app.domain.outcome import SearchEnd
from app.domain.run import Goal, RunState
from app.services.flow.events import RunProgress, StepProgress
from app.services.flow.workspace import Workspace
from app.services.records.run_records import read_end, write_end
from app.settings import Settings
from widgets.main_window import MainWindow
from widgets.pages.goal.few import FewLine
from widgets.pages.jobs.page import JobsPage
from widgets.pages.model.page import ModelPage
from workers.contracts.specs import DeviceFacts


def test_goal_is_saved_without_rebuilding_the_page(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given an open model, when cards are chosen, then goal and limit are saved and the page is not rebuilt."""
    page = open_page(app_controller, "goal", make_project(space))
    content = page.widget()
    page.preset_chosen.emit("no-loss")
    assert page.widget() is content
    project = space.repositories.projects.get("p1")
    assert (project.preset_id, project.max_loss_pct) == ("no-loss", 0.3)
    assert "about 35 seconds" in page._start.text()
    page.limit_changed.emit(2.5)
    assert space.repositories.projects.get("p1").max_loss_pct == 2.5
    assert window.top.preset.text() == "No loss"


def test_limit_set_on_compare_is_shown_on_goal(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given the page Goal, when Compare sets a larger limit, then the slider shows it and the next run uses it."""
    page = open_page(app_controller, "goal", make_project(space))
    assert page._limit is not None and page._limit.limit_pct == 1.0
    compare = window.page("compare")
    compare.set_limit_requested.emit(4.0)
    assert window.current_page == "goal" and page._limit.limit_pct == 4.0
    assert space.repositories.projects.get("p1").max_loss_pct == 4.0


def test_too_few_examples_are_shown_before_the_run(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given 200 test pictures, then Goal shows that they cannot prove a limit of 1 %, and how many are needed. The
    offered limit removes that hint, and a smaller limit shows it again."""
    page = open_page(app_controller, "goal", make_project(space))
    (few,) = page.findChildren(FewLine)
    assert few.isVisible() and "200 pictures for the test cannot prove a limit of 1 %" in words(few)
    assert "at least 321" in words(few)
    press(few, "Set the limit to 5 %")
    assert space.repositories.projects.get("p1").max_loss_pct == 5.0
    assert page._limit is not None and page._limit.limit_pct == 5.0 and not few.isVisible()
    page.limit_changed.emit(0.5)
    assert few.isVisible() and "at least 643" in words(few)
    press(few, "Add pictures…")
    assert window.current_page == "data"
    assert "200 test examples prove a loss below 1.6 % at best" in words(window.page("data"))


def test_run_without_test_examples_cannot_start(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given a set without test examples, then a run cannot be started and the page gives the reason; Data does not show
    the check as ok."""
    project = make_project(space)
    app_controller.session.reopen(project)
    assert app_controller.session.data is not None and app_controller.session.data_params is not None
    none_left = DATA.model_copy(update={"n_test": 0, "n_calibration": 180, "merged_doubles": 40})
    app_controller.session.set_data(
        app_controller.session.data_params, dataclasses.replace(app_controller.session.data, result=none_left)
    )
    page = shown_page(window, "goal")
    assert page._start is not None and not page._start.isEnabled()
    assert "No example is left for the test" in words(page)
    window.show_page("data")
    shown = words(window.page("data"))
    assert "No example is left for the test" in shown and "0 of 0 shared" not in shown
    assert "220 pictures, of which 40 are copies of others. 180 are left." in shown


def test_broken_preset_is_a_card_with_its_mistake(app_controller: AppController, space: Workspace) -> None:
    """Given a preset file with a mistake, then its card names the file and cannot be chosen."""
    space.paths.presets.mkdir(parents=True, exist_ok=True)
    (space.paths.presets / "mine.yaml").write_text("id: mine\ntitle: 5\n", encoding="utf-8")
    page = open_page(app_controller, "goal", make_project(space))
    assert "mine.yaml" in words(page)


def test_edited_recipe_is_saved(app_controller: AppController, space: Workspace) -> None:
    """Given an edited recipe, then it is saved for the next start, and another preset discards it."""
    page = open_page(app_controller, "goal", make_project(space))
    recipes = page._value.recipes
    page.recipes_changed.emit(recipes[:1])
    kept = app_controller.session.opened.recipes
    assert kept is not None and [recipe.title for recipe in kept] == [recipes[0][0].title]
    app_controller.session.reopen(space.repositories.projects.get("p1"))
    assert app_controller.session.opened.recipes == kept
    page.preset_chosen.emit("smallest")
    assert app_controller.session.opened.recipes is None


def test_renamed_recipe_keeps_its_id(app_controller: AppController, space: Workspace) -> None:
    """Given a recipe that others depend on, when it is renamed twice, then its id stays and the others still refer to
    it."""
    page = open_page(app_controller, "goal", make_project(space))
    named = {name for recipe in app_controller._controllers["goal"].preset.recipes for name in recipe.only_if_failed}
    for title in ("Mine", "Mine again"):
        values = page._value.recipes
        first = next(recipe for recipe, _ in values if recipe.id in named)
        renamed = first.model_copy(update={"title": title})
        page.recipes_changed.emit(tuple((renamed if one is first else one, is_on) for one, is_on in values))
        app_controller._controllers["goal"].show()
        kept = app_controller.session.opened.recipes
        assert kept is not None
        assert {recipe.title: recipe.id for recipe in kept}[title] == first.id and first.id in named


def test_many_runs_are_listed_quickly(app_controller: AppController, window: MainWindow, space: Workspace) -> None:
    """Given more runs than the page lists, then the newest are listed within the time limit."""
    make_project(space)
    for number in range(MAX_RUNS + 50):
        space.repositories.runs.add(
            run(number, RunState.INTERRUPTED, created_at=NOW + timedelta(seconds=number), headline=f"Number {number}")
        )
    own = OwnTime()
    window.show_page("jobs")
    own.check(1.5)
    page = window.page("jobs")
    assert isinstance(page, JobsPage)
    (table,) = page.findChildren(QTableView)
    assert table.model().rowCount() == MAX_RUNS
    assert f"Number {MAX_RUNS + 49}" in words(page)


def test_run_is_listed_with_its_device(app_controller: AppController, window: MainWindow, space: Workspace) -> None:
    """Given a computer with a GPU, then only the run that used a GPU runtime names the GPU; a run on another computer names
    that one."""
    make_project(space)
    gpu = DeviceFacts(processor="CPU", cores=2, memory_bytes=1 << 33, gpus=("NVIDIA T4",))
    app_controller.session.set_described(described(device=gpu))
    add_run(space, run(1), variant(0), variant(1))
    add_run(space, run(2), variant(0), variant(1, runtime="onnxruntime-cuda"))
    add_run(space, run(3, goal=Goal("balanced", 1.0, computer="pi")), variant(0))
    window.show_page("jobs")
    model = window.page("jobs").findChildren(QTableView)[0].model()
    shown = [
        " ".join(str(model.index(row, column).data()) for column in range(model.columnCount()))
        for row in range(model.rowCount())
    ]
    assert [sum(where in text for text in shown) for where in ("NVIDIA T4", "pi")] == [1, 1], shown
    assert sum("This computer's processor" in text for text in shown) == 1


def test_log_of_a_failed_run(app_controller: AppController, window: MainWindow, space: Workspace) -> None:
    """Given a failed run, then its log has its headline, its process's output and the error."""
    make_project(space)
    add_run(space, run(1, RunState.FAILED, headline="It broke"), variant(0))
    log = space.paths.logs / "apply-1.log"
    log.write_text("a line of the process\n", encoding="utf-8")
    error = '{"code": "x", "title": "T", "detail": "D.", "hint": "H."}'
    space.repositories.jobs.add(
        JobRecord("j1", "apply", "Make it small", "failed", "cpu", NOW, "r1", NOW, NOW, "logs/apply-1.log", error)
    )
    window.show_page("jobs")
    shown = window.page("jobs")._detail._shown
    assert "It broke" in shown and "a line of the process" in shown and "T: D." in shown


def test_run_is_opened_from_the_list(app_controller: AppController, window: MainWindow, space: Workspace) -> None:
    """Given finished and interrupted runs, then the first opens on Compare, the second on Optimize."""
    make_project(space)
    add_run(space, run(1, data_key="data", recommended_variant_id="r1-v1"), variant(0), variant(1, speedup=2.0))
    add_run(space, run(2, RunState.INTERRUPTED), variant(0))
    window.show_page("jobs")
    window.page("jobs").open_requested.emit("r1")
    assert window.current_page == "compare" and "2.0 times faster" in words(window.page("compare"))
    window.show_page("jobs")
    window.page("jobs").open_requested.emit("r2")
    assert window.current_page == "optimize" and "interrupted" in words(window.page("optimize"))


def test_continued_run_keeps_its_result_after_a_failure(
    app_controller: AppController, window: MainWindow, space: Workspace, drive: Drive
) -> None:
    """Given a result that reached its time limit, when it is continued on Compare, then the same run is active on
    Optimize. If its model is gone, that is shown, and the result stays."""
    make_project(space)
    made = run(1, RunState.KEPT_ORIGINAL, data_key="data", baseline_variant_id="r1-v0", headline="The time was up")
    add_run(space, made, variant(0))
    end = SearchEnd(planned=4, untried=4, limit_s=60, more_s=100.0)
    write_end(space.repositories, "r1", end)
    page = open_page(app_controller, "compare")
    press(page, "Continue for up to 5 minutes")
    assert window.current_page == "optimize"
    assert [running.run_id for running in app_controller.flows.runs] == ["r1"]
    drive(lambda: not app_controller.flows.runs)
    kept = space.repositories.runs.get("r1")
    assert (kept.state, kept.headline, kept.seconds) == (made.state, made.headline, made.seconds)
    assert read_end(space.repositories, "r1") == end
    assert window.notice.isVisible()
    assert "The time was up before anything could be tried" in words(window.page("compare"))


def test_jobs_list_shows_progress(app_controller: AppController, window: MainWindow, space: Workspace) -> None:
    """Given an active run and another flow, then the list shows the progress and the stage of each."""
    make_project(space)
    add_run(space, run(1, RunState.RUNNING, seconds=None), variant(0))
    page = shown_page(window, "jobs")
    running = app_controller.flows.start(
        endless(), title="Optimize", on_done=print, on_failed=print, is_run=True, run_id="r1"
    )
    running.observe(RunProgress(0.42, "A: measuring its speed", 4))
    other = app_controller.flows.start(endless(), title="Read the examples", on_done=print, on_failed=print)
    other.observe(StepProgress(None, "Read the files", 50, 200, "items", None))
    controller = app_controller._controllers["jobs"]
    assert isinstance(controller, JobsController)
    controller.show()
    values = {job.title: job for job in page._jobs}
    run_row = values["Colors, Balanced"]
    assert (run_row.progress, run_row.detail) == (0.42, "A: measuring its speed")
    other_row = values["Read the examples"]
    assert (other_row.progress, other_row.detail) == (0.25, "Read the files")
    assert other_row.created_at is not None
    app_controller.flows.interrupt_all()


def test_early_action_runs_after_the_start(window: MainWindow) -> None:
    """Given the first page before the controllers exist, when the sample is pressed, then it is opened once afterwards."""
    show_first_page(window, Settings(), has_files=False)
    page = window.page("model")
    assert isinstance(page, ModelPage) and page.state == "empty"
    early = StartupQueue(window)
    page.sample_requested.emit()
    assert page.state == "waiting"
    requested: list[str] = []
    window.commands.offer(OPEN_SAMPLE, lambda: requested.append("sample"))
    early.hand_over(SimpleNamespace(commands=window.commands))
    page.sample_requested.emit()
    assert requested == ["sample"]


def test_wrong_file_on_the_first_page_leads_back_to_the_sample(
    app_controller: AppController, window: MainWindow, tmp_path: Path, drive: Drive
) -> None:
    """Given the first page, when a web page named model.onnx is opened, then the error has a button that leads back to
    the sample and the hub."""
    app_controller.begin()
    page = shown_page(window, "model")
    assert page.state == "empty"
    wrong = tmp_path / "model.onnx"
    wrong.write_bytes(b"<!DOCTYPE html><html>Not found</html>")
    app_controller.commands.do(OPEN_MODEL, str(wrong))
    drive(lambda: page.state == "error", 60)
    press(page, "Back to “")
    assert page.state == "empty"
    assert button(page, "Try the sample")


def test_early_chosen_page_stays(app_controller: AppController, window: MainWindow) -> None:
    """Given a page that is chosen before the controllers exist, then it stays shown and is filled afterwards."""
    show_first_page(window, Settings(), has_files=False)
    early = StartupQueue(window)
    window.rail.entries["projects"].click()
    assert window.current_page == "projects"
    app_controller.begin()
    early.hand_over(app_controller)
    assert window.current_page == "projects"
    assert "projects" in app_controller._controllers and window.page("projects").state != "waiting"


def test_last_page_is_shown_at_once(window: MainWindow) -> None:
    """Given a last project, then its page is shown first, in its waiting state."""
    show_first_page(window, Settings(last_project_id="p1", last_page="compare"), has_files=False)
    assert window.current_page == "compare"
    assert "Opening your last page" in words(window.page("compare"))


def test_missing_last_project_shows_the_first_page(app_controller: AppController, window: MainWindow) -> None:
    """Given a last project that no longer exists, then the page Model is shown."""
    show_first_page(window, Settings(last_project_id="gone", last_page="compare"), has_files=False)
    app_controller._settings.value = Settings(last_project_id="gone")
    app_controller.begin()
    assert window.current_page == "model" and window.page("model").state == "empty"


def test_closing_asks_once_while_a_job_runs(app_controller: AppController, window: MainWindow, drive: Drive) -> None:
    """Given a running job, when the window is closed twice, then there is one question; "stop" ends all jobs and
    closes."""
    closed: list[bool] = []
    app_controller.closed.connect(lambda: closed.append(True))
    app_controller.flows.start(endless(), title="Work", on_done=print, on_failed=print)
    drive(lambda: app_controller.flows.pids)
    window.close()
    window.close()
    dialog = question(window)
    dialog._choose("stop")
    assert closed == [True] and app_controller.flows.everything == () and not window.isVisible()


def test_closing_does_not_ask_about_work_that_restarts(
    app_controller: AppController, window: MainWindow, drive: Drive
) -> None:
    """Given only work that restarts automatically, when the window is closed, then it closes without a question."""
    closed: list[bool] = []
    app_controller.closed.connect(lambda: closed.append(True))
    app_controller.flows.start(endless(), title="Checks", on_done=print, on_failed=print, restarts_automatically=True)
    drive(lambda: app_controller.flows.pids)
    window.close()
    assert closed == [True] and app_controller.flows.everything == ()


def test_last_page_is_saved(app_controller: AppController, window: MainWindow, space: Workspace) -> None:
    """Given an open project on some page, when the window is closed, then the settings file has project, page and
    geometry."""
    app_controller.session.reopen(make_project(space))
    window.show_page("data")
    window.close()
    kept = Settings.model_validate_json(Path(space.paths.settings).read_text(encoding="utf-8"))
    assert (kept.last_project_id, kept.last_page) == ("p1", "data") and kept.window_geometry
    assert space.repositories.projects.get("p1").page == "data"
