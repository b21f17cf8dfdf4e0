"""Who may run when: one slot for each device, first come first served."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

State = Literal["queued", "running", "finished", "failed", "cancelled"]


class Work(Protocol):
    """Anything that runs in steps: a job client, a whole run. `poll` never waits."""

    @property
    def done(self) -> bool: ...

    def poll(self) -> Any: ...

    def cancel(self) -> None: ...


@dataclass(frozen=True)
class Ticket:
    """One place in the queue. `start` is called when its turn has come and gives the running work."""

    id: str
    device: str
    start: Callable[[], Work]


class JobQueue:
    """Poll it regularly: it starts what may start and polls what runs."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Ticket]] = {}
        self._running: dict[str, tuple[str, Work]] = {}  # device → (id, work)
        self._states: dict[str, State] = {}
        self._errors: dict[str, Exception] = {}

    def submit(self, ticket_id: str, start: Callable[[], Work], device: str = "cpu") -> None:
        """Queue one piece of work. Raises ValueError for an id that waits or runs already."""
        if self.state(ticket_id) in ("queued", "running"):
            raise ValueError(f"{ticket_id} is in the queue already")
        self._states[ticket_id] = "queued"
        self._waiting.setdefault(device, deque()).append(Ticket(ticket_id, device, start))

    def state(self, ticket_id: str) -> State | None:
        """None for an id that was never submitted."""
        return self._states.get(ticket_id)

    def error(self, ticket_id: str) -> Exception | None:
        """Why a piece of work could not be started."""
        return self._errors.get(ticket_id)

    def position(self, ticket_id: str) -> int | None:
        """How many wait before this one on its device; None if it does not wait."""
        for line in self._waiting.values():
            for place, ticket in enumerate(line):
                if ticket.id == ticket_id:
                    return place
        return None

    @property
    def idle(self) -> bool:
        return not self._running and not any(self._waiting.values())

    def cancel(self, ticket_id: str) -> None:
        """Take it out of the queue, or ask the running work to stop. Unknown ids are ignored."""
        for running_id, work in self._running.values():
            if running_id == ticket_id:
                work.cancel()
        for line in self._waiting.values():
            for ticket in list(line):
                if ticket.id == ticket_id:
                    line.remove(ticket)
                    self._states[ticket_id] = "cancelled"

    def poll(self) -> list[tuple[str, Any]]:
        """(id, what its `poll` gave) of everything that runs; then fill the free slots."""
        came = []
        for device, (ticket_id, work) in list(self._running.items()):
            came.append((ticket_id, work.poll()))
            if work.done:
                del self._running[device]
                self._states[ticket_id] = "finished"
        for device, line in self._waiting.items():
            if line and device not in self._running:
                self._start(line.popleft())
        return came

    def _start(self, ticket: Ticket) -> None:
        try:
            self._running[ticket.device] = (ticket.id, ticket.start())
            self._states[ticket.id] = "running"
        except Exception as error:  # kept for whoever asks; the others in the line must still get their turn
            self._errors[ticket.id] = error
            self._states[ticket.id] = "failed"
