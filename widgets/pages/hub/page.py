"""Show the page Hub, reached from the page Model: search, details and downloads; strangers wrote its texts."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from widgets.pages.hub.detail import HubDetail
from widgets.pages.hub.downloads import HubDownloads
from widgets.pages.hub.found_list import HubList
from widgets.pages.hub.search import HubSearchBar
from widgets.pages.hub.value import HubListValue, HubQueryValue
from widgets.parts.buttons import GhostButton, PrimaryButton
from widgets.parts.card import Card, EmptyCard
from widgets.parts.cards.error import ErrorCard, ErrorValue
from widgets.parts.layout import STRETCH, TOP, held, in_column, in_row
from widgets.parts.markdown import MarkdownView
from widgets.parts.page import LoadingCard, Page
from widgets.parts.small import PageHead
from widgets.parts.text import ElidedLabel
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M
from workers.contracts.translation import _


class HubPage(Page):
    """The page Hub; below the search bar is a list, a model card or an error, and `detail` at the right.

    `search_requested(HubQueryValue)` is the only signal that queries the hub for a list, and only the user triggers it.
    """

    search_requested = Signal(object)
    link_clicked = Signal(str)
    file_requested = Signal()
    sample_requested = Signal()

    fills_height = True

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Hub"))
        self.bar = HubSearchBar(theme)
        self.list = HubList(theme)
        self.detail = HubDetail(theme)
        self.downloads = HubDownloads(theme)
        self._middle = QStackedWidget()
        self._stays = QWidget()
        self._build()

    # -- states --
    def show_list(self, value: HubListValue) -> None:
        """Show the hub's models, or the starters before any search."""
        self.state = "empty" if value.is_start else "full"
        self.list.show_value(value)
        self._show(self._stays, has_detail=True)

    def show_searching(self) -> None:
        """Show that the hub is being queried; previous results stay visible."""
        if self._middle.currentWidget() is self._stays:
            self.list.set_busy(True)
            self.state = "loading"
            return
        card = LoadingCard(self.theme, self.cancel_requested)
        card.show_progress(_("Asking the hub"), 0, None, "")
        self.state = "loading"
        self._show(_on_top(card), has_detail=False)

    def show_nothing(self, text: str, hint: str) -> None:
        """Show that the hub has no fitting model."""
        again = GhostButton(self.theme, _("Search without limits"), on=self._on_without_limits)
        self.state = "nothing"
        self._show(EmptyCard(self.theme, "magnifying-glass", text, hint, again), has_detail=False)

    def show_problem(self, value: ErrorValue) -> None:
        """Show an error and the options that need no hub."""
        card = ErrorCard(self.theme, value)
        card.add_action(
            PrimaryButton(self.theme, _("Try again"), "arrow-clockwise", on=self._on_again),
            GhostButton(self.theme, _("Choose a file…"), on=self.file_requested),
            GhostButton(self.theme, _("Try the sample"), "play", on=self.sample_requested),
        )
        self.state = "error"
        self._show(_on_top(card), has_detail=False)

    def show_card(self, name: str, markdown: str) -> None:
        """Show the model card in place of the list."""
        back = GhostButton(self.theme, _("Back to the list"), "arrow-left", "small", on=self.show_list_again)
        title = ElidedLabel(_("The author's description of {0}").format(name), "section")
        view = MarkdownView(self.theme, _("Model card"))
        view.setMinimumHeight(320)
        view.link_clicked.connect(self.link_clicked)
        view.show_markdown(markdown)
        self._show(Card("", in_row((title, 1), back, gap=SPACE_M), (view, 1), gap=SPACE_M), has_detail=True)
        back.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_list_again(self) -> None:
        """Return from a model card to the list with its focus."""
        self._show(self._stays, has_detail=True)
        self.list.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def start(self, query: HubQueryValue) -> None:
        """Show a search that another page started, with the cursor at its end; this sends no query."""
        self.bar.show_value(query)
        self.bar.field.setFocus(Qt.FocusReason.OtherFocusReason)
        self.bar.field.end(False)

    # -- parts --
    def _build(self) -> None:
        head = PageHead(
            _("Pick a model from the hub"),
            _("Your files stay on this computer. The hub is contacted only when you search."),
            GhostButton(self.theme, _("Back"), "arrow-left", on=self._to("model")),
        )
        in_row(self.list, gap=0, parent=self._stays)
        self._middle.addWidget(self._stays)
        columns = in_row((self._middle, 1), (self.detail, TOP), gap=SPACE_L)
        self._fill("empty", head, self.bar, (in_column(self.downloads, (columns, 1), gap=SPACE_L), 1))
        self.bar.search_requested.connect(self.search_requested)

    def _show(self, widget: QWidget, *, has_detail: bool) -> None:
        """Show `widget` in the middle and delete the previous temporary one."""
        old = self._middle.currentWidget()
        if widget is not self._stays:
            self._middle.addWidget(widget)
        self._middle.setCurrentWidget(widget)
        if old is not None and old is not self._stays and old is not widget:
            self._middle.removeWidget(old)
            old.deleteLater()
        self.detail.setVisible(has_detail)

    def _on_again(self) -> None:
        self.search_requested.emit(self.bar.value)

    def _on_without_limits(self) -> None:
        self.bar.show_value(HubQueryValue(text=self.bar.value.text))
        self._on_again()

    def _on_width_changed(self, is_narrow: bool) -> None:
        self.bar.set_narrow(is_narrow)
        self.list.set_narrow(is_narrow)
        self.detail.set_narrow(is_narrow)


def _on_top(card: Card) -> QWidget:
    return held(in_column(card, STRETCH, gap=0))
