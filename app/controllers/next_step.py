"""Offer the next step of the workflow on empty pages, with one click."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.controllers.flows import FlowRunner
from app.controllers.session import Session
from app.controllers.words import tr
from widgets.main_window import MainWindow
from widgets.parts.page import NextStep, Page


class NextSteps(QObject):
    """The next step on all created pages; owned by the window's controller."""

    def __init__(self, window: MainWindow, session: Session, flows: FlowRunner, parent: QObject) -> None:
        """Update the pages on every change of the session or the flows."""
        super().__init__(parent)
        self._window, self._session, self._flows = window, session, flows
        window.page_built.connect(self._on_page_built)
        for changed in (session.model_changed, session.run_changed, flows.changed):
            changed.connect(self.update)
        for page in window.built_pages.values():
            self._on_page_built("", page)

    def update(self) -> None:
        """Set the next step on all created pages."""
        step = self._step()
        for page in self._window.built_pages.values():
            if isinstance(page, Page):
                page.set_next(step)

    def _on_page_built(self, _page_id: str, page: QWidget) -> None:
        if isinstance(page, Page):
            page.set_next(self._step())
            page.next_requested.connect(self._window.show_page)

    def _step(self) -> NextStep:
        if self._session.model is None:
            return NextStep("model", tr("Choose a model"))
        if self._session.run is not None:
            return NextStep("export", tr("Export a version"))
        if self._flows.runs:
            return NextStep("optimize", tr("Watch the optimization"))
        return NextStep("goal", tr("Choose a goal"))
