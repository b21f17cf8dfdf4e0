"""Show the page of the GPU doctor: checks of the computer and of each GPU, and repairs for failed checks."""

from functools import partial

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QWidget

from widgets.icons import IconLabel
from widgets.pages.gpu.value import GpuValue, PlaceValue
from widgets.parts.buttons import GhostButton, PrimaryButton
from widgets.parts.card import Card, divided
from widgets.parts.cards.error import ErrorCard
from widgets.parts.format import visible
from widgets.parts.installing.value import InstallingValue
from widgets.parts.layout import LEFT, STRETCH, TOP, fill, in_column, in_row
from widgets.parts.page import LoadingCard, Page
from widgets.parts.small import PageHead, Tag
from widgets.parts.text import Role, Tone, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S
from workers.contracts.gpu import RungState, TriedRung
from workers.contracts.translation import _, joined

_MARKS: dict[RungState, tuple[str, Tone]] = {
    "ok": ("check-circle", "ok"),
    "broken": ("x-circle", "bad"),
    "not_tried": ("circle-dashed", "soft"),
}


class GpuPage(Page):
    """The page of the GPU doctor; `again_requested` runs all checks again.

    `install_requested` carries the set of packages that repairs a check. `cancel_requested` stops the installation.
    """

    again_requested = Signal()
    report_requested = Signal()
    card_chosen = Signal(str)
    install_requested = Signal(str)

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Graphics cards"))
        self._installing: LoadingCard | None = None
        self._is_busy = False

    def show_empty(self) -> None:
        """Show that no check has run yet."""
        self._fill("empty", self._head(_("Graphics cards"), _("Nothing was tried yet."), is_trying=False))

    def show_value(self, value: GpuValue) -> None:
        """Show the results so far."""
        self._is_busy = value.is_trying or value.installing is not None
        self._installing = None
        if value.installing is not None:
            self._installing = LoadingCard(self.theme, self.cancel_requested)
            self.show_installing(value.installing)
        self._fill(
            "full",
            self._head(value.headline, value.subtitle, is_trying=self._is_busy),
            self._installing,
            ErrorCard(self.theme, value.trouble) if value.trouble is not None else None,
            *(self._place(place) for place in value.places),
        )

    def show_installing(self, value: InstallingValue) -> None:
        """Update the progress of the installation in place."""
        if self._installing is not None:
            total = None if value.share is None else 1.0
            report = ", ".join(part for part in (value.elapsed, value.line) if part)
            self._installing.show_progress(value.title, value.share or 0.0, total, report)
            self._installing.cancel.setEnabled(not value.is_stopping)

    def _head(self, title: str, subtitle: str, *, is_trying: bool) -> PageHead:
        tip = _("Copy everything as text, for support")
        back = GhostButton(self.theme, _("Back"), "arrow-left", on=self._to("settings"))
        report = GhostButton(self.theme, _("Copy report"), "copy", tip=tip, on=self.report_requested)
        again = PrimaryButton(self.theme, _("Check again"), "arrow-clockwise", on=self.again_requested)
        for button in (report, again):
            button.setEnabled(not is_trying)
        return PageHead(title, subtitle, back, report, again)

    def _place(self, value: PlaceValue) -> Card:
        card = Card(value.title, gap=0)
        if value.about:
            card.add_caption(value.about)
        card.add(self._choice(value) if value.choice else None, *divided(self._rung(rung) for rung in value.rungs))
        return card

    def _choice(self, value: PlaceValue) -> QHBoxLayout:
        """Return the row that shows or selects the working GPU of several."""
        shown: QWidget
        if value.is_chosen:
            works = all(rung.state == "ok" for rung in value.rungs)
            text = _("Does the work") if works else _("Selected")
            shown = Tag(self.theme, "ok" if works else "none", text)
        else:
            text, name = _("Use this card"), _("Work on {0}").format(value.title)
            choose = partial(self._emit, self.card_chosen, value.choice)
            shown = GhostButton(self.theme, text, "", "small", name=name, on=choose)
        return in_row(shown, STRETCH, gap=None, edges=(0, 0, 0, SPACE_S))

    def _rung(self, value: TriedRung) -> QWidget:
        holder = QWidget()
        holder.setAccessibleName(visible(value.title))
        holder.setAccessibleDescription(visible(joined((value.found, value.reason, value.hint))))
        icon, tone = _MARKS[value.state]
        title = label(value.title, "strong" if value.state != "not_tried" else "soft")
        report: tuple[tuple[str, Role], ...] = ((value.found, "soft"), (value.reason, ""), (value.hint, "soft"))
        lines = (words(text, role) for text, role in report if text)
        column = in_column(*lines, gap=2)
        if value.installs:
            text, name = _("Install it…"), _("Install the fix for {0}").format(value.title)
            on = partial(self._emit, self.install_requested, value.installs)
            install = GhostButton(self.theme, text, "download-simple", "small", name=name, on=on)
            install.setEnabled(not self._is_busy)
            fill(column, SPACE_S, (install, LEFT))
        fill(column, STRETCH)
        in_row(
            (IconLabel(self.theme, icon, tone), TOP),
            (title, 2, TOP),
            (column, 5),
            gap=SPACE_M,
            edges=(0, SPACE_S + 2, 0, SPACE_S + 2),
            parent=holder,
        )
        return holder

    def _emit(self, signal: SignalInstance, value: str, _checked: bool = False) -> None:
        signal.emit(value)

    def copy(self, text: str) -> None:
        """Copy a text to the clipboard."""
        QGuiApplication.clipboard().setText(text)
