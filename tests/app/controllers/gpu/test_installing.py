"""Tests of installing a set from the page of the GPU doctor, with a stand-in for the installer that prints, fails or
hangs."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flows import refusal
from jobs_bench import is_alive
from PySide6.QtWidgets import QDialog, QPushButton
from read_page import answer, press, question, words
from records import Drive
from stand_in_installer import BREAKS, COST, FAILS, HANGS, NO_COST, WELL, lay_out

from app.controllers.flows import FlowRunner
from app.controllers.gpu.controller import GpuController
from app.controllers.gpu.presenter import gpu_value
from app.controllers.page_controller import ControllerContext
from app.controllers.session import Session
from app.services.flow.background import Stopped
from app.services.flow.steps import DiskStep, Flow
from app.services.machine.gpu_doctor import Ladder
from app.services.machine.optional_sets import InstallerStatus
from widgets.main_window import MainWindow
from widgets.pages.gpu.page import GpuPage
from widgets.parts.format import size_bytes
from widgets.parts.installing.value import SetValue
from workers.contracts.gpu import GpuCard, TriedRung

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script of the shell")


CARD = GpuCard(index=0, uuid="GPU-1", name="A card", compute_capability="8.9")
BROKEN = TriedRung(
    id="packages", title="Packages", card="GPU-1", ok=False, code="base_set", reason="Only the base.",
    hint="Install it.", command="a line", installs="rtx",
)  # fmt: skip


class Doctor:
    """The page with one failed check that the installer can repair, and the user's actions there."""

    def __init__(self, controller: GpuController, page: GpuPage, drive: Drive, window: MainWindow) -> None:
        self.controller, self.page, self.drive, self.window = controller, page, drive, window
        controller._was_tried = True
        controller._on_done(Ladder((CARD,), (BROKEN,)))

    def button(self, text: str) -> QPushButton:
        return next(
            one for one in self.page.findChildren(QPushButton) if one.text().startswith(text) and not one.isHidden()
        )

    def answer(self, name: str) -> str:
        """Return the text of the question, and answer it."""
        self.drive(lambda: self.is_asked)
        shown = words(question(self.window))
        answer(self.window, name)
        return shown

    @property
    def more(self) -> str:
        """Return the whole message of the window."""
        press(self.window.notice, "More")
        return words(next(one for one in self.window.findChildren(QDialog) if one.isVisible()))

    @property
    def is_asked(self) -> bool:
        return any(one.isVisible() for one in self.window.findChildren(QDialog))


@pytest.fixture
def doctor(
    tmp_path: Path, window: MainWindow, context: ControllerContext, flows: FlowRunner, drive: Drive
) -> Iterator[Callable[..., Doctor]]:
    def make(program: str, cost: str = COST) -> Doctor:
        window.show_page(window.first_page)  # the doctor's own comes by hand: it would try the ladder at once
        page = window.page("gpu")
        assert isinstance(page, GpuPage)
        controller = GpuController(context, page, lay_out(tmp_path / "clone", program, cost))
        made = Doctor(controller, page, drive, window)
        drive(lambda: not flows.everything)  # the size is known, or cannot be
        return made

    yield make
    flows.interrupt_all()


@pytest.mark.whole
def test_set_is_installed_after_consent_and_checks_run_again(
    doctor: Callable[..., Doctor], tmp_path: Path, flows: FlowRunner, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a failed check with an installer, when it is requested, then the sizes are shown first. After consent the
    page shows the installer's progress, and no other flow starts. At the end new workers run the checks again."""
    clone = tmp_path / "clone"
    tried: list[bool] = []
    monkeypatch.setattr(GpuController, "start", lambda _self: tried.append(True))
    one = doctor(WELL)
    assert one.button("Install").text() == f"Install ({size_bytes(242_000_000)})"
    one.button("Install").click()
    shown = one.answer("install")
    assert "242 MB" in shown and "559 MB" in shown and "3 packages" in shown
    one.drive(lambda: "Downloading: 2 of 3" in words(one.page))
    assert (clone / "said").read_text(encoding="utf-8").split() == ["--gpu", "rtx", "--version"]
    assert one.button("Stop").isEnabled() and not one.button("Check again").isEnabled()
    began: list[bool] = []
    flows.start(noted(began), title="Another", on_done=lambda _: None, on_failed=lambda _: None)
    one.drive(lambda: "1 s" in words(one.page))
    assert not began, "packages change under what would begin now"
    (clone / "go").touch()
    one.drive(lambda: bool(tried) and bool(began), 60)
    assert session.described is not None, "a new worker has described the computer"
    assert "Downloading" not in words(one.page) and one.controller._installing._trouble is None


def noted(began: list[bool]) -> Flow[None]:
    def work(_stopped: Stopped) -> None:
        began.append(True)

    yield DiskStep(work)


def test_declined_installation_starts_nothing(doctor: Callable[..., Doctor], tmp_path: Path, flows: FlowRunner) -> None:
    one = doctor(WELL)
    one.button("Install").click()
    one.answer("no")
    assert not flows.everything and not (tmp_path / "clone" / "said").exists()
    assert one.button("Install").isEnabled()


@pytest.mark.parametrize(
    ("program", "cost", "texts"),
    [
        (FAILS, COST, ["The disk is full.", "Make room."]),
        (BREAKS, COST, ["Segmentation fault", "it resumes"]),
        (FAILS, NO_COST, ["There are no builds here.", "Fettle works without it."]),
    ],
)
def test_failed_installation_shows_its_reason(
    doctor: Callable[..., Doctor], program: str, cost: str, texts: list[str]
) -> None:
    """Given an installer that refuses, crashes or lacks the set, then its reason is shown, without a command line."""
    one = doctor(program, cost)
    one.button("Install").click()
    if cost == COST:
        one.answer("install")
    one.drive(lambda: "were not installed" in words(one.window.notice))
    shown = one.more
    assert all(text in shown for text in texts) and "Models, data and results are unchanged" in shown
    assert "Only the base." in words(one.page) and one.button("Install").isEnabled()
    assert "installer/fettle" not in shown


@pytest.mark.whole
def test_installation_can_be_stopped_with_its_children(doctor: Callable[..., Doctor], tmp_path: Path) -> None:
    """Given an installer that waits for a child process, when it is cancelled, then both end, the window does not wait,
    and the page explains how to continue."""
    one = doctor(HANGS)
    one.button("Install").click()
    one.answer("install")
    child = tmp_path / "clone" / "child"
    one.drive(lambda: child.exists() and child.read_text(encoding="utf-8").strip())
    pid = int(child.read_text(encoding="utf-8"))
    assert is_alive(pid)
    one.button("Stop").click()
    assert "Stopping" in words(one.page), "nobody was waited for"
    one.drive(lambda: "The installation was stopped" in words(one.window.notice))
    assert not is_alive(pid)
    assert one.button("Install").isEnabled()


def test_installation_is_refused_while_a_job_runs(doctor: Callable[..., Doctor], flows: FlowRunner) -> None:
    """Given a running job, when the installation is requested, then the page names the job and asks nothing."""
    one = doctor(WELL)

    def long(stopped: Stopped) -> None:
        while not stopped():
            time.sleep(0.01)

    def job() -> Flow[None]:
        yield DiskStep(long)

    flows.start(job(), title="Optimize Colors", on_done=lambda _: None, on_failed=lambda _: None)
    one.button("Install").click()
    assert not one.is_asked and len(flows.everything) == 1
    assert "“Optimize Colors” is running" in one.more


def test_set_that_cannot_be_installed_is_explained_without_a_command() -> None:
    """Given a program that cannot install a set, then neither a button nor the command is shown. Otherwise one of two
    equal checks has the button."""
    (place,) = gpu_value((CARD,), [BROKEN], is_trying=False).places
    assert place.rungs[0].installs is None and "processor does the work" in place.rungs[0].hint
    (place,) = gpu_value((CARD,), [BROKEN, BROKEN], is_trying=False, sets={"rtx": SetValue("rtx")}).places
    assert [rung.installs for rung in place.rungs] == ["rtx", None]


def test_installer_that_does_not_start_is_reported(tmp_path: Path) -> None:
    """Given a file that is no program, then the error names that and the command to use instead."""
    installer = lay_out(tmp_path, "")
    installer.program.chmod(0o600)
    failed = refusal(installer.take, "cuda", InstallerStatus(), lambda: False)
    assert "could not be started" in failed.error.detail
    assert failed.error.facts == {"command": "installer/fettle --gpu cuda"}


def test_installer_output_that_is_no_status_is_shown_unchanged(tmp_path: Path) -> None:
    """Given output lines that are no status objects, then they are shown unchanged."""
    heard = InstallerStatus()
    lay_out(tmp_path, '#!/bin/sh\necho "[1]"\necho \'{"name": 1}\'\n').take("rtx", heard, lambda: False)
    assert (heard.line, heard.share) == ('{"name": 1}', None)
