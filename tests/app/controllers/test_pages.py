"""Goal, Jobs, first page and closing, with a real database behind them."""

import dataclasses
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from desk import DATA, NOW, Drive, add_run, described, endless, make_project, open_page, run, shown_page, variant
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QTableView
from pytestqt.qtbot import QtBot
from read_page import press, question, words
from stopwatch import OwnTime

from app.controllers.app_controller import AppController
from app.controllers.commands import OPEN_MODEL, OPEN_SAMPLE
from app.controllers.first_page import StartupQueue, show_first_page
from app.controllers.jobs.controller import MAX_RUNS, JobsController
from app.domain.job import JobRecord
from app.domain.outcome import SearchEnd
from app.domain.run import RunState
from app.services.flow.events import RunProgress, StepProgress
from app.services.flow.workspace import Workspace
from app.services.records.run_records import read_end, write_end
from app.settings import Settings
from widgets.main_window import MainWindow
from widgets.pages.goal.few import FewLine
from widgets.pages.jobs.page import JobsPage
from widgets.pages.model.page import ModelPage
from workers.contracts.specs import DeviceFacts


def test_a_goal_is_kept_and_the_page_stays_in_place(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given an open model, When cards are chosen, Then goal and limit are kept and nothing is built anew."""
    page = open_page(app_controller, "goal", make_project(space))
    content = page.widget()
    page.preset_chosen.emit("no-loss")
    assert page.widget() is content
    project = space.repositories.projects.get("p1")
    assert (project.preset_id, project.max_loss_pct) == ("no-loss", 0.3)
    assert "about 30 seconds" in page._start.text()
    page.limit_changed.emit(2.5)
    assert space.repositories.projects.get("p1").max_loss_pct == 2.5
    assert window.top.preset.text() == "No loss"


def test_a_limit_set_elsewhere_is_shown(app_controller: AppController, window: MainWindow, space: Workspace) -> None:
    """Given the page Goal, When Compare sets a larger limit, Then the slider stands there and the next run has it."""
    page = open_page(app_controller, "goal", make_project(space))
    assert page._limit is not None and page._limit.limit_pct == 1.0
    compare = window.page("compare")
    compare.set_limit_requested.emit(4.0)
    assert window.current_page == "goal" and page._limit.limit_pct == 4.0
    assert space.repositories.projects.get("p1").max_loss_pct == 4.0


def test_too_few_for_the_limit_is_said_before_the_run(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given 200 test pictures, Then a limit of 1 % is called out of reach, with the number that it takes; the offered
    limit takes effect and ends that, and so does moving the limit by hand."""
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


def test_nothing_to_test_with_does_not_start(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given a set of which nothing is left for the test, Then a run cannot be started, and the page says why; Data does not
    call the check fine."""
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


def test_a_broken_preset_is_a_card_that_says_why(app_controller: AppController, space: Workspace) -> None:
    """Given a file of the person's with a mistake, Then its card names file and line and cannot be chosen."""
    space.paths.presets.mkdir(parents=True, exist_ok=True)
    (space.paths.presets / "mine.yaml").write_text("id: mine\ntitle: 5\n", encoding="utf-8")
    page = open_page(app_controller, "goal", make_project(space))
    assert "mine.yaml" in words(page)


def test_a_changed_recipe_is_kept(app_controller: AppController, space: Workspace) -> None:
    """Given the recipe was changed, Then the next start has it, and another card lets it go."""
    page = open_page(app_controller, "goal", make_project(space))
    recipes = page._value.recipes
    page.recipes_changed.emit(recipes[:1])
    kept = app_controller.session.opened.recipes
    assert kept is not None and [recipe.title for recipe in kept] == [recipes[0].recipe.title]
    app_controller.session.reopen(space.repositories.projects.get("p1"))
    assert app_controller.session.opened.recipes == kept
    page.preset_chosen.emit("smallest")
    assert app_controller.session.opened.recipes is None


def test_a_renamed_recipe_is_still_known_to_the_others(app_controller: AppController, space: Workspace) -> None:
    """Given a version that others wait for, When a person gives it another name, Then they still mean it, also after it
    was named once more and back."""
    page = open_page(app_controller, "goal", make_project(space))
    named = {name for recipe in app_controller._controllers["goal"].preset.recipes for name in recipe.only_if_failed}
    for title in ("Mine", "Mine again"):
        values = page._value.recipes
        first = next(value for value in values if value.recipe.id in named)
        renamed = replace(first, recipe=first.recipe.model_copy(update={"title": title}))
        page.recipes_changed.emit(tuple(renamed if v is first else v for v in values))
        app_controller._controllers["goal"].show()
        kept = app_controller.session.opened.recipes
        assert kept is not None
        assert {recipe.title: recipe.id for recipe in kept}[title] == first.recipe.id and first.recipe.id in named


def test_many_runs_are_listed_quickly(app_controller: AppController, window: MainWindow, space: Workspace) -> None:
    """Given more runs than anyone reads, Then the newest are listed, at once."""
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


def test_a_run_is_listed_with_the_device_that_it_used(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given a computer with a GPU, Then a run of the processor's runtimes alone names no GPU, and another one does."""
    make_project(space)
    gpu = DeviceFacts(processor="CPU", cores=2, memory_bytes=1 << 33, gpus=("NVIDIA T4",))
    app_controller.session.set_described(described(device=gpu))
    add_run(space, run(1), variant(0), variant(1))
    add_run(space, run(2), variant(0), variant(1, runtime="onnxruntime-cuda"))
    window.show_page("jobs")
    model = window.page("jobs").findChildren(QTableView)[0].model()
    shown = [
        " ".join(str(model.index(row, column).data()) for column in range(model.columnCount()))
        for row in range(model.rowCount())
    ]
    assert sorted("NVIDIA T4" in text for text in shown) == [False, True], shown
    assert sum("This computer's processor" in text for text in shown) == 1


def test_the_log_of_a_job(app_controller: AppController, window: MainWindow, space: Workspace) -> None:
    """Given a failed run, Then its log tells the steps, what its process wrote, and the error."""
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


def test_a_result_is_opened_from_the_list(app_controller: AppController, window: MainWindow, space: Workspace) -> None:
    """Given finished and interrupted runs, Then one leads to Compare, the other to Optimize."""
    make_project(space)
    add_run(space, run(1, data_key="data", recommended_variant_id="r1-v1"), variant(0), variant(1, speedup=2.0))
    add_run(space, run(2, RunState.INTERRUPTED), variant(0))
    window.show_page("jobs")
    window.page("jobs").open_requested.emit("r1")
    assert window.current_page == "compare" and "2.0 times faster" in words(window.page("compare"))
    window.show_page("jobs")
    window.page("jobs").open_requested.emit("r2")
    assert window.current_page == "optimize" and "interrupted" in words(window.page("optimize"))


def test_a_run_goes_on_by_a_click_and_keeps_its_result_if_it_cannot(
    app_controller: AppController, window: MainWindow, space: Workspace, drive: Drive
) -> None:
    """Given a result that its time ended, When "Go on" is pressed on Compare, Then the same run is at work on Optimize;
    where its model is gone, that is told, and the result stands."""
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


def test_the_list_of_jobs_knows_how_far_a_run_is(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given a run at work, Then the list shows its share and what is done, as Optimize does; other work its own."""
    make_project(space)
    add_run(space, run(1, RunState.RUNNING, seconds=None), variant(0))
    page = shown_page(window, "jobs")
    running = app_controller.flows.start(
        endless(), title="Optimize", on_done=print, on_failed=print, is_run=True, run_id="r1"
    )
    running.observe(RunProgress(0.42, "A: measuring its speed", 4, 9))
    other = app_controller.flows.start(endless(), title="Read the examples", on_done=print, on_failed=print)
    other.observe(StepProgress(None, "Read the files", 50, 200, "items", None))
    controller = app_controller._controllers["jobs"]
    assert isinstance(controller, JobsController)
    controller.show()
    values = {job.title: job for job in page._jobs}
    run_row = values["Colors, Balanced"]
    assert (run_row.progress, run_row.detail) == (0.42, "A: measuring its speed")
    assert (values["Read the examples"].progress, values["Read the examples"].detail) == (0.25, "Read the files")
    app_controller.flows.interrupt_all()


def test_what_was_asked_early_is_done_when_it_can_be(window: MainWindow) -> None:
    """Given the first page before anything is wired, When the sample is pressed, Then it is opened afterwards, once."""
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


def test_wrong_file_on_the_first_page_leaves_a_way_back_to_the_sample(
    app_controller: AppController, window: MainWindow, tmp_path: Path, drive: Drive, qtbot: QtBot
) -> None:
    """Given the first page, When a web page named model.onnx is opened, Then the error offers a way back, and the sample
    and the hub are there again."""
    app_controller.begin()
    page = shown_page(window, "model")
    assert page.state == "empty"
    wrong = tmp_path / "model.onnx"
    wrong.write_bytes(b"<!DOCTYPE html><html>Not found</html>")
    app_controller.commands.do(OPEN_MODEL, str(wrong))
    drive(lambda: page.state == "error", 60)
    back = [button for button in page.findChildren(QPushButton) if button.text().startswith("Back to “")]
    assert len(back) == 1
    qtbot.mouseClick(back[0], Qt.MouseButton.LeftButton)
    assert page.state == "empty"
    assert [b for b in page.findChildren(QPushButton) if b.text().startswith("Try the sample")]


def test_a_page_that_was_asked_for_early_stays(app_controller: AppController, window: MainWindow) -> None:
    """Given a person who goes to another page before anything is wired, When it is, Then that page is shown and filled,
    and not the first one."""
    show_first_page(window, Settings(), has_files=False)
    early = StartupQueue(window)
    window.rail.entries["projects"].click()
    assert window.current_page == "projects"
    app_controller.begin()
    early.hand_over(app_controller)
    assert window.current_page == "projects"
    assert "projects" in app_controller._controllers and window.page("projects").state != "waiting"


def test_the_page_of_the_last_time_comes_at_once(window: MainWindow) -> None:
    """Given a last project, Then the first thing painted is its page, waiting, and no blank."""
    show_first_page(window, Settings(last_project_id="p1", last_page="compare"), has_files=False)
    assert window.current_page == "compare"
    assert "Opening your last page" in words(window.page("compare"))


def test_a_project_that_cannot_be_opened_leaves_the_first_page(
    app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given a last project that is gone, Then the page Model offers to begin."""
    show_first_page(window, Settings(last_project_id="gone", last_page="compare"), has_files=False)
    app_controller._kept.value = Settings(last_project_id="gone")
    app_controller.begin()
    assert window.current_page == "model" and window.page("model").state == "empty"


def test_closing_asks_once_while_something_runs(
    app_controller: AppController, window: MainWindow, drive: Drive
) -> None:
    """Given work, When the window is closed twice, Then one question comes; "stop" ends all and says closed."""
    closed: list[bool] = []
    app_controller.closed.connect(lambda: closed.append(True))
    app_controller.flows.start(endless(), title="Work", on_done=print, on_failed=print)
    drive(lambda: app_controller.flows.pids)
    window.close()
    window.close()
    dialog = question(window)
    dialog._choose("stop")
    assert closed == [True] and app_controller.flows.everything == () and not window.isVisible()


def test_what_begins_again_by_itself_is_not_asked_about(
    app_controller: AppController, window: MainWindow, drive: Drive
) -> None:
    """Given only work that starts anew the next time, When the window is closed, Then it closes, and the work ends."""
    closed: list[bool] = []
    app_controller.closed.connect(lambda: closed.append(True))
    app_controller.flows.start(endless(), title="Checks", on_done=print, on_failed=print, restarts_automatically=True)
    drive(lambda: app_controller.flows.pids)
    window.close()
    assert closed == [True] and app_controller.flows.everything == ()


def test_where_it_was_is_kept(app_controller: AppController, window: MainWindow, space: Workspace) -> None:
    """Given an open project on some page, When the window is closed, Then the settings file says so."""
    app_controller.session.reopen(make_project(space))
    window.show_page("data")
    window.close()
    kept = Settings.model_validate_json(Path(space.paths.settings).read_text(encoding="utf-8"))
    assert (kept.last_project_id, kept.last_page) == ("p1", "data") and kept.window_geometry
    assert space.repositories.projects.get("p1").page == "data"
