"""What the paths of the server do: ask the model, decode what a person gives, change the bundle, count."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from .cache import Cache
from .protocol import RequestError
from .releases import Refused, Release, check_whole

Arrays = dict[str, NDArray[Any]]
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
SHORT_ANSWER = 64
"""Tokens of a language model's answer to a text; chats give longer ones."""

ARRAYS = {b"PK\x03\x04": ".npz", b"\x93NUMPY": ".npy"}
"""How files of arrays begin; all else is what the model prepares: a picture, a text, a sound."""


@dataclass(frozen=True)
class Limits:
    """What one request may take: bytes of its body, seconds until that has come, seconds until the answer; how many may
    wait at once; bytes of answers that are kept."""

    body_bytes: int = 32 << 20
    body_s: float = 20.0
    answer_s: float = 60.0
    waiting: int = 512
    cache_bytes: int = 64 << 20


class Service:
    """`name` is the model's in the protocol and stays the same whatever release answers."""

    def __init__(self, folder: Path, threads: int | None, limits: Limits, log: Path | None = None) -> None:
        self.limits, self._threads, self._log = limits, threads, log
        self.current = Release(folder, threads, limits.waiting, log)
        self.name = str(self.current.manifest["serving"]["name"])
        self.cache = Cache(limits.cache_bytes)
        self.is_ready = True
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
        self._tell_release()
        for name, words, value in (
            ("fettle_waiting", "Requests that the model has not begun with", lambda: self.current.engine.waiting),
            ("fettle_cache_bytes", "Bytes of answers that are kept", lambda: self.cache.size_bytes),
            ("fettle_cache_hits", "Answers that were kept", lambda: self.cache.hits),
            ("fettle_cache_misses", "Answers that the model had to give", lambda: self.cache.misses),
            ("fettle_cache_hit_ratio", "Share of answers that were kept", self._hit_ratio),
            ("fettle_batch_size_mean", "Items in a batch on average", self._mean_batch),
            ("fettle_batch_size_most", "Items in the largest batch that is made", lambda: self.current.max_batch),
        ):
            Gauge(name, words, registry=registry).set_function(value)

    def _tell_release(self) -> None:
        self._release.info({"title": str(self.current.manifest["title"]), "version": self.current.version})

    def _hit_ratio(self) -> float:
        asked = self.cache.hits + self.cache.misses
        return self.cache.hits / asked if asked else 0.0

    def _mean_batch(self) -> float:
        batches = dict(self.current.engine.batches)
        count = sum(batches.values())
        return sum(size * number for size, number in batches.items()) / count if count else 0.0

    @contextmanager
    def release(self) -> Iterator[Release]:
        """The one that answers now; it is not closed while this lasts."""
        with self._changing:
            release = self.current
            release.take()
        try:
            yield release
        finally:
            release.give_back()

    async def infer(self, release: Release, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """The model's outputs. Raises what the runtime raises, TimeoutError, Overloaded."""
        key = self.cache.key(release.version, feeds)
        kept = self.cache.get(key)
        if kept is not None:
            _note(release, feeds, lambda: release.pipeline.answer_of(kept, feeds), None)
            return kept
        began_s = time.perf_counter()
        future = release.engine.submit(feeds)
        outputs = await asyncio.wait_for(asyncio.wrap_future(future), self.limits.answer_s)
        _note(release, feeds, lambda: release.pipeline.answer_of(outputs, feeds), time.perf_counter() - began_s)
        self.cache.put(key, outputs)
        return outputs

    def close_log(self) -> None:
        """Write what is not written yet; the service has ended."""
        if self.current.log is not None:
            self.current.log.close()

    def failed(self) -> None:
        """A request was not answered."""
        if self.current.log is not None:
            self.current.log.add(lambda log: log.failed())

    def answer(self, release: Release, body: bytes) -> dict[str, Any]:
        """A picture, sound, text or file of arrays as a person has it, answered as the proof read it.

        Raises RequestError in the words of the pipeline.
        """
        if release.chats:
            return self._chatted(release, body.decode("utf-8", "replace"))
        suffix = next((found for head, found in ARRAYS.items() if body.startswith(head)), "")
        with tempfile.TemporaryDirectory() as folder:
            upload = Path(folder) / f"upload{suffix}"
            upload.write_bytes(body)
            try:
                feeds = release.pipeline.feeds_from(upload)
                began_s = time.perf_counter()
                values = release.pipeline.answer(release.engine, feeds)
                _note(release, feeds, lambda: values, time.perf_counter() - began_s)
                told: dict[str, Any] = release.answered(release.pipeline, values, upload)
            except (release.error_type, UnicodeError) as error:
                raise RequestError(str(error)) from error
        return told

    def _chatted(self, release: Release, text: str) -> dict[str, Any]:
        """A short answer of a language model; the likeliest word each time."""
        pieces: list[str] = []

        def work() -> None:
            pieces.extend(release.answering(SHORT_ANSWER, 0.0, 0).pieces(text))

        try:
            release.engine.do(work).result(self.limits.answer_s)
        except release.error_type as error:
            raise RequestError(str(error)) from error
        return {"input": "text", "answer": "".join(pieces)}

    def switch(self, folder: Path) -> str:
        """Load a bundle beside the present one, ask its golden answers, put it in its place, let the older one end.

        Returns the new version. Raises Refused where it is not taken: the present one goes on.
        """
        if not self._switching.acquire(blocking=False):
            raise Refused("another change is under way")
        try:
            check_whole(self.current, folder)
            fresh = Release(folder, self._threads, self.limits.waiting, self._log)
            before = self.current
            if (fresh.inputs, fresh.outputs) != (before.inputs, before.outputs):
                fresh.retire()
                raise Refused(f"{folder.name} has other inputs or outputs, so who asks now would get errors")
            with self._changing:
                self.current = fresh
            self._tell_release()
            before.retire()
            return fresh.version
        finally:
            self._switching.release()


def _note(release: Release, feeds: Mapping[str, NDArray[Any]], read: Callable[[], Any], seconds: float | None) -> None:
    """For the log, where there is one; a thread of its own looks at it."""
    if release.log is not None:
        release.log.add(lambda log: log.request(release.pipeline, feeds, read, seconds))
