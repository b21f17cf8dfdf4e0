"""The end of a run is announced, and the computer sleeps only if that was chosen and nothing else needs it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_bus import FakeBus, fake_bus
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from read_page import answer, question, words
from records import Drive, endless, open_finished, run

from app.controllers.app_controller import AppController
from app.controllers.optimize import when_done
from app.controllers.optimize.controller import OptimizeController
from app.controllers.optimize.live_run import LiveRun
from app.controllers.running import Running
from app.domain.run import RunState
from app.services.machine.devices import describe
from widgets.main_window import MainWindow
from widgets.parts.fields import ChoiceField
from widgets.parts.question import QuestionDialog

CAN = {"CanSuspend": ("s", ("yes",)), "CanPowerOff": ("s", ("yes",)), "Suspend": ("", ()), "Notify": ("u", (1,))}
End = Callable[..., None]


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBus]:
    with fake_bus(tmp_path / "bus", **CAN) as bus:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
        yield bus


@pytest.fixture(autouse=True)
def badges(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers that were set on the icon."""
    numbers: list[int] = []
    monkeypatch.setattr(QGuiApplication, "setBadgeNumber", lambda _self, number: numbers.append(number))
    return numbers


@pytest.fixture
def end(app_controller: AppController, window: MainWindow, bus: FakeBus, drive: Drive) -> Iterator[End]:
    """A run that is shown, with a choice for its end; it ends at once, after `seconds` by its clock."""
    controller = app_controller.controller("optimize", OptimizeController)
    open_finished(app_controller.session)

    def begin_and_end(power: str = "", *, seconds: float = 1.0, is_cancelled: bool = False) -> None:
        live = LiveRun(run(2, RunState.RUNNING, seconds=None))
        controller._live[live.run.id] = live
        controller._when_done.begin()
        controller._follow(live)
        window.show_page("optimize")
        page = window.page("optimize")
        drive(lambda: page._powers)
        controller._refresh(live.watch)
        field = next(one for one in page.findChildren(ChoiceField) if one.isVisible())
        field.choose(power)
        live.running = Running(describe(), "", print, print, print, None, is_run=True, run_id="r2")
        live.running.started_s -= seconds
        if is_cancelled:
            controller._on_cancelled(live)
        else:
            controller._on_done(live, run(2, headline="2.4 times faster"))
        drive(lambda: not controller._when_done._notifying.is_busy)

    yield begin_and_end
    controller._live.clear()


def in_front(monkeypatch: pytest.MonkeyPatch, is_so: bool) -> None:
    states = Qt.ApplicationState
    state = states.ApplicationActive if is_so else states.ApplicationInactive
    monkeypatch.setattr(QGuiApplication, "applicationState", staticmethod(lambda: state))


@pytest.mark.parametrize(
    ("seconds", "is_in_front", "is_announced"), [(1, True, False), (70, True, True), (1, False, True)]
)
def test_end_is_announced_after_a_minute_or_behind_other_windows(
    end: End,
    bus: FakeBus,
    badges: list[int],
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    is_in_front: bool,
    is_announced: bool,
) -> None:
    """Given a run, When it ends, Then a notification with the page's headline follows if it took long or the window is
    not in front, with a number on the icon in the latter case; it names no project."""
    in_front(monkeypatch, is_in_front)
    end(seconds=seconds)
    shown = [arguments[3:5] for method, arguments in bus.calls if method == "Notify"]
    assert shown == ([("The optimization has ended", "2.4 times faster")] if is_announced else [])
    assert badges == ([] if is_in_front else [1])
    in_front(monkeypatch, True)
    QGuiApplication.instance().applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
    assert badges == ([] if is_in_front else [1, 0])


def test_computer_sleeps_after_the_count_unless_cancelled(
    end: End, bus: FakeBus, window: MainWindow, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given “sleep” was chosen, When the run ends, Then a minute is counted; cancelled, nothing happens and the choice is
    gone; when the count is over, the computer sleeps."""
    end("sleep")
    assert "60" in words(question(window))
    answer(window, "stay")
    end("")
    assert not [one for one in window.findChildren(QuestionDialog) if one.isVisible()]
    assert "Suspend" not in dict(bus.calls)
    monkeypatch.setattr(when_done, "power_question", lambda *given: real(*given, 1))
    end("sleep")
    drive(lambda: "Suspend" in dict(bus.calls))


def test_computer_stays_on_for_another_job_or_after_a_cancel(
    end: End, bus: FakeBus, app_controller: AppController, window: MainWindow
) -> None:
    """Given “shut down” was chosen, When the run is cancelled, Then nothing follows; when it ends while another job
    runs, Then the banner says that the computer stays on."""
    end("off", is_cancelled=True)
    assert window.notice.isHidden()
    app_controller.flows.start(endless(), title="Export", on_done=print, on_failed=print)
    end("off")
    assert not [one for one in window.findChildren(QuestionDialog) if one.isVisible()]
    assert "stays on" in window.notice.accessibleName() and "PowerOff" not in dict(bus.calls)


real = when_done.power_question
