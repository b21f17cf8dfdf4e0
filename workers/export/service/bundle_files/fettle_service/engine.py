"""The model behind the service: one thread that answers what waits, several requests at once where that pays.

The thread takes up to `max_batch` items of those that came while it was busy, and never waits for more: an answer is
never later than it would be alone (Triton's dynamic batching with a delay of zero).
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
    """As many requests wait as may."""


@dataclass(frozen=True)
class Axes:
    """Which axis of each input and output counts items; inputs that are not named are the same for all items."""

    inputs: Mapping[str, int]
    outputs: Mapping[str, int]

    def rows(self, feeds: Mapping[str, NDArray[Any]]) -> int:
        """Return the number of items in one request.

        Raises RequestError where its inputs hold different numbers of items, or none: joined with other requests, rows
        of one client would go to another.
        """
        counts = {name: feeds[name].shape[axis] for name, axis in self.inputs.items() if name in feeds}
        if len(set(counts.values())) > 1 or 0 in counts.values():
            held = ", ".join(f"{name!r} {count:,}" for name, count in counts.items())
            raise RequestError(f"each input has to hold the same number of items, at least 1; here {held}")
        return next(iter(counts.values()), 1)

    def signature(self, feeds: Mapping[str, NDArray[Any]]) -> Signature:
        """Requests of one signature may be joined: same inputs, dtypes, sizes, and the same in what is not joined."""
        found: list[Any] = []
        for name, values in sorted(feeds.items()):
            axis = self.inputs.get(name)
            shape = values.shape if axis is None else values.shape[:axis] + values.shape[axis + 1 :]
            found.append((name, values.dtype.str, shape, b"" if axis is not None else values.tobytes()))
        return tuple(found)

    def join(self, requests: Sequence[Mapping[str, NDArray[Any]]]) -> Arrays:
        """All requests as one."""
        first = requests[0]
        return {
            name: np.concatenate([one[name] for one in requests], self.inputs[name]) if name in self.inputs else value
            for name, value in first.items()
        }

    def split(self, outputs: Mapping[str, NDArray[Any]], rows: Sequence[int]) -> list[Arrays]:
        """Each request's own part. Raises ValueError where an output does not count items."""
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
    """`run(feeds)` of `model`, in turn. `batches` counts how many batches of each size were run."""

    def __init__(self, model: Any, axes: Axes, max_batch: int, max_waiting: int) -> None:
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
        """Requests that the model has not begun with."""
        return self._waiting.qsize()

    def submit(self, feeds: Mapping[str, NDArray[Any]]) -> Future[Arrays]:
        """The answer to come. Raises Overloaded, and RequestError for inputs of different numbers of items."""
        if self.waiting >= self._max_waiting:
            raise Overloaded
        batched = self.max_batch > 1
        one = _Waiting(feeds, self.axes.rows(feeds), self.axes.signature(feeds) if batched else ())
        self._waiting.put(one)
        return one.answer

    def do(self, work: Callable[[], None]) -> Future[Arrays]:
        """Other work with the model, in its turn and by its thread. Raises Overloaded."""
        if self.waiting >= self._max_waiting:
            raise Overloaded
        one = _Waiting({}, 1, ("work", id(work)), work)
        self._waiting.put(one)
        return one.answer

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """The same, waited for: what a pipeline needs of a session."""
        return self.submit(feeds).result()

    def close(self, finish: Callable[[], None] | None = None) -> None:
        """End after what waits was answered, have the model's thread do `finish`, and return when that is done."""
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
        """`first` with those behind it that may be joined, in the order they came."""
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
            with contextlib.suppress(Exception):  # one that fails takes no other along: each is asked alone then
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
        except Exception as error:  # whatever a runtime raises is this request's answer; the thread lives on
            one.answer.set_exception(error)


LARGER = 16
"""So many times larger are the numbers beside a request when a model is tried out in batches."""


class Filled:
    """A session that asks each request together with another one, to see that a batch answers as each alone. Numbers of
    the other are far larger: a model that rounds over a whole batch shows it then.
    """

    def __init__(self, model: Any, axes: Axes, size: int) -> None:
        self._model, self._axes, self._size, self._turn = model, axes, size, 0

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """The part of the request, which stands at another place of the batch each time. Raises ValueError."""
        self._turn += 1
        place, rows = self._turn % self._size, self._axes.rows(feeds)
        floats = {name for name in self._axes.inputs if name in feeds and feeds[name].dtype.kind == "f"}
        other = {
            name: LARGER * np.flip(values, axis=-1) if name in floats else values for name, values in feeds.items()
        }
        requests = [feeds if number == place else other for number in range(self._size)]
        outputs = self._model.run(self._axes.join(requests))
        return self._axes.split(outputs, [rows] * self._size)[place]
