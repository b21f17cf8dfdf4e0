"""What a page says of itself, and how all of them are found: each folder of `widgets/pages` that holds a `PAGE`.

A page's package imports nothing of its own page before that is made: the rail knows all pages at the cost of none.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from widgets.plots.frame_clock import FrameClock
    from widgets.theme import Theme

PACKAGE = "widgets.pages"
PLACES = ("step", "rest", "below")
Place = Literal["step", "rest", "below"]


class DuplicatePageError(ValueError):
    """Two folders claim one id, or lead to a page that is not there; `str()` names them."""


@dataclass(frozen=True)
class PageSpec:
    """One page. `title`, `summary` are functions, so that they come in the language of the moment.

    `place`: a "step" of the way through, the "rest" at the rail's foot, or "below" another page (`below` is its id),
    without an entry of its own. `order` counts within its place. `widget` names the page's class as "module:class"; it
    is made of the theme, and of the frame clock if it `draws_frames`. `summary` is what the guide says of a step.
    `has_number`: Ctrl and a number lead there, as to each step. `shortcut` are keys that lead there and back to where
    one was. `of_project`: a project that was left there is opened there.
    """

    id: str
    title: Callable[[], str]
    icon: str
    place: Place
    order: int
    widget: str
    draws_frames: bool = False
    below: str = ""
    summary: Callable[[], str] = str
    has_number: bool = False
    shortcut: str = ""
    of_project: bool = True

    def make(self, theme: "Theme", clock: "FrameClock") -> "QWidget":
        """The page itself; only now its modules are imported."""
        made: QWidget = pkgutil.resolve_name(self.widget)(theme, *([clock] if self.draws_frames else []))
        return made


@functools.cache
def find_pages() -> tuple[PageSpec, ...]:
    """All pages: the steps in their order, the rest, then those below others. Raises `DuplicatePageError`."""
    found: dict[str, PageSpec] = {}
    folders: dict[str, str] = {}
    for folder, spec in _scan():
        if spec.id in found:
            raise DuplicatePageError(f"{folders[spec.id]} and {folder} both have the id “{spec.id}”")
        found[spec.id], folders[spec.id] = spec, folder
    for spec in found.values():
        if (spec.place == "below") != bool(spec.below) or (spec.below and spec.below not in found):
            raise DuplicatePageError(f"{folders[spec.id]} is below “{spec.below}”, which is no page")
    return tuple(sorted(found.values(), key=lambda spec: (PLACES.index(spec.place), spec.order, spec.id)))


def pages_below(page_id: str) -> tuple[PageSpec, ...]:
    """The pages without an entry of their own that one leads to."""
    return tuple(spec for spec in find_pages() if spec.below == page_id)


def _scan() -> Iterator[tuple[str, PageSpec]]:
    for info in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__):
        if info.ispkg:
            spec = getattr(importlib.import_module(f"{PACKAGE}.{info.name}"), "PAGE", None)
            if isinstance(spec, PageSpec):
                yield f"{PACKAGE}.{info.name}", spec
