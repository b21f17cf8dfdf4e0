"""Do work that waits for the disk: small work at once, other work in a thread."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Stopped = Callable[[], bool]

PIECE_BYTES = 1 << 20


def pieces(path: Path, stopped: Stopped) -> Iterator[bytes]:
    """Yield the content of a file in pieces; raise OSError, or InterruptedError once `stopped` returns True."""
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            if stopped():
                raise InterruptedError(f"the work on {path.name} was stopped")
            yield piece


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


X = TypeVar("X")

INLINE_BYTES = 8 << 20
"""Bytes up to which hashing takes less time than a frame."""


class DiskWork:
    """One piece of disk work at a time for a driver, which polls `ended` until it is over."""

    def __init__(self) -> None:
        """Create an idle worker."""
        self._running: Background[Any] | None = None
        self._after: Callable[[], None] = do_nothing
        self._ends_late = False

    def begin(
        self,
        size_bytes: int,
        work: Callable[[Stopped], X],
        after: Callable[[Callable[[], X]], None],
        ends_late: bool = False,
    ) -> None:
        """Begin work and pass its outcome to `after`; work above `INLINE_BYTES` runs in a thread.

        Args:
            size_bytes: Bytes to read or write.
            work: Does the work; it gets a function that returns whether to stop.
            after: Gets a function that returns the result or raises what the work raised.
            ends_late: Whether the work takes seconds to end after a stop request.
        """
        if size_bytes <= INLINE_BYTES:
            after(lambda: work(never))
            return
        running = Background(work)
        self._running, self._after, self._ends_late = running, lambda: after(running.result), ends_late

    @property
    def is_running(self) -> bool:
        """Return whether work is running, or has ended and was not collected with `ended`."""
        return self._running is not None

    def ended(self) -> Callable[[], None] | None:
        """Return the function to call after the work once it is over, else None."""
        if self._running is None or not self._running.done:
            return None
        self._running = None
        return self._after

    def stop(self, *, forget: bool = False) -> None:
        """Request the end of the work and wait for it.

        Work that ends late is awaited through `ended` instead. With `forget` the wait happens here and nothing follows.
        """
        if self._running is not None and self._ends_late and not forget:
            self._running.request_stop()
        elif self._running is not None:
            self._running.stop()
        if forget:
            self._running = None


def do_nothing() -> None:
    """Do nothing after the work."""


def never() -> bool:
    """Return False: the work is not to be stopped."""
    return False


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*"))
