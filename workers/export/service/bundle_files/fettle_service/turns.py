"""The model for one request that a thread prepares: bounded in time, and given up with its request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from typing import Any

from numpy.typing import NDArray

from .engine import Engine

Arrays = dict[str, NDArray[Any]]


class Turn:
    """A session of a pipeline for `limit_s` seconds. `end` may be called by another thread."""

    def __init__(self, engine: Engine, limit_s: float) -> None:
        self._engine, self._ends_s = engine, time.monotonic() + limit_s
        self._lock, self._pending = threading.Lock(), Future[Arrays]()
        self.is_ended = False

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Return the model's outputs. Raises what it raises, TimeoutError, and Overloaded."""
        return self._result(lambda: self._engine.submit(feeds))

    def do(self, work: Callable[[], None]) -> None:
        """Have the model's thread do `work`, which has to end where `is_ended`. Raises as `run` does."""
        self._result(lambda: self._engine.do(work))

    def end(self) -> None:
        """Give up: what waits for the model is not begun any more."""
        with self._lock:
            self.is_ended = True
            self._pending.cancel()

    def _result(self, submit: Callable[[], Future[Arrays]]) -> Arrays:
        with self._lock:
            if self.is_ended:
                raise TimeoutError
            self._pending = submit()
        try:
            return self._pending.result(max(0.0, self._ends_s - time.monotonic()))
        except CancelledError as error:
            raise TimeoutError from error
        except TimeoutError:
            self.end()
            raise
