"""Every page in each of its states, filled with example values."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

from PySide6.QtWidgets import QPushButton

from widgets.pages.answers.page import AnswersPage
from widgets.pages.changes.page import ChangesPage
from widgets.pages.chat.page import ChatPage
from widgets.pages.compare.page import ComparePage
from widgets.pages.data.grid import ItemsView
from widgets.pages.data.page import DataPage
from widgets.pages.export.page import ExportPage
from widgets.pages.export.value import ProveValue
from widgets.pages.folder.page import FolderPage
from widgets.pages.goal.page import GoalPage
from widgets.pages.gpu.page import GpuPage
from widgets.pages.guide.page import GuidePage
from widgets.pages.hub.page import HubPage
from widgets.pages.jobs.page import JobsPage
from widgets.pages.load.page import LoadPage
from widgets.pages.model.page import ModelPage
from widgets.pages.monitor.page import MonitorPage
from widgets.pages.projects.page import ProjectsPage
from widgets.pages.releases.page import ReleasesPage
from widgets.pages.settings.page import SettingsPage
from widgets.pages.stress.page import StressPage
from widgets.pages.try_it.page import TryPage
from widgets.parts.page import Page


def run_export(page: ExportPage, ex: ModuleType) -> None:
    page.show_value(ex.export())
    page.show_running("Unpacking it in a clean place", 3, 6, ex.checks(4), "about 10 seconds left")


def recipes(page: GoalPage, ex: ModuleType) -> None:
    page.show_value(ex.goal())
    page.show_recipes()
    for button in page.findChildren(QPushButton):
        if button.text() == "Steps":
            button.setChecked(True)


def hub(page: HubPage, ex: ModuleType) -> None:
    page.bar.set_tasks(ex.TASKS)
    page.show_list(ex.hub_list(20))
    page.detail.show_value(ex.hub_detail())


def hub_card(page: HubPage, ex: ModuleType) -> None:
    hub(page, ex)
    page.show_card("resnet-50", ex.CARD)


def hub_gated(page: HubPage, ex: ModuleType) -> None:
    hub(page, ex)
    page.detail.show_value(ex.hub_gated())
    page.downloads.show_values(ex.hub_downloads())


TASKS = (("first-model", "The first model"), ("busy", "What to do when it says busy"))
State = tuple[type[Page], Callable[[Any, ModuleType], object]]


def data_items(page: DataPage, ex: ModuleType, count: int) -> None:
    """All examples with their pictures, some chosen, and what the check of the preparation found."""
    page.show_value(ex.data_of(count))
    page.show_items(ex.items(count), 128)
    page.picture_wanted.connect(lambda number: page.put_pictures(number - number % 128, ex.small_pictures(128)))
    page.mark_items(ex.items(count), can_undo=True, can_redo=count > 3)
    page.findChildren(ItemsView)[0].setCurrentIndex(page.findChildren(ItemsView)[0].items.index(2))
    page.show_doctor(ex.doctor(count))
    page.show_fed(ex.fed(count))
    page.show_origin(ex.origin())
    page.show_found(ex.found() if count > 3 else (), 4 if count > 3 else 0, 0, 6 if count > 3 else 0)


def data_lines(page: DataPage, ex: ModuleType) -> None:
    """Texts, one a line."""
    page.show_value(ex.texts())
    page.show_items(ex.lines(), 128)


def data_found(page: DataPage, examples: ModuleType) -> None:
    """Copies across both parts, and one click that ends it."""
    page.show_value(examples.data())
    page.show_found(examples.found(), 4, 2)


def chat(page: ChatPage, ex: ModuleType) -> None:
    """One question, answered by both alike at first."""
    page.show_value(ex.chat_versions())
    page.show_ready()
    page.begin("What is the capital of France?")
    for side, answer in (("original", "Paris, the city of light."), ("optimized", "Paris, on the Seine.")):
        page.write(side, answer)
        page.show_speed(side, ex.speed())
    page.show_difference(7)
    page.end()
    if (focused := page.focusWidget()) is not None:
        focused.clearFocus()  # its caret would blink


def folder(page: FolderPage, stage: Any, saved: str = "") -> None:
    """1,000 rows of a table of texts with two columns, one row without an answer."""
    headings = ("input", "text", "answer", "confidence", "second", "second confidence", "problem")
    rows = ("row 1", "A long text about nothing. " * 9, "positive", 0.98, "negative", 0.02, None)
    page.show_table(
        "reviews.csv", headings, lambda row: rows if row else ("row 0", *[None] * 5, "No text."), ("a", "b"), "b"
    )
    page.grow(1000)
    page.show_stage(stage, "Answered by “INT8”.", saved)
    page.show_progress(1000, 2000, 12.0)
    if stage == "done":
        page.show_counts(999, 1)


PLAIN: dict[type[Page], str] = {  # the states that one example shows, as state=example
    ModelPage: "empty=sample full=model error",
    DataPage: "empty=ask_data full=data texts=texts right-texts=right_texts made=made error",
    GoalPage: "empty full=goal",
    ComparePage: "empty safe=compare not-proven=not_proven nothing-faster=nothing_faster vectors=vectors error",
    AnswersPage: "empty error",
    TryPage: "empty loading=trying error",
    LoadPage: "empty full=loaded error",
    StressPage: "empty full=stress sounds=stress_sounds error",
    ChangesPage: "empty full=what_changed error",
    ExportPage: "empty full=export override=override",
    JobsPage: "empty full=jobs",
    MonitorPage: "empty full=monitored quiet=monitored_quiet error",
    ReleasesPage: "empty full=releases first=first_release error",
    GpuPage: "empty full=ladders mendable=mendable_ladder installing=installing_ladder",
    ChatPage: "empty",
    ProjectsPage: "empty full=projects",
    SettingsPage: "empty full=settings",
}


def plain(state: str, example: str) -> Callable[[Any, ModuleType], object]:
    call, example = {"empty": ("show_empty", example), "error": ("show_error", "refused")}.get(
        state, ("show_value", example)
    )
    return lambda page, ex: getattr(page, call)(*[getattr(ex, example)()] if example else [])


STATES: dict[str, State] = {
    f"{page.__name__.removesuffix('Page').lower()}-{state}": (page, plain(state, example))
    for page, states in PLAIN.items()
    for state, _, example in (one.partition("=") for one in states.split())
} | {
    "model-loading": (ModelPage, lambda p, ex: p.show_loading("Reading", 1, 2, "about 10 seconds left")),
    "hub-empty": (HubPage, lambda p, ex: p.show_list(ex.hub_starters())),
    "hub-full": (HubPage, hub),
    "hub-card": (HubPage, hub_card),
    "hub-gated": (HubPage, hub_gated),
    "hub-nothing": (HubPage, lambda p, ex: p.show_nothing("Nothing found", "Try other words.")),
    "hub-error": (HubPage, lambda p, ex: p.show_problem(ex.hub_offline())),
    "data-found": (DataPage, data_found),
    "data-items": (DataPage, lambda p, ex: data_items(p, ex, 191)),
    "data-few": (DataPage, lambda p, ex: data_items(p, ex, 3)),
    "data-many": (DataPage, lambda p, ex: data_items(p, ex, 10_000)),
    "data-lines": (DataPage, data_lines),
    "goal-recipes": (GoalPage, recipes),
    "goal-computers": (GoalPage, lambda p, ex: p.show_value(ex.goal(computers=ex.COMPUTERS, where=("", "pi")))),
    "compare-computers": (ComparePage, lambda p, ex: p.show_value(ex.compare(fleet=ex.fleet()))),
    "compare-busy": (ComparePage, lambda p, ex: p.show_value(ex.undecided(busy=True))),
    "compare-untested": (ComparePage, lambda p, ex: p.show_value(ex.undecided(busy=False))),
    "compare-watched": (ComparePage, lambda p, ex: p.show_value(ex.watched(warns=False))),
    "compare-worse": (ComparePage, lambda p, ex: p.show_value(ex.watched(warns=True))),
    "answers-measuring": (AnswersPage, lambda p, ex: p.show_empty(is_measuring=True)),
    "answers-few": (AnswersPage, lambda p, ex: p.show_value(ex.all_answers(3, labelled=False))),
    "answers-full": (AnswersPage, lambda p, ex: ex.answers_chosen(p, ex)),
    "answers-many": (
        AnswersPage,
        lambda p, ex: (p.show_value(ex.all_answers(10_000)), p._choose(kind="worse", text="cat")),
    ),
    "answers-sound": (AnswersPage, lambda p, ex: ex.answers_sound(p, ex)),
    "answers-nothing": (AnswersPage, lambda p, ex: (p.show_value(ex.all_vectors()), p._choose(text="no such words"))),
    "answers-loading": (AnswersPage, lambda p, ex: p.show_loading("Listing all answers")),
    "try-measuring": (TryPage, lambda p, ex: p.show_measuring()),
    "try-full": (TryPage, lambda p, ex: ex.trying_picture(p, ex)),
    "try-sound": (TryPage, lambda p, ex: ex.trying_sound(p, ex)),
    "try-texts": (TryPage, lambda p, ex: ex.trying_texts(p, ex)),
    "load-ask": (LoadPage, lambda p, ex: p.show_question(ex.ask_load(can_go_back=True))),
    "load-loading": (LoadPage, lambda p, ex: p.show_loading("Offline: Original", 0.3, 1.0, "about 2 minutes left")),
    "load-priced": (LoadPage, lambda p, ex: p.show_value(ex.loaded(price=ex.priced(), latency=()))),
    "stress-offer": (StressPage, lambda p, ex: p.show_value(ex.stress(found=False))),
    "changes-measuring": (ChangesPage, lambda p, ex: p.show_empty(is_measuring=True)),
    "changes-offer": (ChangesPage, lambda p, ex: p.show_value(replace(ex.what_changed(), result=None, explained=None))),
    "changes-plain": (ChangesPage, lambda p, ex: p.show_value(ex.what_changed_plain())),
    "changes-loading": (ChangesPage, lambda p, ex: p.show_loading("Opening both versions")),
    "export-provable": (
        ExportPage,
        lambda p, ex: p.show_value(ex.export(prove=ProveValue("INT8, ONNX Runtime", "about 10 s"))),
    ),
    "export-running": (ExportPage, run_export),
    "export-done": (ExportPage, lambda p, ex: p.show_done(*ex.done())),
    "folder-empty": (FolderPage, lambda p, ex: p.show_empty()),
    "folder-full": (FolderPage, lambda p, ex: p.show_value(("audio", (("v1", "INT8"), ("v0", "Original")), "v1"))),
    "folder-running": (FolderPage, lambda p, ex: folder(p, "running")),
    "folder-stopped": (FolderPage, lambda p, ex: folder(p, "stopped")),
    "folder-done": (FolderPage, lambda p, ex: folder(p, "done", "/home/me/answers.csv")),
    "chat-full": (ChatPage, chat),
    "guide-full": (GuidePage, lambda p, ex: p.show_value(TASKS)),
    "guide-task": (GuidePage, lambda p, ex: p.show_task(TASKS[0][1], "Press **Start**.\n", {})),
    "settings-program": (SettingsPage, lambda p, ex: (p.show_value(ex.settings()), p.show_section(ex.program()))),
    "settings-storage": (SettingsPage, lambda p, ex: (p.show_value(ex.settings()), p.show_section(ex.storage()))),
    "settings-computers": (SettingsPage, lambda p, ex: (p.show_value(ex.settings()), p.show_section(ex.computers()))),
    "settings-hub": (SettingsPage, lambda p, ex: (p.show_value(ex.settings()), p.show_section(ex.hub_kept()))),
}
