"""What a page's controller says of itself, and how all of them are found.

Each folder of `app/controllers` whose `controller.py` holds a `CONTROLLER` belongs to the page of that id, whose
widgets lie in the folder of the same name below `widgets/pages`.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from app.controllers.commands import Commands, Handler
    from app.controllers.flows import FlowRunner
    from app.controllers.kept import KeptSettings
    from app.controllers.project_edits import ProjectEdits
    from app.controllers.session import Session
    from widgets.main_window import MainWindow
    from widgets.theme import Theme

PACKAGE = "app.controllers"


class PageController(QObject):
    """What the window asks of any page's controller; where a page has no use for it, it stays as it is here."""

    def take_paths(self, paths: list[str]) -> bool:
        """Files that came while the page is shown: True where they are for it, and for nothing else."""
        return False

    def take_text(self, text: str) -> None:
        """A text that came while the page is shown."""

    def stop(self) -> None:
        """The window closes: end what does not end by itself."""


W = TypeVar("W")
C = TypeVar("C", bound=PageController)


@dataclass(frozen=True)
class Desk:
    """What a controller is made from."""

    window: "MainWindow"
    session: "Session"
    flows: "FlowRunner"
    theme: "Theme"
    kept: "KeptSettings"
    edits: "ProjectEdits"
    commands: "Commands"


@dataclass(frozen=True)
class Way:
    """How far a person is on the way through."""

    session: "Session"
    is_running: bool
    has_exports: bool


@dataclass(frozen=True)
class ControllerSpec(Generic[W, C]):
    """The controller of the page `page_id`: how it is made from the page's widget, the commands that it does.

    `is_done` tells whether its step is done; without one it is no step that must be done.
    """

    page_id: str
    make: Callable[[Desk, W], C]
    does: "tuple[Handler[C], ...]" = ()
    is_done: Callable[[Way], bool] | None = None


AnySpec = ControllerSpec[Any, Any]


def controller_modules() -> list[str]:
    """The modules that `find_controllers` loads; some are slow, so that one may be loaded after the other."""
    folders = pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__)
    return [f"{PACKAGE}.{info.name}.controller" for info in folders if info.ispkg]


@functools.cache
def find_controllers() -> Mapping[str, AnySpec]:
    """All of them by the id of their page. Raises `ValueError` where two are for one page."""
    found: dict[str, AnySpec] = {}
    for name in controller_modules():
        spec = getattr(importlib.import_module(name), "CONTROLLER", None)
        if isinstance(spec, ControllerSpec):
            if spec.page_id in found:
                raise ValueError(f"{name} is a second controller of the page “{spec.page_id}”")
            found[spec.page_id] = spec
    return found


def check_pairs(page_ids: Collection[str], controllers: Collection[str]) -> None:
    """Each page has its controller, and the other way round. Raises `ValueError` naming those that stand alone."""
    if alone := sorted(set(page_ids) ^ set(controllers)):
        raise ValueError(f"a page needs a folder of widgets and one of a controller, unlike {', '.join(alone)}")
