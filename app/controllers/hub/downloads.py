"""Manage several downloads from the hub at once, with pause and resume, also of earlier sessions."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.controllers.flows import FlowRunner, Running
from app.controllers.words import tr
from app.services.flow.events import Event, StepProgress
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.hub.flows import Downloaded, download_model, resume_download
from app.services.hub.model_cache import ModelCache
from app.services.hub.pending import PendingDownload
from widgets.pages.hub.value import DownloadState, DownloadValue
from workers.contracts.errors import ErrorInfo
from workers.contracts.hub import CHECKING, HubRequest

AT_ONCE = 3
SPEED_OVER_S = 5.0
"""Length in seconds of the window in which the shown speed is measured."""


@dataclass
class Download:
    """One download; `pending` is set for a download that continues at a known commit. Owned by `Downloads`."""

    id: str
    name: str
    total_bytes: int | None
    request: HubRequest | None = None
    pending: PendingDownload | None = None
    state: DownloadState = "waiting"
    done_bytes: int = 0
    remaining_s: float | None = None
    note: str = ""
    error: ErrorInfo | None = None
    path: Path | None = None
    running: Running | None = None
    keeps_pieces: bool = False
    marks: deque[tuple[float, float]] = field(default_factory=deque)

    def advance(self, done: float, total: float | None, eta_s: float | None, now_s: float) -> None:
        """Record that `done` bytes have arrived by `now_s`."""
        self.done_bytes, self.total_bytes = int(done), int(total) if total else self.total_bytes
        self.remaining_s = eta_s
        self.marks.append((now_s, done))
        while now_s - self.marks[0][0] > SPEED_OVER_S and len(self.marks) > 2:
            self.marks.popleft()

    @property
    def bytes_per_s(self) -> float | None:
        """Return the speed of the last seconds; None before there are two readings."""
        if len(self.marks) < 2:
            return None
        (began_s, first), (now_s, last) = self.marks[0], self.marks[-1]
        return (last - first) / (now_s - began_s) if now_s > began_s and last > first else None

    @property
    def left_s(self) -> float | None:
        """Return the remaining time in seconds, from the worker process or else from the speed."""
        if self.remaining_s is not None:
            return self.remaining_s
        speed = self.bytes_per_s
        return (self.total_bytes - self.done_bytes) / speed if speed and self.total_bytes else None

    @property
    def value(self) -> DownloadValue:
        """Return the download as the page shows it."""
        is_running = self.state == "running"
        return DownloadValue(
            self.id,
            self.name,
            self.state,
            self.done_bytes,
            self.total_bytes,
            self.bytes_per_s if is_running else None,
            self.left_s if is_running else None,
            self.note,
        )


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
        return tuple(item.value for item in self._items.values())

    def get(self, repo: str) -> Download | None:
        """Return the download of this repository; None if there is none."""
        return self._items.get(repo)

    def find_arrivals(self) -> None:
        """Show interrupted downloads of earlier sessions as paused, and forget those that were removed elsewhere."""
        model_cache = ModelCache(self._workspace.paths.hub)
        pending_downloads = model_cache.pending_downloads()
        here = {pending.repo for pending in pending_downloads}
        for item in list(self._items.values()):
            if item.state == "paused" and item.id not in here:
                del self._items[item.id]
        for pending in pending_downloads:
            if pending.repo not in self._items:
                self._items[pending.repo] = Download(
                    pending.repo,
                    _short(pending.repo),
                    pending.total_bytes,
                    pending=pending,
                    state="paused",
                    done_bytes=min(model_cache.come_bytes(pending.key), pending.total_bytes),
                )
        self.changed.emit()

    def forget(self, repo: str) -> None:
        """Remove a finished download from the list."""
        item = self._items.get(repo)
        if item is not None and item.state == "done":
            del self._items[repo]
            self.changed.emit()

    def start(self, ask: HubRequest, total_bytes: int | None) -> None:
        """Start or continue a download; a fourth one waits for its turn."""
        known = self._items.get(ask.repo)
        if known is not None and known.state in ("waiting", "running", "checking"):
            return
        self._items[ask.repo] = Download(ask.repo, _short(ask.repo), total_bytes, request=ask)
        self._begin_waiting()

    def pause(self, repo: str) -> None:
        """Stop a download and keep the data received so far."""
        self._stop(repo, keeps_pieces=True)

    def resume(self, repo: str) -> None:
        """Continue a download with the data received so far."""
        item = self._items.get(repo)
        if item is not None and item.state in ("paused", "failed"):
            item.state, item.note, item.error = "waiting", "", None
            item.marks.clear()
            self._begin_waiting()

    def cancel(self, repo: str) -> None:
        """Stop a download and remove its data; a finished one is only removed from the list."""
        item = self._items.get(repo)
        if item is None:
            return
        if item.running is not None:
            self._stop(repo, keeps_pieces=False)
            return
        del self._items[repo]
        if item.state in ("paused", "failed"):
            self._discard(item)
        self.changed.emit()

    def _stop(self, repo: str, *, keeps_pieces: bool) -> None:
        item = self._items.get(repo)
        if item is None:
            return
        item.keeps_pieces = keeps_pieces
        if item.running is not None:
            self._flows.cancel(item.running)
        elif keeps_pieces and item.state == "waiting":
            item.state = "paused"
            self.changed.emit()
        elif item.state == "waiting":
            del self._items[repo]
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
            title=tr("Download {0}").format(item.name),
            on_done=lambda came: self._on_done(item, came),
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
        if not isinstance(event, StepProgress) or event.unit != "bytes":
            return
        item.state = "checking" if event.stage_id == CHECKING else "running"
        item.advance(event.done, event.total, event.remaining_s, time.monotonic())
        self.changed.emit()

    def _on_done(self, item: Download, came: Downloaded) -> None:
        item.running, item.state, item.path = None, "done", came.stored.open_path
        item.done_bytes = item.total_bytes = came.stored.size_bytes
        if not came.fetched_bytes and not came.resumed_bytes:
            item.note = tr("It was here already; nothing was downloaded")
        self._begin_waiting()
        self.finished.emit(item.id, str(item.path))

    def _on_failed(self, item: Download, error: ErrorInfo) -> None:
        item.running, item.state, item.error = None, "failed", error
        item.note = f"{error.title}. {error.hint}"
        self._begin_waiting()
        self.failed.emit(item.id, error)

    def _on_cancelled(self, item: Download) -> None:
        item.running = None
        if item.keeps_pieces:
            item.state = "paused"
        else:
            self._items.pop(item.id, None)
        self._begin_waiting()

    def _discard(self, item: Download) -> None:
        model_cache = ModelCache(self._workspace.paths.hub)
        for pending in model_cache.pending_downloads():
            if pending.repo == item.id:
                model_cache.discard(pending.key)


def _short(repo: str) -> str:
    return repo.rpartition("/")[2] or repo
