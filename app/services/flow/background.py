"""Work that only waits for the disk, beside the event loop: one thread each, always joined."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")

Stopped = Callable[[], bool]


class Background(Generic[T]):
    """Runs `work(stopped)` at once. Ask `done`, then `result()`; it emits nothing and calls nobody."""

    def __init__(self, work: Callable[[Stopped], T]) -> None:
        self._work = work
        self._stop = threading.Event()
        self._future: Future[T] = Future()
        self._thread = threading.Thread(target=self._run, name="fettle-background")
        self._thread.start()

    def _run(self) -> None:
        try:
            self._future.set_result(self._work(self._stop.is_set))
        except BaseException as error:  # raised again by `result`, in the thread that asks
            self._future.set_exception(error)

    @property
    def done(self) -> bool:
        """It is over."""
        return not self._thread.is_alive()

    def result(self) -> T:
        """Wait for it. Raises what the work raised."""
        self._thread.join()
        return self._future.result()

    def ask_to_stop(self) -> None:
        """Ask it to end, and wait for nothing."""
        self._stop.set()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._stop.set()
        self._thread.join()
