"""Implement the server's paths: run the model, decode inputs, switch the bundle, and count requests."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from .bodies import Bodies
from .cache import Cache
from .documents import RequestError, write_document
from .limits import Limits
from .places import FolderRefused, trusted_folder
from .releases import Release, check_sums
from .turns import Turn

Arrays = dict[str, NDArray[Any]]
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
SHORT_ANSWER = 64
"""Maximum number of tokens of a language model's answer to a text; chats give longer ones."""

CLOSE_S = 10.0
"""Seconds that a stopping service waits for the bundle before the last switch."""
ARRAYS = {b"PK\x03\x04": ".npz", b"\x93NUMPY": ".npy"}
"""First bytes of files of arrays; other bodies are prepared by the model: a picture, a text, a sound."""


class Service:
    """One model under a fixed name in the protocol, whichever release answers."""

    def __init__(self, folder: Path, threads: int | None, limits: Limits, log: Path | None = None) -> None:
        """Load the bundle in `folder`; `log` is the folder of its log."""
        self.limits, self._threads, self._log = limits, threads, log
        self.current = _loaded_apart(folder, threads, limits.waiting, log)
        self.name = str(self.current.manifest["serving"]["name"])
        self.cache = Cache(limits.cache_bytes)
        self.bodies = Bodies(limits.body_bytes, limits.bodies_bytes, limits.body_s, limits.body_pause_s)
        self.is_ready = True
        self._retiring: threading.Thread | None = None
        self._switching, self._changing = threading.Lock(), threading.Lock()
        self.registry = CollectorRegistry()
        self._measure()

    def _measure(self) -> None:
        registry = self.registry
        ProcessCollector(registry=registry)
        self.requests = Counter("fettle_requests", "Requests by path and status", ("path", "status"), registry=registry)
        self.seconds = Histogram(
            "fettle_request_seconds", "Until the answer", ("path",), buckets=SECONDS, registry=registry
        )
        self._release = Info("fettle_release", "The bundle that answers", registry=registry)
        self._publish_release()
        for name, words, value in (
            ("fettle_bodies_bytes", "Bytes of requests that are not answered yet", lambda: self.bodies.size_bytes),
            ("fettle_waiting", "Requests that the model has not begun with", lambda: self.current.engine.waiting),
            ("fettle_cache_bytes", "Bytes of cached answers", lambda: self.cache.size_bytes),
            ("fettle_cache_hits", "Answers that were kept", lambda: self.cache.hits),
            ("fettle_cache_misses", "Answers that the model had to give", lambda: self.cache.misses),
            ("fettle_cache_hit_ratio", "Share of answers from the cache", self._hit_ratio),
            ("fettle_batch_size_mean", "Items in a batch on average", self._mean_batch),
            ("fettle_batch_size_most", "Items in the largest batch that is made", lambda: self.current.max_batch),
        ):
            Gauge(name, words, registry=registry).set_function(value)

    def _publish_release(self) -> None:
        self._release.info({"title": str(self.current.manifest["title"]), "version": self.current.version})

    def _hit_ratio(self) -> float:
        requested = self.cache.hits + self.cache.misses
        return self.cache.hits / requested if requested else 0.0

    def _mean_batch(self) -> float:
        batches = dict(self.current.engine.batches)
        count = sum(batches.values())
        return sum(size * number for size, number in batches.items()) / count if count else 0.0

    @contextmanager
    def release(self) -> Iterator[Release]:
        """Yield the release that answers now; it is not closed meanwhile."""
        with self._changing:
            release = self.current
            release.take()
        try:
            yield release
        finally:
            release.give_back()

    async def infer(self, release: Release, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Return the model's outputs; raise the runtime's errors, TimeoutError, and Overloaded."""
        key = self.cache.key(release.version, feeds)
        kept = self.cache.get(key)
        if kept is not None:
            _log_request(release, feeds, lambda: release.pipeline.answer_of(kept, feeds), None)
            return kept
        began_s = time.perf_counter()
        future = release.engine.submit(feeds)
        outputs = await asyncio.wait_for(asyncio.wrap_future(future), self.limits.answer_s)
        _log_request(release, feeds, lambda: release.pipeline.answer_of(outputs, feeds), time.perf_counter() - began_s)
        self.cache.put(key, outputs)
        return outputs

    def close(self) -> None:
        """Write the logs to their end after the server has stopped."""
        if self._retiring is not None:
            self._retiring.join(CLOSE_S)
        if self.current.log is not None:
            self.current.log.close()

    def failed(self) -> None:
        """Log a request that was not answered."""
        if self.current.log is not None:
            self.current.log.add(lambda log: log.failed())

    async def answer(self, release: Release, body: bytes) -> str:
        """Return the prediction for a picture, sound, text or file of arrays as JSON, prepared as in the proof.

        A thread that is given up ends before the model runs again.

        Raises:
            RequestError: The input cannot be read, in the words of the pipeline.
            TimeoutError: The model takes too long.
            Overloaded: Too many requests wait.
        """
        turn = Turn(release.engine, self.limits.answer_s)
        work = self._chatted if release.chats else self._answered

        def written() -> str:
            return write_document(work(release, turn, body))

        try:
            return await asyncio.wait_for(asyncio.to_thread(written), self.limits.answer_s)
        finally:
            turn.end()

    def _answered(self, release: Release, turn: Turn, body: bytes) -> dict[str, Any]:
        suffix = next((found for head, found in ARRAYS.items() if body.startswith(head)), "")
        with tempfile.TemporaryDirectory() as folder:
            upload = Path(folder) / f"upload{suffix}"
            upload.write_bytes(body)
            try:
                feeds = release.pipeline.feeds_from(upload)
                began_s = time.perf_counter()
                values = release.pipeline.answer(turn, feeds)
                _log_request(release, feeds, lambda: values, time.perf_counter() - began_s)
                report: dict[str, Any] = release.answered(release.pipeline, values, upload)
            except (release.error_type, UnicodeError) as error:
                raise RequestError(str(error)) from error
        return report

    def _chatted(self, release: Release, turn: Turn, body: bytes) -> dict[str, Any]:
        """Return a short answer of a language model, with the likeliest token each time."""
        pieces: list[str] = []

        def work() -> None:
            for piece in release.answering(SHORT_ANSWER, 0.0, 0).pieces(body.decode("utf-8", "replace")):
                if turn.is_ended:
                    return
                pieces.append(piece)

        try:
            turn.do(work)
        except release.error_type as error:
            raise RequestError(str(error)) from error
        return {"input": "text", "answer": "".join(pieces)}

    def switch(self, path: Path, given_up: threading.Event) -> str:
        """Load a bundle while the present one serves, compare its golden predictions, and replace the present one.

        The older bundle ends in its own thread after it has answered its requests: a dialogue may take minutes.

        Returns:
            The new version.

        Raises:
            Refused: The bundle is refused, or `given_up` was set before the end; the present one continues.
        """
        if not self._switching.acquire(blocking=False):
            raise FolderRefused("another change is under way")
        try:
            if self._retiring is not None:
                self._retiring.join(self.limits.answer_s)
                if self._retiring.is_alive():
                    raise FolderRefused(
                        "the bundle before the last change still answers earlier requests; try again later"
                    )
            folder = trusted_folder(path)
            check_sums(self.current, folder)
            fresh = Release(folder, self._threads, self.limits.waiting, self._log)
            before = self.current
            if (fresh.inputs, fresh.outputs) != (before.inputs, before.outputs):
                fresh.retire()
                raise FolderRefused(f"{folder.name} has other inputs or outputs, so present callers would get errors")
            with self._changing:
                is_taken = not given_up.is_set()
                if is_taken:
                    self.current = fresh
            if not is_taken:
                fresh.retire()
                raise FolderRefused("the client of this change has gone")
            self._publish_release()
            self._retiring = threading.Thread(target=before.retire, name="retiring", daemon=True)
            self._retiring.start()
            return fresh.version
        finally:
            self._switching.release()


def _loaded_apart(folder: Path, threads: int | None, max_waiting: int, log: Path | None) -> Release:
    """Load a bundle in a thread that ends, as a switch does; raise Refused.

    OpenVINO gives the thread that loads a model another stack for signals, and takes it back in the thread that closes
    the model. The main thread receives signals: SIGTERM ended a service with SIGSEGV if that thread had loaded its
    first model.
    """
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(Release, folder, threads, max_waiting, log).result()


def _log_request(
    release: Release, feeds: Mapping[str, NDArray[Any]], read: Callable[[], Any], seconds: float | None
) -> None:
    """Add a request to the log, if there is one; a separate thread analyzes it."""
    if release.log is not None:
        release.log.add(lambda log: log.request(release.pipeline, feeds, read, seconds))
