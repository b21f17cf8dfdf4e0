"""Download several files at once with common progress, until all are complete or the first one fails.

Each file comes by Range requests through the client library's session: its own download keeps no bytes after an error,
checks no digest, and waits as long as a hub wishes (docs/decisions/0200). A file grows under its own name in the folder
of the download, with its digest.
"""

import hashlib
import os
import queue
import stat
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

from workers.contracts.errors import JobCancelled
from workers.contracts.hub import CHECKING, HubDownloadParams, HubDownloadResult, HubFile, OriginFile
from workers.contracts.process.context import JobContext
from workers.contracts.process.disk import NO_ROOM, DiskFull
from workers.contracts.translation import _, mark
from workers.hub.client import COMMIT, Hub, checked_repo
from workers.hub.faults import Dropped, hub_error, raise_for
from workers.model_io.words import shown

READ_BYTES = 1 << 20
PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""Flags that follow no link and, on Windows, change no byte."""
GIVEN_BACK_BYTES = 1 << 20


class PartialFile:
    """A file during its download, written by one thread.

    Attributes:
        size: Bytes that are here and counted in the digest.
        resumed: Bytes that an earlier attempt left.
        fetched: Bytes that came over the network.
        is_patched: The bytes are of several transfers.
    """

    def __init__(self, place: Path, file: HubFile, check: Callable[[], None]) -> None:
        """Name the file's path below `place`; `check` is called after each block and raises to stop the work."""
        self.file, self._check = file, check
        self._path = place.joinpath("files", *file.name.split("/"))
        self._older = place / "pieces" / f"{hashlib.sha256(file.name.encode()).hexdigest()[:32]}.part"
        self._handle: int | None = None
        self.resumed = self.fetched = 0
        self._reset()

    def _reset(self) -> None:
        self.size, self.is_patched = 0, False
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % self.file.size_bytes, usedforsecurity=False)

    def resume(self) -> None:
        """Continue with the bytes that are here; a damaged file, a longer one, or a link is removed."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._older.is_file() and not self._path.exists():  # of Fettle 0.2
            self._older.replace(self._path)
        try:
            with os.fdopen(os.open(self._path, os.O_RDONLY | PLAIN), "rb") as file:
                found = os.fstat(file.fileno())
                is_good = stat.S_ISREG(found.st_mode) and found.st_size <= self.file.size_bytes
                while is_good and (data := file.read(READ_BYTES)):
                    self._add(data)
        except OSError:
            is_good = False
        self.resumed = self.size
        is_whole = self.size == self.file.size_bytes
        if not is_good or (is_whole and not self._is_right()) or (not is_whole and found.st_nlink > 1):
            self.discard()

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            WorkerError: there is no room, or more bytes come than the file has.
        """
        if self.size + len(data) > self.file.size_bytes:
            expected, sent = self.file.size_bytes, self.size + len(data)
            self.discard()
            raise hub_error("hub_wrong_length", name=self.file.name, expected=expected, sent=sent)
        if self._handle is None:
            self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | PLAIN, 0o600)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._handle, view) :]
        except OSError as error:
            # the database needs room to record this failure, so some is freed
            kept = max(0, self.size - GIVEN_BACK_BYTES)
            os.ftruncate(self._handle, kept)
            self.close()
            if error.errno in NO_ROOM:
                raise DiskFull(
                    self._path.parent,
                    needed_bytes=self.file.size_bytes - kept,
                    safe=_("The downloaded part of “{0}” is kept.").format(shown(self.file.name)),
                    hint="Free disk space in the settings, then download again: it goes on from there.",
                ) from error
            raise
        self.fetched += len(data)
        self._add(data)

    def finish(self) -> OriginFile | None:
        """Flush the complete file to the disk; return None if its digest is wrong."""
        if not self._is_right():
            return None
        if self.file.size_bytes == 0:
            self.write(b"")
        if self._handle is not None:
            os.fsync(self._handle)
            self.close()
        return OriginFile(name=self.file.name, sha256=self._sha256.hexdigest(), size_bytes=self.size)

    def discard(self) -> None:
        """Remove all bytes."""
        self.close()
        self._path.unlink(missing_ok=True)
        self._reset()

    def close(self) -> None:
        """Close the file if it is open."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _add(self, data: bytes) -> None:
        self._sha256.update(data)
        if self.file.sha256 is None:
            self._git.update(data)
        self.size += len(data)
        self._check()

    def _is_right(self) -> bool:
        """Return whether all bytes are here, with the digest that the hub stated."""
        if self.file.sha256 is not None:
            return self._sha256.hexdigest() == self.file.sha256
        return self._git.hexdigest() == self.file.git_oid


TICK_S = 0.05
THREADS = 3
STAGE, CHECK_STAGE, UNIT = mark("Download"), mark("Check what is here"), "bytes"


def download(params: HubDownloadParams, ctx: JobContext) -> HubDownloadResult:
    """Download all files into ``params.place/files``; what has come stays there after an error and is continued.

    Raises:
        WorkerError: a file cannot be downloaded.
    """
    repo = checked_repo(params.repo)
    if not COMMIT.fullmatch(params.commit):
        raise hub_error("hub_no_revision", repo=repo)

    def url_of(file: HubFile) -> str:
        from huggingface_hub import hf_hub_url

        return hf_hub_url(repo, file.name, revision=params.commit, endpoint=params.access.endpoint)

    return fetch_all(params, url_of, ctx)


def fetch_all(params: HubDownloadParams, url_of: Callable[[HubFile], str], ctx: JobContext) -> HubDownloadResult:
    """Download files from their addresses like `download`.

    Raises:
        WorkerError: a file cannot be downloaded.
    """
    place = Path(params.place)
    stop, notices = threading.Event(), queue.SimpleQueue[str]()

    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise JobCancelled

    hub = Hub(params.access, pause, notices.put)
    files = [PartialFile(place, file, lambda: pause(0)) for file in params.files]
    with ThreadPoolExecutor(THREADS, thread_name_prefix="download") as pool:
        jobs = [pool.submit(_fetch, hub, params.repo, url_of(file.file), file) for file in files]
        try:
            _watch(jobs, files, notices, ctx)
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
    _remove_others(place / "files", params.files)
    return HubDownloadResult(
        files=tuple(job.result() for job in jobs),
        fetched_bytes=sum(file.fetched for file in files),
        resumed_bytes=sum(file.resumed for file in files),
    )


def _watch(
    jobs: "list[Future[OriginFile]]", files: list[PartialFile], notices: "queue.SimpleQueue[str]", ctx: JobContext
) -> None:
    """Report progress until all downloads are done.

    Raises:
        JobCancelled: the user cancelled.
        Exception: the error of the first failed download.
    """
    waiting, total = set(jobs), sum(file.file.size_bytes for file in files)
    while waiting:
        done, waiting = wait(waiting, timeout=TICK_S, return_when=FIRST_EXCEPTION)
        for job in done:
            job.result()
        ctx.check_cancelled()
        while not notices.empty():
            ctx.log(notices.get(), "warning")
        here = sum(file.size for file in files)
        if waiting and here and not any(file.fetched for file in files):
            ctx.progress(CHECK_STAGE, here, total, UNIT, CHECKING)
        else:
            ctx.progress(STAGE, here, total, UNIT)


def _fetch(hub: Hub, repo: str, url: str, file: PartialFile) -> OriginFile:
    """Download the missing bytes of a file; wrong ones of several transfers come once more from the start.

    Raises:
        WorkerError: the file cannot be downloaded.
    """
    try:
        file.resume()
        for _ in range(2):
            if file.size < file.file.size_bytes:
                hub.call(repo, lambda: _transfer(hub, url, file), lambda: file.fetched)
            if (done := file.finish()) is not None:
                return done
            is_patched = file.is_patched
            file.discard()
            if not is_patched:
                break
        raise hub_error("hub_wrong_hash", name=file.file.name)
    finally:
        file.close()


def _transfer(hub: Hub, url: str, file: PartialFile) -> None:
    """Request the rest of the file once.

    Raises:
        Dropped: the connection ended before the file.
        WorkerError: what comes is not the file.
    """
    size, begin = file.file.size_bytes, file.size
    headers = {**hub.headers(), "accept-encoding": "identity", **({"range": f"bytes={begin}-"} if begin else {})}
    with hub.session.stream("GET", url, headers=headers) as answer:
        if answer.status_code not in (200, 206):
            raise_for(answer)
        is_rest = answer.status_code == 206 and answer.headers.get("content-range", "").startswith(f"bytes {begin}-")
        if begin and not is_rest:
            file.discard()
        if answer.status_code == 206 and not is_rest:
            raise Dropped
        length = answer.headers.get("content-length", "")
        if length.isdigit() and file.size + int(length) != size:
            sent = file.size + int(length)
            file.discard()
            raise hub_error("hub_wrong_length", name=file.file.name, expected=size, sent=sent)
        file.is_patched = file.size > 0
        for chunk in answer.iter_raw():
            file.write(chunk)
    if file.size < size:
        raise Dropped


def _remove_others(folder: Path, files: tuple[HubFile, ...]) -> None:
    """Remove files that were not requested."""
    wanted = {file.name for file in files}
    for place, _folders, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            if path.relative_to(folder).as_posix() not in wanted:
                path.unlink()
