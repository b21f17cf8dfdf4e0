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


def workflow() -> Iterator[tuple[str, str, str]]:
    """Yield icon, title and sentence of each step."""
    steps = (spec for spec in find_pages() if spec.place == "step")
    for number, spec in enumerate(steps, 1):
        yield spec.icon, f"{number}. {_(spec.title)}", _(spec.summary)


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
    report_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        """Create the page with its content."""
        super().__init__(theme, _("Guide"))
        self._tasks: Sequence[tuple[str, str]] = ()
        self.show_value()

    def show_task(self, title: str, markdown: str, pictures: Mapping[str, bytes]) -> None:
        """Show one task page in place of the guide; `pictures` are PNG files by their paths in the text."""
        back = GhostButton(self.theme, _("Back to the guide"), "arrow-left", on=lambda: self.show_value(self._tasks))
        view = MarkdownView(self.theme, title)
        view.setMinimumHeight(320)
        view.show_markdown(markdown, pictures)
        self._fill("task", PageHead(title, "", back), (Card("", (view, 1)), 1))
        view.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_value(self, value: Sequence[tuple[str, str]] = ()) -> None:
        """Show the guide with its list of tasks; `value` holds topic and title of each."""
        self._tasks = value
        head = PageHead(
            _("Guide"),
            _("Fettle makes a trained model smaller and faster, and proves that its answers stay the same."),
            GhostButton(self.theme, _("Save a problem report"), "lifebuoy", on=self.report_requested),
            GhostButton(self.theme, _("Back"), "arrow-left", on=self.back_requested),
        )
        text = _("They stay on this computer and are never changed. The hub is contacted only when you search.")
        steps = Card(_("The way through"), *(icon_text(self.theme, *step) for step in workflow()), gap=SPACE_M)
        shortcuts = Card(_("Keys"), KeyValue(keys(), 130), gap=SPACE_M)
        left = in_column(steps, shortcuts, Card(_("Your files"), words(text)), STRETCH, gap=SPACE_L)
        columns = in_row((left, 1), (in_column(self._words(), STRETCH, gap=None), 1), gap=SPACE_L)
        tasks = [(topic, title, "") for topic, title in value]
        row = button_row(self.theme, _("Step by step"), tasks, self.task_requested) if tasks else None
        self._fill("full", head, row, columns)

    def _words(self) -> Card:
        search = SearchField(self.theme, _("Search the words"), _("Search the words"), 60, small=True)
        listed = KeyValue(glossary(), 130)
        nothing = words(_("No entry matches."), "soft")
        nothing.hide()
        search.textChanged.connect(lambda text: self._on_search(text, listed, nothing))
        return Card(_("Words"), search, listed, nothing, gap=SPACE_M)

    def _on_search(self, text: str, listed: KeyValue, nothing: QWidget) -> None:
        matching = {name for name, _unused in glossary(text)}
        listed.show_only(matching)
        nothing.setVisible(not matching)
