"""Describe pages and find them: each folder of `widgets/pages` that holds a `PAGE`.

A page's package imports none of its modules before the page is created, so that the rail can list all pages cheaply.
"""

import functools
import importlib
import pkgutil
from collections.abc import Iterator
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
    """Two folders use one id, or a page is below a page that does not exist; the text names the folders."""


@dataclass(frozen=True)
class PageSpec:
    """The description of one page; its package owns it.

    `place` is "step" for a step of the workflow, or "rest" for the end of the rail. It is "below" for a page without
    an entry, and `below` is then the id of the page that leads to it. `order` sorts within the place. `widget` names
    the page's class as "module:class". It is created from the theme, and from the frame clock if it `draws_frames`.
    `summary` is the guide's text about a step. `has_number` gives the page a shortcut of Ctrl and a number, as each
    step has. `shortcut` are keys that lead to the page and back. `of_project` means that a project that was left on
    the page opens there again.
    """

    id: str
    title: str
    icon: str
    widget: str
    order: int
    place: Place = "below"
    draws_frames: bool = False
    below: str = ""
    summary: str = ""
    has_number: bool = False
    shortcut: str = ""
    of_project: bool = True

    def make(self, theme: "Theme", clock: "FrameClock") -> "QWidget":
        """Create the page; only this imports its modules."""
        made: QWidget = pkgutil.resolve_name(self.widget)(theme, *([clock] if self.draws_frames else []))
        return made


@functools.cache
def find_pages() -> tuple[PageSpec, ...]:
    """Return all pages: the steps in order, the rest, then those below others.

    Raises:
        DuplicatePageError: if two folders have one id, or a page is below an unknown page.
    """
    specs: dict[str, PageSpec] = {}
    folders: dict[str, str] = {}
    for folder, spec in _scan():
        if spec.id in specs:
            raise DuplicatePageError(f"{folders[spec.id]} and {folder} both have the id “{spec.id}”")
        specs[spec.id], folders[spec.id] = spec, folder
    for spec in specs.values():
        if (spec.place == "below") != bool(spec.below) or (spec.below and spec.below not in specs):
            raise DuplicatePageError(f"{folders[spec.id]} is below “{spec.below}”, which is no page")
    return tuple(sorted(specs.values(), key=lambda spec: (PLACES.index(spec.place), spec.order, spec.id)))


def pages_below(page_id: str) -> tuple[PageSpec, ...]:
    """Return the pages without an entry that this page leads to."""
    return tuple(spec for spec in find_pages() if spec.below == page_id)


def _scan() -> Iterator[tuple[str, PageSpec]]:
    for info in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__):
        if info.ispkg:
            spec = getattr(importlib.import_module(f"{PACKAGE}.{info.name}"), "PAGE", None)
            if isinstance(spec, PageSpec):
                yield f"{PACKAGE}.{info.name}", spec
