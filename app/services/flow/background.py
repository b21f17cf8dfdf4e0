"""Run work that waits for the disk in a thread beside the event loop; each thread is joined."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")

Stopped = Callable[[], bool]


class Background(Generic[T]):
    """Work that runs in its own thread from its creation on; poll `done`, then call `result()`."""

    def __init__(self, work: Callable[[Stopped], T]) -> None:
        """Start `work` in a thread; it gets a function that returns whether to stop."""
        self._work = work
        self._stop = threading.Event()
        self._future: Future[T] = Future()
        self._thread = threading.Thread(target=self._run, name="fettle-background")
        self._thread.start()

    def _run(self) -> None:
        try:
            self._future.set_result(self._work(self._stop.is_set))
        except BaseException as error:  # raised again by `result`, in the caller's thread
            self._future.set_exception(error)

    @property
    def done(self) -> bool:
        """Return whether the work is over."""
        return not self._thread.is_alive()

    def result(self) -> T:
        """Wait for the work and return its result; raise what the work raised."""
        self._thread.join()
        return self._future.result()

    def request_stop(self) -> None:
        """Request the end of the work without waiting."""
        self._stop.set()

    def stop(self) -> None:
        """Request the end of the work and wait for it."""
        self._stop.set()
        self._thread.join()
