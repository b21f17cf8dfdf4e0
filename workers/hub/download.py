"""Download several files at once with common progress, until all are complete or the first one fails.

Each file comes by Range requests through the client library's session: its own download keeps no bytes after an error,
checks no digest, and waits as long as a hub wishes (docs/decisions/0200).
"""

import os
import queue
import threading
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

from workers.contracts.errors import JobCancelled
from workers.contracts.hub import CHECKING, HubDownloadParams, HubDownloadResult, HubFile, OriginFile
from workers.contracts.process.context import JobContext
from workers.hub.client import COMMIT, Hub, checked_repo
from workers.hub.faults import Dropped, raise_for
from workers.hub.partial_file import PartialFile
from workers.hub.words import hub_error

TICK_S = 0.05
THREADS = 3
STAGE, CHECK_STAGE, UNIT = "Download", "Check what is here", "bytes"


def download(params: HubDownloadParams, ctx: JobContext) -> HubDownloadResult:
    """Download all files into ``params.place/files``; what has come stays there after an error and is continued.

    Raises:
        WorkerError: a file cannot be downloaded.
    """
    repo, place = checked_repo(params.repo), Path(params.place)
    if not COMMIT.fullmatch(params.commit):
        raise hub_error("hub_no_revision", repo=repo)
    stop, notices = threading.Event(), queue.SimpleQueue[str]()

    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise JobCancelled

    hub = Hub(params.access, pause, notices.put)
    files = [PartialFile(place, file, lambda: pause(0)) for file in params.files]
    with ThreadPoolExecutor(THREADS, thread_name_prefix="download") as pool:
        jobs = [pool.submit(_fetch, hub, repo, params.commit, file) for file in files]
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


def _fetch(hub: Hub, repo: str, commit: str, file: PartialFile) -> OriginFile:
    """Download the missing bytes of a file; wrong ones of several transfers come once more from the start.

    Raises:
        WorkerError: the file cannot be downloaded.
    """
    from huggingface_hub import hf_hub_url

    url = hf_hub_url(repo, file.file.name, revision=commit, endpoint=hub.endpoint)
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
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            if path.relative_to(folder).as_posix() not in wanted:
                path.unlink()
