"""Work on the disk for a flow: what is small is done at once, the rest in a thread beside the event loop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from app.services.flow.background import Background, Stopped

X = TypeVar("X")

INLINE_BYTES = 8 << 20
"""So much is hashed in less time than a frame takes."""


class DiskWork:
    """One piece of work at a time; whoever began it asks for `ended` until it is."""

    def __init__(self) -> None:
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
        """`after` gets what gives the result or raises what the work raised; hashing gigabytes takes seconds."""
        if size_bytes <= INLINE_BYTES:
            after(lambda: work(never))
            return
        running = Background(work)
        self._running, self._after, self._ends_late = running, lambda: after(running.result), ends_late

    @property
    def is_running(self) -> bool:
        """Something is being done, or was done and not asked for."""
        return self._running is not None

    def ended(self) -> Callable[[], None] | None:
        """What has to follow, once, where it is over."""
        if self._running is None or not self._running.done:
            return None
        self._running = None
        return self._after

    def stop(self, *, forget: bool = False) -> None:
        """Ask it to end, and wait until it has; nothing follows where it is to be forgotten. What ends late is waited
        for by `ended`, unless it is to be forgotten.
        """
        if self._running is not None and self._ends_late and not forget:
            self._running.ask_to_stop()
        elif self._running is not None:
            self._running.stop()
        if forget:
            self._running = None


def do_nothing() -> None:
    """Nothing is waited for."""


def never() -> bool:
    """Not to be stopped."""
    return False


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*"))
