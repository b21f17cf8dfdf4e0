"""A stand-in for the window, and flows whose results the test gives: no process, no database, no network."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from app.controllers.running import JobSlot
from app.services.flow.events import StepProgress
from app.services.flow.steps import FlowCancelled, JobError, StepResult
from widgets.commands import Commands
from widgets.theme import Theme
from workers.contracts.error_info import ErrorInfo
from workers.contracts.hub import HubDownloadResult, OriginFile


class StartedFlow:
    """One started flow; `params` are those of its current job. A test answers, fails or cancels it."""

    def __init__(self, flow: Any, slot: JobSlot | None, callbacks: dict[str, Any]) -> None:
        self.flow, self.slot, self.callbacks = flow, slot, callbacks
        if slot is not None:
            slot.drop()
            slot.running = self
        self.is_over = False
        self.step: Any = None
        self._advance(lambda: next(flow))

    @property
    def kind(self) -> str:
        return str(self.step.kind)

    @property
    def params(self) -> Any:
        return self.step.params

    def answer(self, result: Any) -> None:
        """Finish the job with a result."""
        self._advance(lambda: self.flow.send(StepResult(result, Path())))

    def finish(self, fetched_bytes: int = 1000) -> None:
        """Finish a download whose files have arrived."""
        files = self.params.files
        for file in files:
            path = Path(self.params.place) / "files" / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * file.size_bytes)
        came = tuple(OriginFile(name=one.name, sha256=one.sha256, size_bytes=one.size_bytes) for one in files)
        self.answer(HubDownloadResult(files=came, fetched_bytes=fetched_bytes))

    def fail(self, code: str = "hub_unreachable", exit_code: int = 6) -> None:
        """Raise the error of a failed job in the flow."""
        error = ErrorInfo(code=code, title=f"Title {code}", detail=f"Detail {code}.", hint=f"Hint {code}.")
        self._advance(lambda: self.flow.throw(JobError(error, exit_code)))

    def progress(self, stage: str, done: float, total: float, eta_s: float | None = None, stage_id: str = "") -> None:
        """Report the progress of the job."""
        self.callbacks["observe"](StepProgress(None, stage, done, total, "bytes", eta_s, stage_id=stage_id))

    def cancel(self) -> None:
        """Cancel the flow as the flow runner does."""
        if not self.is_over:
            self._advance(lambda: self.flow.throw(FlowCancelled()))

    def _advance(self, resume: Callable[[], Any]) -> None:
        try:
            self.step = resume()
        except StopIteration as stop:
            self._end("on_done", stop.value)
        except FlowCancelled:
            self._end("on_cancelled")
        except JobError as error:
            self._end("on_failed", error.error)

    def _end(self, name: str, *result: Any) -> None:
        """Report the end, unless the flow was dropped from its slot."""
        self.is_over = True
        if self.slot is None or self.slot.running is self:
            if self.slot is not None:
                self.slot.running = None
            self.callbacks.get(name, lambda: None)(*result)


class Flows(QObject):
    """Stand-in for the flow runner."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.started: list[StartedFlow] = []

    def start(self, flow: Any, *, slot: JobSlot | None = None, **callbacks: Any) -> StartedFlow:
        requested = StartedFlow(flow, slot, callbacks)
        self.started.append(requested)
        return requested

    def cancel(self, started: StartedFlow) -> None:
        started.cancel()

    @property
    def open(self) -> list[StartedFlow]:
        """Return the flows that wait for a result."""
        return [requested for requested in self.started if not requested.is_over]


class Window(QWidget):
    """Stand-in for the main window."""

    page_shown = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.current_page, self.commands = "hub", Commands()

    def show_page(self, page_id: str) -> None:
        self.current_page = page_id
        self.page_shown.emit(page_id)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """Return the light theme, whatever the system's theme is."""
    made = Theme(qapp, "light")
    yield made
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def flows() -> Flows:
    return Flows()


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return a data folder with a hub at an address without a server, and without a token."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return SimpleNamespace(paths=SimpleNamespace(hub=tmp_path / "hub", root=tmp_path))


@pytest.fixture
def session(space: SimpleNamespace) -> SimpleNamespace:
    return SimpleNamespace(workspace=space, described=None, project=None)


@pytest.fixture
def window(qtbot: Any) -> Window:
    made = Window()
    qtbot.addWidget(made)
    return made
