"""Show the page Guide: the workflow, the keys and the glossary; F1 opens it from any page."""

from collections.abc import Iterator, Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from widgets.page_registry import find_pages
from widgets.parts.buttons import GhostButton
from widgets.parts.card import Card, icon_text
from widgets.parts.fields import SearchField
from widgets.parts.glossary import glossary
from widgets.parts.layout import STRETCH, in_column, in_row
from widgets.parts.markdown import MarkdownView
from widgets.parts.page import Page
from widgets.parts.small import KeyValue, PageHead, button_row
from widgets.parts.text import words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M
from workers.contracts.translation import _


def way() -> Iterator[tuple[str, str, str]]:
    """Yield icon, title and sentence of each step."""
    steps = (spec for spec in find_pages() if spec.place == "step")
    for number, spec in enumerate(steps, 1):
        yield spec.icon, f"{number}. {spec.title}", spec.summary


def keys() -> tuple[tuple[str, str], ...]:
    """Return the keys that work on every page, with their actions."""
    return (
        (_("F1"), _("This guide, and back")),
        (_("Ctrl+N"), _("New project")),
        (_("Ctrl+O"), _("Open a model or data")),
        (_("Ctrl+V"), _("Open what was copied: files, pictures, texts")),
        (_("Ctrl+1 to 9"), _("Go to a page")),
        (_("F2"), _("Rename the project; on Projects the chosen one")),
        (_("Delete"), _("On Projects: delete the chosen one; on Data: leave out the chosen examples")),
        (_("Ctrl+Z"), _("On Data: undo the last change")),
        (_("Ctrl+Shift+Z"), _("On Data: redo")),
        (_("Tab, arrows, Enter"), _("Move, choose, open")),
        (_("Ctrl+Q"), _("Close; measurements are kept")),
    )


class GuidePage(Page):
    """The page Guide; `back_requested` leads to the previous page."""

    back_requested = Signal()
    task_requested = Signal(str)

    def __init__(self, theme: Theme) -> None:
        """Create the page with its content."""
        super().__init__(theme, _("Guide"))
        self._tasks: Sequence[tuple[str, str]] = ()
        self.show_value()

    def show_task(self, title: str, markdown: str, pictures: Mapping[str, bytes]) -> None:
        """Show one task page in place of the guide; `pictures` are PNG files by their paths in the text."""
        head = PageHead(title)
        back = GhostButton(self.theme, _("Back to the guide"), "arrow-left", on=lambda: self.show_value(self._tasks))
        head.add_action(back)
        card = Card()
        view = MarkdownView(self.theme, title)
        view.setMinimumHeight(320)
        view.show_markdown(markdown, pictures)
        card.add((view, 1))
        self._fill("task", head, card, grow=0)
        view.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_value(self, value: Sequence[tuple[str, str]] = ()) -> None:
        """Show the guide with its list of tasks; `value` holds topic and title of each."""
        self._tasks = value
        head = PageHead(
            _("Guide"),
            _("Fettle makes a trained model smaller and faster, and proves that its answers stay the same."),
        )
        head.add_action(GhostButton(self.theme, _("Back"), "arrow-left", on=self.back_requested))
        left = in_column(*(self._way(), self._keys(), self._safety()), STRETCH, gap=SPACE_L)
        columns = in_row((left, 1), (in_column(self._words(), STRETCH, gap=None), 1), gap=SPACE_L)
        self._fill("full", head, *([self._step_by_step()] if self._tasks else []), columns)

    def _step_by_step(self) -> QWidget:
        tasks = ((topic, title, "") for topic, title in self._tasks)
        return button_row(self.theme, _("Step by step"), tasks, self.task_requested)

    def _way(self) -> Card:
        card = Card(_("The way through"), gap=SPACE_M)
        for icon, title, text in way():
            card.add(icon_text(self.theme, icon, title, text))
        return card

    def _keys(self) -> Card:
        return Card(_("Keys"), KeyValue(keys(), 130), gap=SPACE_M)

    def _safety(self) -> Card:
        card = Card(_("Your files"), gap=SPACE_M)
        text = _("They stay on this computer and are never changed. The hub is contacted only when you search.")
        card.add(words(text))
        return card

    def _words(self) -> QWidget:
        card = Card(_("Words"), gap=SPACE_M)
        search = SearchField(self.theme, _("Search the words"), _("Search the words"), 60, small=True)
        listed = KeyValue(glossary(), 130)
        nothing = words(_("No entry matches."), "soft")
        nothing.hide()
        search.textChanged.connect(lambda text: self._on_search(text, listed, nothing))
        card.add(search, listed, nothing)
        return card

    def _on_search(self, text: str, listed: KeyValue, nothing: QWidget) -> None:
        found = {name for name, _unused in glossary(text)}
        listed.show_only(found)
        nothing.setVisible(not found)
