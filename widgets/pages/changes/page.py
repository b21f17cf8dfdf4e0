"""Show the page "What changed, and why": reasons, the picture of both graphs, and what else the run tried."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QWidget
from shiboken6 import isValid

from widgets.pages.changes.nodes import NodesView
from widgets.pages.changes.reasons import reasons_card
from widgets.pages.changes.tried import tried_cards
from widgets.pages.changes.value import ChangesValue
from widgets.pages.detail_page import DetailPage
from widgets.parts.buttons import GhostButton, PrimaryButton
from widgets.parts.card import EmptyCard
from widgets.parts.layout import in_flow
from widgets.parts.small import PageHead
from widgets.parts.text import show_text, words
from widgets.theme import Theme
from workers.contracts.after.change_words import ms_words, summary, times_of
from workers.contracts.after.changes import DiffResult
from workers.contracts.translation import _, mark

ICON = "list"
KINDS = {"html": mark("Page (*.html)"), "svg": mark("Picture (*.svg)")}


class ChangesPage(DetailPage):
    """The page "What changed, and why".

    `compare_requested` compares the chosen version with the original, `explain_requested` looks for the cause of other
    answers, `save_requested(path)` writes the comparison, and `again_requested` measures the run again.
    """

    compare_requested = Signal()
    explain_requested = Signal()
    save_requested = Signal(str)
    again_requested = Signal()

    fills_height = True

    def __init__(self, theme: Theme) -> None:
        """Create the page in its empty state."""
        nothing = (
            _("Nothing to compare yet"),
            _("Every version that a run tries is listed here, with what changed in it and why it was dropped."),
        )
        super().__init__(theme, _("What changed, and why"), ICON, nothing)
        self._nodes: NodesView | None = None
        self._saved = words("", "caption")

    # -- states --
    def show_value(self, value: ChangesValue) -> None:
        """Show the offer to compare, or the comparison, above everything that the run tried."""
        self._nodes = None
        self._saved = words("", "caption")
        self._saved.hide()
        result = value.result
        save = GhostButton(self.theme, _("Save…"), "download-simple", on=self.save) if result is not None else None
        head = PageHead(_("What changed, and why"), self._subtitle(value), save, self._back())
        tools = in_flow(self._version_field(value.versions, value.chosen), self._saved)
        tried = tried_cards(self.theme, value.tried, self.version_chosen.emit, self.again_requested)
        self._fill("full", head, tools, *self._compared(value, result), *tried)
        self._on_width_changed(self.is_narrow)

    def _subtitle(self, value: ChangesValue) -> str:
        if value.result is None:
            return _("What changed in each version, and why is it faster, slower or different?")
        if None in (timed := times_of(value.result.nodes)):
            return summary(value.result)
        return _("All layers together: {0}, with each timed by itself.").format(ms_words(*timed))

    def _compared(self, value: ChangesValue, result: DiffResult | None) -> list[tuple[QWidget, int]]:
        if result is not None:
            reasons = reasons_card(self.theme, value, result, self._show_nodes, self.explain_requested)
            self._nodes = NodesView(self.theme, result)
            return [(reasons, 0), (self._nodes, 1)]
        if not value.can_compare:
            return []
        text = _("Compares both models operator by operator on your examples. This takes seconds to a few minutes.")
        name = _("Show what changed")
        if value.n_changed:
            name = _("Show what changed, and why answers differ")
        go = PrimaryButton(self.theme, name, "play", on=self.compare_requested)
        title = _("“{0}” was not compared with the original yet").format(dict(value.versions)[value.chosen])
        return [(EmptyCard(self.theme, ICON, title, text, go), 0)]

    def show_saved(self, path: str) -> None:
        """Show where the comparison was written."""
        show_text(self._saved, _("Saved as {0}").format(path))

    # -- slots --
    def save(self) -> None:
        """Open the system's dialog for a file and emit `save_requested(path)`; the name's ending selects the kind."""
        title = _("Where should the comparison be saved?")
        path, kind = QFileDialog.getSaveFileName(self, title, "what-changed.html", ";;".join(map(_, KINDS.values())))
        if path:
            suffix = next((suffix for suffix, words in KINDS.items() if _(words) == kind), "html")
            is_known = Path(path).suffix.lower().removeprefix(".") in KINDS
            self.save_requested.emit(path if is_known else f"{path}.{suffix}")

    def _show_nodes(self, nodes: Sequence[int], about: str) -> None:
        if self._nodes is not None:
            self._nodes.show_nodes(nodes, about)
            self.show_whole(self._nodes)

    def _on_width_changed(self, is_narrow: bool) -> None:
        if self._nodes is not None and isValid(self._nodes):
            self._nodes.set_narrow(is_narrow)
