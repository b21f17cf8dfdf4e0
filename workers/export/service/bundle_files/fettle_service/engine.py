"""Run the service's model in one thread that answers waiting requests, several at once if that is faster.

The thread takes up to `max_batch` items that arrived while it was busy, and never waits for more. A request is
therefore never answered later than alone (Triton's dynamic batching with a delay of zero).
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .documents import RequestError

Arrays = dict[str, NDArray[Any]]
Signature = tuple[Any, ...]


class Overloaded(RuntimeError):
    """Error: the maximum number of requests waits."""


@dataclass(frozen=True)
class Axes:
    """Axis of each input and output that counts items; inputs without an entry are the same for all items."""

    inputs: Mapping[str, int]
    outputs: Mapping[str, int]

    def rows(self, feeds: Mapping[str, NDArray[Any]]) -> int:
        """Return the number of items in one request.

        Raises:
            RequestError: Its inputs hold different numbers of items, or none. Joined with other requests, rows of one
                client would go to another.
        """
        counts = {name: feeds[name].shape[axis] for name, axis in self.inputs.items() if name in feeds}
        if len(set(counts.values())) > 1 or 0 in counts.values():
            held = ", ".join(f"{name!r} {count:,}" for name, count in counts.items())
            raise RequestError(f"each input has to hold the same number of items, at least 1; here {held}")
        return next(iter(counts.values()), 1)

    def signature(self, feeds: Mapping[str, NDArray[Any]]) -> Signature:
        """Return the signature of a request: input names, dtypes, sizes, and the values that are not joined.

        Requests with the same signature may be joined.
        """
        found: list[Any] = []
        for name, values in sorted(feeds.items()):
            axis = self.inputs.get(name)
            shape = values.shape if axis is None else values.shape[:axis] + values.shape[axis + 1 :]
            found.append((name, values.dtype.str, shape, b"" if axis is not None else values.tobytes()))
        return tuple(found)

    def join(self, requests: Sequence[Mapping[str, NDArray[Any]]]) -> Arrays:
        """Return all requests as one."""
        first = requests[0]
        return {
            name: np.concatenate([one[name] for one in requests], self.inputs[name]) if name in self.inputs else value
            for name, value in first.items()
        }

    def split(self, outputs: Mapping[str, NDArray[Any]], rows: Sequence[int]) -> list[Arrays]:
        """Return each request's own part; raise ValueError if an output does not count items."""
        ends = np.cumsum(rows)
        parts: list[Arrays] = [{} for _ in rows]
        for name, values in outputs.items():
            axis = self.outputs.get(name, 0)
            if values.ndim <= axis or values.shape[axis] != ends[-1]:
                raise ValueError(f"the output {name!r} does not count items")
            for part, piece in zip(parts, np.split(values, ends[:-1], axis), strict=True):
                part[name] = piece
        return parts


@dataclass(frozen=True)
class _Waiting:
    feeds: Mapping[str, NDArray[Any]]
    rows: int
    signature: Signature
    work: Callable[[], None] | None = None
    answer: Future[Arrays] = field(default_factory=Future)


class Engine:
    """Thread that calls `run(feeds)` of `model` in turn; `batches` counts the batches of each size."""

    def __init__(self, model: Any, axes: Axes, max_batch: int, max_waiting: int) -> None:
        """Start the thread of a model."""
        self.model, self.axes, self.max_batch = model, axes, max_batch
        self.batches: dict[int, int] = {}
        self._max_waiting = max_waiting
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._held: _Waiting | None = None
        self._ended = False
        self._finish: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Return the number of requests that the model has not begun."""
        return self._waiting.qsize()

    def submit(self, feeds: Mapping[str, NDArray[Any]]) -> Future[Arrays]:
        """Return the coming outputs; raise Overloaded, and RequestError for inputs of different numbers of items."""
        if self.waiting >= self._max_waiting:
            raise Overloaded
        batched = self.max_batch > 1
        one = _Waiting(feeds, self.axes.rows(feeds), self.axes.signature(feeds) if batched else ())
        self._waiting.put(one)
        return one.answer

    def do(self, work: Callable[[], None]) -> Future[Arrays]:
        """Run other work with the model in its turn and its thread; raise Overloaded."""
        if self.waiting >= self._max_waiting:
            raise Overloaded
        one = _Waiting({}, 1, ("work", id(work)), work)
        self._waiting.put(one)
        return one.answer

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Submit a request and wait for its outputs, as a pipeline expects of a session."""
        return self.submit(feeds).result()

    def close(self, finish: Callable[[], None] | None = None) -> None:
        """Answer waiting requests, run `finish` in the model's thread, and return when that is done."""
        self._finish = finish
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while not self._ended or self._held is not None:
            first = self._held or self._waiting.get()
            self._held = None
            if first is None:
                break
            self._answer(self._gather(first))
        if self._finish is not None:
            self._finish()

    def _gather(self, first: _Waiting) -> list[_Waiting]:
        """Return `first` with the following requests that may be joined, in order."""
        batch, rows = [first], first.rows
        while rows < self.max_batch and not self._ended:
            try:
                following = self._waiting.get_nowait()
            except queue.Empty:
                break
            if following is None:
                self._ended = True
            elif following.signature != first.signature or rows + following.rows > self.max_batch:
                self._held = following
                break
            else:
                batch.append(following)
                rows += following.rows
        return batch

    def _answer(self, batch: list[_Waiting]) -> None:
        batch = [one for one in batch if one.answer.set_running_or_notify_cancel()]
        if not batch:
            return
        rows = [one.rows for one in batch]
        self.batches[sum(rows)] = self.batches.get(sum(rows), 0) + 1
        parts: list[Arrays] = []
        if len(batch) > 1:
            with contextlib.suppress(Exception):  # after a failure each request runs alone
                parts = self.axes.split(self.model.run(self.axes.join([one.feeds for one in batch])), rows)
        for one, part in zip_longest(batch, parts):
            if part is not None:
                one.answer.set_result(part)
            else:
                self._alone(one)

    def _alone(self, one: _Waiting) -> None:
        try:
            if one.work is not None:
                one.work()
            one.answer.set_result({} if one.work is not None else self.model.run(one.feeds))
        except Exception as error:  # any error of a runtime belongs to this request; the thread must continue
            one.answer.set_exception(error)


LARGER = 16
"""Factor of the numbers that are added to a request when a model is tried in batches."""


class Filled:
    """Session that runs each request together with another one, to check that a batch gives the same outputs.

    Numbers of the other request are far larger, which reveals a model that rounds over a whole batch.
    """

    def __init__(self, model: Any, axes: Axes, size: int) -> None:
        """Create a session that fills batches to `size` requests."""
        self._model, self._axes, self._size, self._turn = model, axes, size, 0

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Return the outputs of the request, whose position in the batch changes each time; raise ValueError."""
        self._turn += 1
        place, rows = self._turn % self._size, self._axes.rows(feeds)
        floats = {name for name in self._axes.inputs if name in feeds and feeds[name].dtype.kind == "f"}
        other = {
            name: LARGER * np.flip(values, axis=-1) if name in floats else values for name, values in feeds.items()
        }
        requests = [feeds if number == place else other for number in range(self._size)]
        outputs = self._model.run(self._axes.join(requests))
        return self._axes.split(outputs, [rows] * self._size)[place]
