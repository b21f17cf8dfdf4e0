"""Manage several downloads from the hub at once, with pause and resume, also of earlier sessions."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.controllers.flows import FlowRunner
from app.controllers.running import Running
from app.services.flow.events import Event, StepProgress
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.hub.flows import Downloaded, download_model, resume_download
from app.services.hub.model_cache import ModelCache, PendingDownload
from widgets.pages.hub.value import DownloadState, DownloadValue
from workers.contracts.error_info import ErrorInfo
from workers.contracts.hub import CHECKING, HubRequest
from workers.contracts.translation import _, joined

AT_ONCE = 3
BUSY_STATES: tuple[DownloadState, ...] = ("waiting", "running", "checking")
SPEED_OVER_S = 5.0
"""Length in seconds of the window in which the shown speed is measured."""


@dataclass
class Download(DownloadValue):
    """One download; `pending` is set for a download that continues at a known commit. Owned by `Downloads`."""

    request: HubRequest | None = None
    pending: PendingDownload | None = None
    path: Path | None = None
    running: Running | None = None
    keeps_pieces: bool = False
    marks: deque[tuple[float, float]] = field(default_factory=deque)

    def enter(self, state: DownloadState, note: str = "") -> None:
        """Change the state; speed and remaining time are unknown until the next progress."""
        self.state, self.note, self.bytes_per_s, self.left_s = state, note, None, None

    def advance(self, event: StepProgress, now_s: float) -> None:
        """Record the bytes that are here at `now_s`, and the speed of the last seconds."""
        self.state = "checking" if event.stage_id == CHECKING else "running"
        self.done_bytes, self.total_bytes = int(event.done), int(event.total) if event.total else self.total_bytes
        self.marks.append((now_s, event.done))
        while now_s - self.marks[0][0] > SPEED_OVER_S and len(self.marks) > 2:
            self.marks.popleft()
        began_s, first = self.marks[0]
        self.bytes_per_s = (event.done - first) / (now_s - began_s) if now_s > began_s and event.done > first else None
        self.left_s = event.remaining_s
        if self.left_s is None and self.bytes_per_s and self.total_bytes:
            self.left_s = (self.total_bytes - self.done_bytes) / self.bytes_per_s


class Downloads(QObject):
    """All downloads by repository, owned by the controller of the page Hub.

    `finished(repo, path)` and `failed(repo, ErrorInfo)` are emitted once per download.
    """

    changed = Signal()
    finished = Signal(str, str)
    failed = Signal(str, object)

    def __init__(self, workspace: Workspace, flows: FlowRunner, parent: QObject | None = None) -> None:
        """Create an empty list of downloads."""
        super().__init__(parent)
        self._workspace, self._flows = workspace, flows
        self._items: dict[str, Download] = {}

    @property
    def values(self) -> tuple[DownloadValue, ...]:
        """Return all downloads in the order of their requests."""
        return tuple(self._items.values())

    def get(self, repo: str) -> Download | None:
        """Return the download of this repository; None if there is none."""
        return self._items.get(repo)

    def find_arrivals(self) -> None:
        """Show interrupted downloads of earlier sessions as paused, and forget those that were removed elsewhere."""
        model_cache = ModelCache(self._workspace.paths.hub)
        pending_downloads = model_cache.pending_downloads()
        here = {pending.repo for pending in pending_downloads}
        for item in list(self._items.values()):
            if item.state == "paused" and item.repo not in here:
                del self._items[item.repo]
        for pending in pending_downloads:
            if pending.repo not in self._items:
                total = pending.total_bytes
                done = min(model_cache.received_bytes(pending.key), total)
                self._items[pending.repo] = Download(pending.repo, "paused", done, total, pending=pending)
        self.changed.emit()

    def forget(self, repo: str) -> None:
        """Remove a finished download from the list."""
        item = self._items.get(repo)
        if item is not None and item.state == "done":
            del self._items[repo]
            self.changed.emit()

    def start(self, request: HubRequest, total_bytes: int | None) -> None:
        """Start or continue a download; a fourth one waits for its turn."""
        known = self._items.get(request.repo)
        if known is not None and known.state in BUSY_STATES:
            return
        self._items[request.repo] = Download(request.repo, "waiting", total_bytes=total_bytes, request=request)
        self._begin_waiting()

    def pause(self, repo: str) -> None:
        """Stop a download and keep the data received so far."""
        item = self._items.get(repo)
        if item is None:
            return
        item.keeps_pieces = True
        if item.running is not None:
            self._flows.cancel(item.running)
        elif item.state == "waiting":
            item.enter("paused")
            self.changed.emit()

    def resume(self, repo: str) -> None:
        """Continue a download with the data received so far."""
        item = self._items.get(repo)
        if item is not None and item.state in ("paused", "failed"):
            item.enter("waiting")
            item.marks.clear()
            self._begin_waiting()

    def cancel(self, repo: str) -> None:
        """Stop a download and remove its data; a finished one is only removed from the list."""
        item = self._items.get(repo)
        if item is None:
            return
        if item.running is not None:
            item.keeps_pieces = False
            self._flows.cancel(item.running)
            return
        del self._items[repo]
        model_cache = ModelCache(self._workspace.paths.hub)
        for pending in model_cache.pending_downloads() if item.state in ("paused", "failed") else ():
            if pending.repo == repo:
                model_cache.discard(pending.key)
        self.changed.emit()

    def _begin_waiting(self) -> None:
        n_running = sum(item.running is not None for item in self._items.values())
        for item in self._items.values():
            if item.state == "waiting" and item.running is None and n_running < AT_ONCE:
                n_running += 1
                self._begin(item)
        self.changed.emit()

    def _begin(self, item: Download) -> None:
        item.keeps_pieces = False
        item.running = self._flows.start(
            self._flow(item, lambda: item.keeps_pieces),
            title=_("Download {0}").format(item.name),
            on_done=lambda downloaded: self._on_done(item, downloaded),
            on_failed=lambda error: self._on_failed(item, error),
            on_cancelled=lambda: self._on_cancelled(item),
            observe=lambda event: self._on_event(item, event),
        )

    def _flow(self, item: Download, keeps: Callable[[], bool]) -> Flow[Downloaded]:
        if item.pending is not None:
            return resume_download(self._workspace, item.pending, keeps)
        assert item.request is not None
        return download_model(self._workspace, item.request, keeps)

    def _on_event(self, item: Download, event: Event) -> None:
        if isinstance(event, StepProgress) and event.unit == "bytes":
            item.advance(event, time.monotonic())
            self.changed.emit()

    def _on_done(self, item: Download, downloaded: Downloaded) -> None:
        is_old = not downloaded.fetched_bytes and not downloaded.resumed_bytes
        item.enter("done", _("It was here already; nothing was downloaded") if is_old else "")
        item.running, item.path = None, downloaded.stored.open_path
        item.done_bytes = item.total_bytes = downloaded.stored.size_bytes
        self._begin_waiting()
        self.finished.emit(item.repo, str(item.path))

    def _on_failed(self, item: Download, error: ErrorInfo) -> None:
        item.running = None
        item.enter("failed", joined([_("{0}.").format(_(error.title)), _(error.hint)]))
        self._begin_waiting()
        self.failed.emit(item.repo, error)

    def _on_cancelled(self, item: Download) -> None:
        item.running = None
        if item.keeps_pieces:
            item.enter("paused")
        else:
            self._items.pop(item.repo, None)
        self._begin_waiting()
