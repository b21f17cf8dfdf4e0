"""Show the chosen model of the page Hub: query the hub once, then download, open or unlock the model."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from app.controllers.commands import OPEN_MODEL
from app.controllers.hub.downloads import BUSY_STATES, Downloads
from app.controllers.hub.presenter import WHO_CODES, detail_value
from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.words import error_words
from app.services.hub.flows import hub_address, hub_model, log_in, token_place
from app.services.hub.model_cache import ModelCache
from widgets.dialogs.hub_questions import link_question, pickle_question
from widgets.dialogs.questions import ask
from widgets.pages.hub.page import HubPage
from widgets.pages.hub.value import DownloadState, Gated, HubDetailValue
from widgets.timers import pause
from workers.contracts.error_info import ErrorInfo
from workers.contracts.hub import DEFAULT_REVISION, HubModelResult, HubRequest
from workers.contracts.translation import _

REST_MS = 250
"""Time in ms that a row must stay selected before the hub is queried: arrow keys pass over many rows."""
NOTHING = HubDetailValue("", "")


class ChosenModel(PageController[HubPage]):
    """The details of the chosen model, owned by the controller of the page Hub; `_job` queries the hub."""

    def __init__(
        self, context: ControllerContext, page: HubPage, downloads: Downloads, find_safe: Callable[[str], None]
    ) -> None:
        """Create the details and connect them to the page; `find_safe(name)` searches for a similar safe model."""
        super().__init__(context, page)
        self._downloads, self._find_safe = downloads, find_safe
        self._found: dict[str, HubModelResult] = {}
        self._before = NOTHING
        self._opens_next = ""
        self._shown_state: DownloadState | None = None
        self._rest = pause(self, REST_MS, self._look)
        page.detail.action_requested.connect(self._on_action)
        page.detail.card_requested.connect(self._on_card)
        page.detail.page_requested.connect(self.open_address)
        page.link_clicked.connect(self.open_address)
        page.detail.token_given.connect(self._on_token)
        page.downloads.resume_requested.connect(self._on_resume)
        page.downloads.open_requested.connect(self._on_open)
        downloads.finished.connect(self._on_finished)
        downloads.failed.connect(self._on_failed)
        downloads.changed.connect(self._on_changed)

    @property
    def repo(self) -> str:
        """Return the repository of the chosen model, "" for none."""
        return self._before.id

    def choose(self, before: HubDetailValue, *, queries: bool) -> None:
        """Show a model with its known facts; with `queries` the hub is queried for the rest without a further click."""
        self._before = before
        self._rest.stop()
        self._job.drop()
        if self._show_found():
            return
        self._page.detail.show_value(before)
        if queries and before.id:
            self._rest.start()

    # --- queries

    def _look(self) -> None:
        self._show_with(action="", is_loading=True)
        flow = hub_model(self._session.workspace, HubRequest(repo=self.repo))
        self._start(flow, self._on_looked, on_failed=self._show_refusal)

    def _on_looked(self, model: HubModelResult) -> None:
        self._found[model.repo] = model
        self._show_found()

    # --- display

    def _show_found(self) -> bool:
        """Show the hub's facts about the model; return False if the hub was not queried yet."""
        found = self._found.get(self.repo)
        if found is None:
            return False
        model_cache = ModelCache(self._session.workspace.paths.hub)
        value = detail_value(
            found, model_cache.free_bytes(), self._address, has_token=token_place(self._session.workspace) != ""
        )
        if self._state_of(self.repo) in BUSY_STATES:
            value = replace(value, action="")
        elif self._path_of(self.repo) is not None:
            value = replace(value, action="open", problem="", gated=None)
        self._shown_state = self._state_of(self.repo)
        self._page.detail.show_value(value)
        return True

    def _state_of(self, repo: str) -> DownloadState | None:
        download = self._downloads.get(repo)
        return download.state if download is not None else None

    def _path_of(self, repo: str) -> Path | None:
        """Return the path to open if the hub's current version of the model is on this computer."""
        found = self._found.get(repo)
        download = self._downloads.get(repo)
        if download is not None and download.path is not None:
            return download.path
        model_cache = ModelCache(self._session.workspace.paths.hub)
        revision = found.commit if found is not None else DEFAULT_REVISION
        for allow_pickle in (False, True):
            request = HubRequest(repo=repo, revision=revision, allow_pickle=allow_pickle)
            stored = model_cache.find(hub_address(), request)
            if stored is not None:
                return stored.open_path
        return None

    def _show_refusal(self, error: ErrorInfo) -> None:
        if error.code in WHO_CODES:
            self._show_with(action="again", problem=_(error.detail), gated=self._gated())
        else:
            self._show_with(action="again", problem=error_words(error))

    def _show_with(self, **changes: Any) -> None:
        self._page.detail.show_value(replace(self._before, **{"is_loading": False, **changes}))

    def _gated(self, note: str = "") -> Gated:
        return self._address, token_place(self._session.workspace) != "", note

    @property
    def _address(self) -> str:
        return f"{hub_address()}/{self.repo}"

    def _on_card(self, repo: str) -> None:
        found = self._found.get(repo)
        if found is not None:
            cut = _("\n\n*The card is longer than is shown here.*") if found.card_cut else ""
            self._page.show_card(found.name, found.card + cut)

    def open_address(self, address: str) -> None:
        """Ask the user with the whole address in view, then open it in the browser."""
        if not address.startswith(("https://", "http://")):
            return
        dialog = link_question(self._context.theme, self._window, address)
        ask(dialog, open=lambda: QDesktopServices.openUrl(QUrl(address)))

    # --- actions

    def _on_action(self, action: str, repo: str) -> None:
        doings: dict[str, Callable[[], None]] = {
            "look_up": self._look,
            "again": self._look,
            "download": lambda: self._download(repo, consented=False),
            "consent": lambda: self._ask_consent(repo),
            "open": lambda: self._on_open(repo),
        }
        doings[action]()

    def _download(self, repo: str, *, consented: bool) -> None:
        found = self._found[repo]
        self._opens_next = repo
        request = HubRequest(repo=repo, revision=found.revision, allow_pickle=consented)
        self._downloads.start(request, found.total_bytes or None)

    def _ask_consent(self, repo: str) -> None:
        ask(
            pickle_question(self._context.theme, self._window, repo),
            download=lambda: self._download(repo, consented=True),
            safe=lambda: self._find_safe(repo.rpartition("/")[2]),
        )

    def _on_resume(self, repo: str) -> None:
        self._opens_next = repo
        self._downloads.resume(repo)

    def _on_changed(self) -> None:
        """Show the button that fits the state of the download."""
        state = self._state_of(self.repo)
        if state != self._shown_state and not self._job.is_busy and self.repo in self._found:
            self._show_found()

    def _on_finished(self, repo: str, _path: str) -> None:
        """Open the model that was requested last, if the user still waits for it on this page."""
        if repo == self._opens_next and self._window.current_page == "hub":
            self._opens_next = ""
            self._on_open(repo)

    def _on_failed(self, repo: str, error: ErrorInfo) -> None:
        if repo == self.repo and error.code in WHO_CODES:
            self._show_refusal(error)

    def _on_open(self, repo: str) -> None:
        path = self._path_of(repo)
        if path is not None:
            self._downloads.forget(repo)
            self._commands.do(OPEN_MODEL, str(path))

    # --- log-in

    def _on_token(self, repo: str, token: str) -> None:
        self._show_with(is_loading=True)
        self._flows.start(
            log_in(self._session.workspace, token),
            title="",
            on_done=lambda _who: self._on_logged_in(repo),
            on_failed=lambda error: self._on_token_refused(repo, error),
        )

    def _on_logged_in(self, repo: str) -> None:
        self._found.pop(repo, None)
        if repo == self.repo:
            self._look()

    def _on_token_refused(self, repo: str, error: ErrorInfo) -> None:
        if repo == self.repo:
            self._show_with(action="again", gated=self._gated(f"{error.detail} {error.hint}"))
