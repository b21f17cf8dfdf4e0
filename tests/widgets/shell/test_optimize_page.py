"""The page Optimize in each of its states."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from read_page import button, press

from tests.widgets.qt_actions import button_texts, emitted, placed
from widgets.dialogs.questions import close_question, kind_question
from widgets.pages.optimize.page import OptimizePage, OptimizeValue, RunInterruption, StepValue
from widgets.parts.cards.error import ErrorCard, ErrorValue
from widgets.plots.frame_clock import FrameClock
from widgets.theme import Theme

ERROR = ErrorValue("The work was stopped", "It needed too much memory.", "Yes.", "Close other programs.", "signal 9")


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, clock: FrameClock) -> OptimizePage:
    return placed(qtbot, OptimizePage(theme, clock), 1072, 620)


def test_empty_leads_on(page: OptimizePage) -> None:
    """Given no run, then the page states what will be here and leads to the model, or with one to the goal."""
    assert emitted(page.page_wanted, press, page, "Choose a model") == ["model"]
    page.show_empty(has_model=True)
    assert emitted(page.page_wanted, press, page, "Choose a goal") == ["goal"]


def test_waiting_for_a_quiet_computer(page: OptimizePage, example: ModuleType) -> None:
    """Given a run that waits for other programs, then it shows that, and a button measures at once; it is gone with
    the wait."""
    value = example.running()
    text = "Waiting up to 40 s for the computer to be idle: other programs use 85%."
    page.show_value(replace(value, waiting=text))
    assert page._head.subtitle.text() == text
    emitted(page.measure_now_requested, press, page, "Measure now")
    page.show_value(value)
    assert "Measure now" not in button_texts(page)
    assert "Step 5 of 7" in page._head.subtitle.text()


def test_running(page: OptimizePage, example: ModuleType) -> None:
    """Given a run, then step, time left, best so far and each step's outcome are reported; it can be cancelled."""
    example.fill(page, example.running())
    QTest.qWait(1)
    assert page._head.subtitle.text() == "Step 5 of 7, about 25 s left. You may leave this page; the work continues."
    rows = page._view.steps.rows
    assert [row.figure.text() for row in rows] == [
        "3 s", "10.4 ms", "6.9 ms", "2.9 ms", "10 s left", "about 9 s", "about 6 s",
    ]  # fmt: skip
    assert rows[4].bar.isVisibleTo(page) and not rows[5].bar.isVisibleTo(page)
    assert rows[3].accessibleName() == "INT8, all layers: done, look here"
    assert page._view.best.isVisibleTo(page) and page._bar.value() == 620
    emitted(page.cancel_requested, press, page, "Cancel")


def test_what_is_done_is_always_named(page: OptimizePage) -> None:
    """Given no step at work, then what is done between two is there; the bar shows the reported progress, not the
    steps."""
    done = StepValue("Check the model", "done"), StepValue("Read the examples", "done")
    steps = (*done, StepValue("Original", "waiting"))
    page.show_value(OptimizeValue("running", steps, done_share=0.1, stage="Choosing what to try"))
    assert page._head.subtitle.text().startswith("Choosing what to try. You may leave")
    assert page._bar.value() == 100


def test_more_time_is_offered_where_it_could_help(page: OptimizePage, example: ModuleType) -> None:
    """Given a run that its time ended, then a button gives it so many minutes more; without need there is none."""
    over = replace(example.running(), phase="kept_original", headline="The time was up", seconds=60.0)
    example.fill(page, replace(over, go_on_minutes=7))
    assert emitted(page.go_on_requested, press, page, "Continue for up to 7 minutes") == [7]
    page.show_value(over)
    assert not any(text.startswith("Continue for") for text in button_texts(page))
    page.show_value(replace(over, seconds=360.0, went_on_s=300.0))
    assert "including 5 min" in page._head.subtitle.text() and "early" not in page._head.subtitle.text()


def test_more_time_is_the_main_action_where_it_decides(page: OptimizePage, example: ModuleType) -> None:
    """Given a run without a verdict that more time decides, Then going on is the main action, as on Compare; where it
    only could find something better, the result is."""
    over = replace(example.running(), phase="kept_original", headline="Not sure yet", seconds=60.0, go_on_minutes=7)
    for is_way_on, main in ((True, "Continue for up to 7 minutes"), (False, "See what was tried")):
        page.show_value(replace(over, go_on_first=is_way_on))
        assert button_texts(page, "primary") == [main]


def test_a_run_that_ends_before_its_time_says_why(page: OptimizePage, example: ModuleType) -> None:
    """Given a run that was given five minutes and needed two, Then the page states how much earlier it ended, and
    why; at work it shows the most that it may take."""
    over = replace(
        example.running(), phase="kept_original", headline="x", seconds=360.0, went_on_s=300.0, spare_s=193.0
    )
    example.fill(page, over)
    assert page._head.subtitle.text().endswith("It ended 3 min 13 s early: more time would change nothing.")
    page.show_value(replace(over, go_on_minutes=7))
    assert page._head.subtitle.text().endswith("the next step would take longer.")
    page.show_value(replace(over, measures_again=True))
    assert page._head.subtitle.text().endswith("It ended 3 min 13 s early: only a new measurement can decide.")
    assert button_texts(page, "primary") == ["Measure again"], "as on Compare"
    page.show_value(replace(example.running(), remaining_s=240.0, eta_is_most=True))
    assert "at most 4 min" in page._head.subtitle.text()


def test_log_opens_behind_a_fold(page: OptimizePage, example: ModuleType) -> None:
    """Given a run, then the log opens on request, is bounded, and stays open when the run ends."""
    example.fill(page, example.running())
    page.view.add_log(["14:02:07 loaded", "! odd"])
    assert page._view.log_card.isHidden()
    press(page, "Show log")
    assert page._view.log.toPlainText() == "14:02:07 loaded\n! odd"
    page.view.add_log([str(n) for n in range(6000)])
    assert page._view.log.blockCount() == 5000
    page.show_value(replace(example.running(), phase="finished", seconds=66.0))
    assert not page._view.log_card.isHidden() and button(page, "Hide log").isChecked()


@pytest.mark.parametrize(
    ("phase", "title", "primary", "signal"),
    [
        ("finished", "3.4 times faster", "See the result", "compare_requested"),
        ("kept_original", "Nothing faster was safe: keep the original", "See what was tried", "compare_requested"),
        ("failed", "This run did not finish", "Try again", "resume_requested"),
        ("cancelled", "Cancelled", "Go on", "resume_requested"),
        ("interrupted", "This run was interrupted", "Go on", "resume_requested"),
    ],
)
def test_ends(page: OptimizePage, example: ModuleType, phase: str, title: str, primary: str, signal: str) -> None:
    """Given a run that ended, then the head states how, one button leads on, and what was measured stays in view."""
    example.fill(page, example.running())
    view = page._view
    headline = "3.4 times faster" if phase == "finished" else ""
    error = ERROR if phase == "failed" else None
    page.show_value(replace(example.running(), phase=phase, headline=headline, seconds=66.0, error=error))
    assert page._head.title.text() == title and page._view is view and page._bar.isHidden()
    assert button_texts(page, "primary") == [primary]
    emitted(getattr(page, signal), press, page, primary)
    assert (page.findChild(ErrorCard) is not None) == (phase == "failed")
    assert page._view.plot._histories["v0"].total > 0


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("closed", "Fettle was closed during this run; all measurements until then are kept."),
        ("not_begun", "Fettle was closed before this run started; nothing was measured yet."),
        ("broken_off", "Fettle ended unexpectedly during this run; all measurements until then are kept."),
    ],
)
def test_interrupted_run_states_whether_the_program_was_closed(
    page: OptimizePage, how: RunInterruption, expected: str
) -> None:
    """Given an interrupted run, Then the head states whether Fettle was closed or ended by itself."""
    page.show_value(OptimizeValue("interrupted", (StepValue("Check the model", "skipped"),), interruption=how))
    assert page._head.subtitle.text() == expected


def test_queued_then_running_then_anew(page: OptimizePage, clock: FrameClock) -> None:
    """Given a run that waits, then it states why; a new run begins with an empty graph, and the old one is
    forgotten."""
    page.show_value(OptimizeValue("queued", (StepValue("Check the model"),)))
    assert page._head.title.text() == "Waiting for its turn"
    first = page._view
    page.show_value(OptimizeValue("running", (StepValue("Check the model", "running"),)))
    assert page._view is first and page._head.subtitle.text().startswith("Step 1 of 1.")
    page.start()
    page.show_value(OptimizeValue("running"))
    assert page._view is not first and len(clock._graphs) == 1
    page.show_empty(has_model=True)
    assert len(clock._graphs) == 0


@pytest.mark.parametrize("size", [(816, 516), (816, 400), (1072, 620), (3600, 1900)])
def test_layout_holds(page: OptimizePage, example: ModuleType, size: tuple[int, int]) -> None:
    """Given the smallest window and a large one, then nothing is wider than the page, and the graph keeps a height."""
    example.fill(page, example.running())
    page.resize(*size)
    QTest.qWait(30)
    content = page.widget()
    assert content.width() <= page.viewport().width() and page._view.plot.height() >= 200
    right = max(w.mapTo(content, w.rect().topRight()).x() for w in content.findChildren(QWidget) if w.isVisibleTo(page))
    assert right <= content.width()


def test_names(page: OptimizePage, example: ModuleType, unnamed: Callable[[QWidget], list[str]]) -> None:
    """Given each state, then a screen reader can name all that keys can reach."""
    assert unnamed(page) == []
    example.fill(page, example.running())
    page._view.log_card.show()
    assert unnamed(page) == []
    page.show_value(replace(example.running(), phase="failed", error=ERROR))
    assert unnamed(page) == []


def test_frequent_values_rebuild_nothing(page: OptimizePage, example: ModuleType) -> None:
    """Given ten values a second for minutes, then the same widgets are written anew."""
    example.fill(page, example.running())
    before = {id(w) for w in page.findChildren(QWidget)}
    for n in range(1500):
        share = n / 1500
        steps = example.steps()
        steps = (*steps[:4], replace(steps[4], done_share=share, remaining_s=10 * (1 - share)), *steps[5:])
        page.show_value(replace(example.running(), steps=steps, done_share=share, remaining_s=25 * (1 - share)))
    assert {id(w) for w in page.findChildren(QWidget)} == before


def test_another_phase_moves_no_part(page: OptimizePage, example: ModuleType) -> None:
    """Given a run with its log open, When it waits, goes on and ends, Then head and buttons are others, and graph, steps
    and log stay in the contents where they are."""
    value = example.running()
    page.show_value(value)
    press(page, "Show log")
    view, contents = page._view, page.widget()
    for phase, words in (("running", "Measure now"), ("running", "Cancel"), ("finished", "See the result")):
        page.show_value(replace(value, phase=phase, waiting="Waiting." if words == "Measure now" else ""))
        assert button(page, words).isVisibleTo(page)
        assert (page._view, page.widget(), page.state) == (view, contents, phase)
        assert contents.isAncestorOf(view) and not view.log_card.isHidden()
    assert page._bar.isHidden()


def test_the_last_outcome_is_seen_whole(page: OptimizePage, example: ModuleType, qtbot: QtBot) -> None:
    """Given more steps than there is room for, When the last one ends and reports its outcome in two lines, Then all
    of it is in view."""
    *before, last = (replace(step, state="done") for step in example.steps() * 2)
    page.show_value(replace(example.running(), steps=(*before, replace(last, state="running", detail=""))))
    QTest.qWait(1)
    report = "0 of 1 safe on 144 examples, of which some are told in a second line"
    page.show_value(replace(example.running(), phase="finished", steps=(*before, replace(last, detail=report))))
    steps = page._view.steps

    def is_whole() -> None:
        row = steps.rows[-1]
        assert row.mapTo(steps.viewport(), row.rect().bottomLeft()).y() < steps.viewport().height()

    qtbot.waitUntil(is_whole, timeout=2000)
    assert steps.verticalScrollBar().maximum() > 0


def test_the_best_so_far_is_read_whole(page: OptimizePage, example: ModuleType) -> None:
    """Given a best so far that is too long to be next to the title, Then it has its own line and is not cut; a short
    one is next to it."""
    page.resize(1072, 700)
    long = "Best so far: INT8, ONNX Runtime, 1.5 times faster, 1,195 of 1,200 answers the same, not proven"
    for text, is_beside in ((long, False), ("Best so far: BF16, 1.5 times faster", True)):
        page.show_value(replace(example.running(), best=text))
        QTest.qWait(50)
        best, title = page._view.best, page._view._title
        assert best.label.text() == text and best.label.width() >= best.label.sizeHint().width()
        tops = [part.mapTo(page, part.rect().center()).y() for part in (best, title)]
        assert (abs(tops[0] - tops[1]) < 8) is is_beside


def test_questions(page: OptimizePage, theme: Theme, unnamed: Callable[[QWidget], list[str]]) -> None:
    """Given the window's questions, then each answer comes back once, and Escape is the harmless one."""
    for make, text, answer in (
        (lambda: close_question(theme, page, "Optimizing clothes"), "Stop and close", "stop"),
        (lambda: close_question(theme, page, "", 2), "Keep working", "stay"),
        (lambda: kind_question(theme, page, "clothes <b>"), "It is my data", "data"),
    ):
        dialog = make()
        dialog.open()
        assert unnamed(dialog) == []
        assert emitted(dialog.answered, press, dialog, text) == [answer]
    dialog = close_question(theme, page, "Optimizing clothes")
    dialog.open()
    assert emitted(dialog.answered, QTest.keyClick, dialog, Qt.Key.Key_Escape) == [""]
