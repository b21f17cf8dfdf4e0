"""Download several files at once with common progress, until all are complete or the first one fails."""

import os
import queue
import shutil
import threading
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

from workers.contracts.errors import JobCancelled
from workers.contracts.hub import CHECKING, HubDownloadParams, HubDownloadResult, HubFile, OriginFile
from workers.contracts.process.context import JobContext
from workers.hub import words
from workers.hub.client import COMMIT, Hub, checked_repo
from workers.hub.fetch import Fetcher
from workers.hub.partial_file import PartialFile

TICK_S = 0.05
STAGE, CHECK_STAGE, UNIT = "Download", "Check what is here", "bytes"


class Meter:
    """Shared counters and messages of the download threads and the job's own thread."""

    def __init__(self) -> None:
        """Create counters at zero."""
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.notices: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.here = self.fetched = self.checked = self.resumed = 0

    def count(self, change: int) -> None:
        """Count bytes from the network, or (negative) discarded bytes.

        Raises:
            JobCancelled: the work must stop.
        """
        with self._lock:
            self.here += change
            self.fetched += max(0, change)
        if change > 0:
            self.check()

    def found(self, size: int) -> None:
        """Count bytes that existed before."""
        with self._lock:
            self.here += size
            self.resumed += size

    def seen(self, size: int) -> None:
        """Count existing bytes that were checked.

        Raises:
            JobCancelled: the work must stop.
        """
        with self._lock:
            self.checked += size
        self.check()

    def stop(self) -> None:
        """Signal all threads to stop."""
        self._stop.set()

    def check(self) -> None:
        """Raise `JobCancelled` in a thread that must stop."""
        if self._stop.is_set():
            raise JobCancelled

    def pause(self, seconds: float) -> None:
        """Sleep, unless the work must stop.

        Raises:
            JobCancelled: the work must stop.
        """
        if self._stop.wait(seconds):
            raise JobCancelled


def download(params: HubDownloadParams, ctx: JobContext) -> HubDownloadResult:
    """Download all files; complete files and pieces stay in `params.place` after an error and are reused.

    Raises:
        WorkerError: a file cannot be downloaded.
    """
    repo, place, meter = checked_repo(params.repo), Path(params.place), Meter()
    if not COMMIT.fullmatch(params.commit):
        raise words.not_found(repo, "revision")
    hub = Hub(params.access, meter.pause, meter.notices.put)
    fetcher = Fetcher(hub, repo, params.commit, meter.count)
    total = sum(file.size_bytes for file in params.files)
    with ThreadPoolExecutor(params.threads, thread_name_prefix="download") as pool:
        jobs = [pool.submit(_one, place, file, meter, fetcher) for file in params.files]
        try:
            _watch(jobs, meter, total, ctx)
        finally:
            meter.stop()
            pool.shutdown(wait=True, cancel_futures=True)
    _remove_others(place / "files", params.files)
    shutil.rmtree(place / "pieces", ignore_errors=True)
    ctx.progress(STAGE, total, total, UNIT)
    files = tuple(job.result() for job in jobs)
    return HubDownloadResult(files=files, fetched_bytes=meter.fetched, resumed_bytes=meter.resumed)


def _one(place: Path, file: HubFile, meter: Meter, fetcher: Fetcher) -> OriginFile:
    """Download one file in a thread of the pool."""
    meter.check()
    piece = PartialFile(place, file, meter.seen)
    whole = piece.whole()
    if whole is not None:
        meter.found(file.size_bytes)
        return whole
    try:
        piece.open()
        meter.found(piece.size)
        return fetcher.fetch(piece)
    finally:
        piece.close()


def _watch(jobs: "list[Future[OriginFile]]", meter: Meter, total: int, ctx: JobContext) -> None:
    """Report progress until all downloads are done.

    Raises:
        JobCancelled: the user cancelled.
        Exception: the error of the first failed download.
    """
    waiting = set(jobs)
    while waiting:
        done, waiting = wait(waiting, timeout=TICK_S, return_when=FIRST_EXCEPTION)
        for job in done:
            job.result()
        ctx.check_cancelled()
        while not meter.notices.empty():
            ctx.log(meter.notices.get(), "warning")
        if meter.checked and not meter.fetched:
            ctx.progress(CHECK_STAGE, min(meter.checked, total), total, UNIT, CHECKING)
        else:
            ctx.progress(STAGE, min(meter.here, total), total, UNIT)


def _remove_others(folder: Path, files: tuple[HubFile, ...]) -> None:
    """Remove files that were not requested."""
    wanted = {file.name for file in files}
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            if path.relative_to(folder).as_posix() not in wanted:
                path.unlink()
