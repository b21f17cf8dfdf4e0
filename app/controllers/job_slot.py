"""Hold the one flow that a page runs at a time."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.controllers.flows import FlowRunner, Running


class JobSlot:
    """The place of at most one flow of a page or section, which owns the slot.

    A flow that is started in the slot replaces the flow before it. A replaced or dropped flow is cancelled, and none of
    its callbacks is called any more.
    """

    def __init__(self, flows: "FlowRunner") -> None:
        """Create an empty slot."""
        self._flows = flows
        self.running: Running | None = None

    @property
    def is_busy(self) -> bool:
        """Return whether a flow runs or waits; its own callbacks find the slot empty at its end."""
        return self.running is not None

    def cancel(self) -> None:
        """Cancel the flow, which reports that afterwards."""
        if self.running is not None:
            self._flows.cancel(self.running)

    def drop(self) -> None:
        """Cancel the flow and ignore it from now on."""
        running, self.running = self.running, None
        if running is not None:
            self._flows.cancel(running)
