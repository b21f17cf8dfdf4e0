"""Show the first page before there is a session and queue the user's actions until the controllers exist.

The first run shows the complete page Model. Later starts show the frame of the page that will open.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, SignalInstance

from app.controllers.commands import OPEN_MODEL, OPEN_SAMPLE, SEARCH_HUB, SETTLE_MODEL
from app.controllers.model.sample import sample_or_none, sample_value
from widgets.main_window import MainWindow
from widgets.pages.model.page import ModelPage
from widgets.parts.page import Page
from workers.contracts.translation import _

if TYPE_CHECKING:
    from app.controllers.app_controller import AppController
    from app.first_settings import FirstSettings
    from app.settings import Settings


def show_first_page(window: MainWindow, settings: "Settings | FirstSettings", *, has_files: bool) -> None:
    """Show the first page; this imports no numpy, no graph library and no database."""
    if settings.last_project_id or has_files:
        page_id = settings.last_page if settings.last_page in window.rail.entries and not has_files else "model"
        window.show_page(page_id)
        page = window.page(page_id)
        assert isinstance(page, Page)
        page.show_waiting(_("Opening your file") if has_files else _("Opening your last page"))
        return
    window.show_page("model")
    model_page = window.page("model")
    assert isinstance(model_page, ModelPage)
    sample = sample_or_none()
    model_page.show_empty(sample_value(sample) if sample else None)


class StartupQueue(QObject):
    """The user's last action and page choice before the controllers exist; owned by the application."""

    def __init__(self, window: MainWindow) -> None:
        """Start to listen to the window and its first page."""
        super().__init__(window)
        self._window = window
        self._queued: Callable[[AppController], None] | None = None
        self._chosen_page = ""
        page = window.built_pages.get("model")
        self._page = page if isinstance(page, ModelPage) else None
        self._links: list[tuple[SignalInstance, Callable[..., None]]] = [
            (window.page_requested, self._on_page), (window.paths_dropped, self._on_paths)
        ]  # fmt: skip
        if self._page is not None:
            self._links += [
                (self._page.sample_requested, self._on_sample), (self._page.file_chosen, self._on_file),
                (self._page.hub_requested, self._on_hub),
            ]  # fmt: skip
        for signal, slot in self._links:
            signal.connect(slot)

    def hand_over(self, app_controller: "AppController") -> None:
        """Run the queued action and stop listening. A page that the user has chosen stays and receives the result."""
        for signal, slot in self._links:
            signal.disconnect(slot)
        if self._chosen_page:
            self._window.show_page(self._chosen_page)
        if self._queued is not None:
            self._queued(app_controller)

    def _on_page(self, page_id: str) -> None:
        self._chosen_page = page_id

    def _on_paths(self, paths: list[str]) -> None:
        self._wait(lambda app_controller: app_controller.take_paths(paths), _("Opening your file"))

    def _on_file(self, path: str) -> None:
        self._wait(lambda app_controller: app_controller.commands.do(OPEN_MODEL, path), _("Opening your file"))

    def _on_hub(self, text: str) -> None:
        def search(app_controller: "AppController") -> None:
            app_controller.commands.do(SEARCH_HUB, text)
            app_controller.commands.do(SETTLE_MODEL)

        self._wait(search, _("Opening the hub's page"))

    def _on_sample(self) -> None:
        self._wait(lambda app_controller: app_controller.commands.do(OPEN_SAMPLE), _("Opening the sample"))

    def _wait(self, action: "Callable[[AppController], None]", words: str) -> None:
        self._queued = action
        if self._page is not None:
            self._page.show_waiting(words)
