"""Define the controller of a page and find all controllers.

Each folder of `app/controllers` whose `controller.py` holds a `CONTROLLER` belongs to the page of that id. The page's
widgets are in the folder of the same name below `widgets/pages`.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack

from PySide6.QtCore import QObject

from app.controllers.running import Done, Failed, FlowOptions, JobSlot, Running
from app.services.flow.events import Observer, StepProgress, ignore
from workers.contracts.error_info import ErrorInfo
from workers.contracts.translation import _

if TYPE_CHECKING:
    from app.controllers.commands import Handler
    from app.controllers.flows import FlowRunner
    from app.controllers.project_edits import ProjectEdits
    from app.controllers.session import Session
    from app.services.flow.events import Event
    from app.services.flow.steps import Flow
    from app.settings import SavedSettings
    from widgets.commands import Commands
    from widgets.main_window import MainWindow
    from widgets.parts.page import Page
    from widgets.theme import Theme

PACKAGE = "app.controllers"


PageT = TypeVar("PageT", bound="Page")


class PageController(QObject, Generic[PageT]):
    """Base class of all controllers of pages and of their sections; each default does nothing.

    The window's controller owns the controllers of pages, and these own those of sections. `_job` is the slot of a
    controller that runs one job at a time.
    """

    def __init__(self, context: "ControllerContext", page: PageT) -> None:
        """Create the controller; subclasses connect it to `page`."""
        super().__init__(page)
        self._page, self._context, self._job = page, context, JobSlot(context.flows)
        self._window, self._session, self._flows = context.window, context.session, context.flows
        self._settings, self._commands = context.settings, context.commands

    def _start(
        self,
        flow: "Flow[Any]",
        on_done: Done,
        *,
        title: str = "",
        on_failed: Failed | None = None,
        observe: Observer = ignore,
        slot: JobSlot | None = None,
        **options: Unpack[FlowOptions],
    ) -> Running:
        """Start a flow in the slot, by default `_job`; without `on_failed` the banner shows its error.

        `observe` gets each event; `options` are those of `FlowRunner.start`.
        """
        on_failed, slot = on_failed or self._report, slot or self._job
        return self._flows.start(
            flow, title=title, on_done=on_done, on_failed=on_failed, observe=observe, slot=slot, **options
        )

    def _must_wait(self, again: str) -> bool:
        """Return whether a measurement runs, and show that; `again` is the sentence about what to do afterwards."""
        from app.controllers.words import wait_for_the_run

        if self._flows.runs:
            self._window.banner(wait_for_the_run(again))
        return bool(self._flows.runs)

    def _report(self, error: ErrorInfo) -> None:
        from app.controllers.words import error_value  # late: the start imports slow modules one by one

        self._window.banner(error_value(error))

    def _show_stage(self, event: "Event") -> None:
        """Show the progress of a job on the page."""
        if isinstance(event, StepProgress):
            self._page.show_loading(_(event.stage), event.done, event.total)

    def shown(self) -> None:
        """React when the page is shown."""

    def reshow(self) -> bool:
        """Show the page in another language; return False if it can be made anew, which loses nothing.

        A page with a running job stays: its next texts are in the new language.
        """
        parts = (self, *self._page.children())
        values = [value for part in parts for value in vars(part).values()]
        kept = [one for value in values for one in (value.values() if isinstance(value, dict) else (value,))]
        slots = [one for one in kept if isinstance(one, JobSlot)]
        if any(slot.running is not None and slot.running.title for slot in slots):
            return True
        for slot in slots:
            slot.drop()
        return False

    def left(self) -> None:
        """React when another page is shown."""

    def take_paths(self, paths: list[str]) -> bool:
        """Handle files that arrive while the page is shown; return True if no other page needs them."""
        return False

    def take_text(self, text: str) -> None:
        """Handle a text that arrives while the page is shown."""

    def stop(self) -> None:
        """End background work that does not end by itself, because the window closes."""


@dataclass(frozen=True)
class ControllerContext:
    """The objects that a page controller is created from."""

    window: "MainWindow"
    session: "Session"
    flows: "FlowRunner"
    theme: "Theme"
    settings: "SavedSettings"
    edits: "ProjectEdits"

    @property
    def commands(self) -> "Commands":
        """Return the commands of the window."""
        return self.window.commands


@dataclass(frozen=True)
class ControllerSpec:
    """The controller of the page `page_id`: its factory and the commands that it handles.

    `is_done(session, is_running)` returns whether the page's step is done; `is_running` means that a run is active.
    None means that the page is no required step.
    """

    page_id: str
    make: Callable[[ControllerContext, Any], PageController[Any]]
    does: "tuple[Handler, ...]" = ()
    is_done: "Callable[[Session, bool], bool] | None" = None


def controller_modules() -> list[str]:
    """Return the modules that `find_controllers` imports; some are slow, so the start imports them one by one."""
    folders = pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__)
    return [f"{PACKAGE}.{info.name}.controller" for info in folders if info.ispkg]


@functools.cache
def find_controllers() -> Mapping[str, ControllerSpec]:
    """Return all controllers by the id of their page.

    Raises:
        ValueError: if a page has two controllers.
    """
    found: dict[str, ControllerSpec] = {}
    for name in controller_modules():
        spec = getattr(importlib.import_module(name), "CONTROLLER", None)
        if isinstance(spec, ControllerSpec):
            if spec.page_id in found:
                raise ValueError(f"{name} is a second controller of the page “{spec.page_id}”")
            found[spec.page_id] = spec
    return found


def check_pairs(page_ids: Collection[str], controllers: Collection[str]) -> None:
    """Check that each page has a controller and each controller a page.

    Raises:
        ValueError: with the ids of those without a counterpart.
    """
    if alone := sorted(set(page_ids) ^ set(controllers)):
        raise ValueError(f"a page needs a folder of widgets and one of a controller, unlike {', '.join(alone)}")
