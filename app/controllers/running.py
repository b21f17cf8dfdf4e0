"""Hold a flow that the window drives, and the place of the one flow that a page runs at a time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from app.services.flow.events import Event, Observer, RunProgress, StepProgress
from workers.contracts.error_info import ErrorInfo
from workers.contracts.translation import in_chosen_language

if TYPE_CHECKING:  # the driver is slow to import, and pages only need the place of their flow
    from app.services.flow.driver import Driver
    from app.services.flow.steps import Flow

Done = Callable[[Any], None]
Failed = Callable[[ErrorInfo], None]


class FlowOptions(TypedDict, total=False):
    """Options of a flow with the meaning and defaults of the attributes of `Running`."""

    on_cancelled: Callable[[], None]
    is_run: bool
    run_id: str
    measures: bool
    restarts_automatically: bool
    yields_to_measurements: bool
    exclusive: bool
    computer: str


@dataclass(eq=False)
class Running:
    """A flow that was given to the runner, with its callbacks and state; owned by the `FlowRunner`.

    Attributes:
        title: The title in the list of jobs; "" hides the flow there.
        on_done: Called with the result.
        on_failed: Called with the error.
        observer: Called with each event.
        slot: The place that the flow takes until it ends; drops the flow that is there.
        on_cancelled: Called after a cancellation.
        is_run: The flow is an optimization run, which measures.
        run_id: The id of that run.
        measures: The flow measures, also if it is no run.
        restarts_automatically: The flow restarts at the next start, so closing the window needs no question.
        yields_to_measurements: The flow is cancelled when a measurement is started.
        exclusive: No other flow starts while it runs.
        computer: Name of the other computer that it measures on; "" if all of it runs here.
        progress: The last reported progress.
        driver: None while the flow waits.
    """

    flow: "Flow[Any]"
    title: str
    on_done: Done
    on_failed: Failed
    observer: Observer
    slot: "JobSlot | None"
    on_cancelled: Callable[[], None] = lambda: None
    is_run: bool = False
    run_id: str = ""
    measures: bool = False
    restarts_automatically: bool = False
    yields_to_measurements: bool = False
    exclusive: bool = False
    computer: str = ""
    progress: RunProgress | None = None
    driver: "Driver[Any] | None" = None
    started_s: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Count every optimization run as a flow that measures."""
        self.measures = self.measures or self.is_run

    @property
    def is_dropped(self) -> bool:
        """Return whether the owner of the slot ignores the flow."""
        return self.slot is not None and self.slot.running is not self

    def observe(self, event: Event) -> None:
        """Save the progress and pass the event on; a flow that is not a run reports the progress of its stage."""
        if isinstance(event, RunProgress):
            self.progress = event
        elif isinstance(event, StepProgress) and not self.is_run:
            share = min(1.0, event.done / event.total) if event.total else 0.0
            self.progress = RunProgress(share, event.stage) if event.total else None
        if not self.is_dropped:
            with in_chosen_language():
                self.observer(event)


class Canceller(Protocol):
    """The runner of flows, as a slot needs it."""

    def cancel(self, running: Running) -> None:
        """Stop a running flow or remove a waiting flow."""


class JobSlot:
    """The place of at most one flow of a page or section, which owns the slot.

    A flow that is started in the slot replaces the flow before it. A replaced or dropped flow is cancelled, and none of
    its callbacks is called any more.
    """

    def __init__(self, flows: Canceller) -> None:
        """Create a slot without a flow; `flows` starts the flows that it holds."""
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
