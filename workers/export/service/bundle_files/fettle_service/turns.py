"""Give a request's thread access to the model, limited in time and canceled with the request."""

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
    """Session of a pipeline for `limit_s` seconds; another thread may call `end`."""

    def __init__(self, engine: Engine, limit_s: float) -> None:
        """Create a session that starts now."""
        self._engine, self._ends_s = engine, time.monotonic() + limit_s
        self._lock, self._pending = threading.Lock(), Future[Arrays]()
        self.is_ended = False

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Return the model's outputs; raise its errors, TimeoutError, and Overloaded."""
        return self._result(lambda: self._engine.submit(feeds))

    def do(self, work: Callable[[], None]) -> None:
        """Run `work` in the model's thread; it must end when `is_ended`. Raises like `run`."""
        self._result(lambda: self._engine.do(work))

    def end(self) -> None:
        """Give up: work that waits for the model is not begun any more."""
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
