"""Show the page of the GPU doctor: checks of the computer and of each GPU, and repairs for failed checks."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QWidget

from widgets.icons import IconLabel
from widgets.pages.gpu.value import GpuValue, PlaceValue
from widgets.parts.buttons import GhostButton, PrimaryButton
from widgets.parts.card import Card, divided
from widgets.parts.format import visible
from widgets.parts.installing.row import InstallingPage, InstallRow
from widgets.parts.installing.value import SetValue
from widgets.parts.layout import STRETCH, TOP, fill, in_column, in_row
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


class GpuPage(InstallingPage):
    """The page of the GPU doctor, with rows of sets that repair checks; `again_requested` runs all checks again."""

    again_requested = Signal()
    report_requested = Signal()
    card_chosen = Signal(str)

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Graphics cards"))
        self._sets: Mapping[str, SetValue] = {}

    def show_empty(self) -> None:
        """Show that no check has run yet."""
        self._fill("empty", self._head(_("Graphics cards"), _("Nothing was tried yet."), is_trying=False))

    def show_value(self, value: GpuValue) -> None:
        """Show the results so far."""
        self._sets = value.sets
        is_busy = value.is_trying or any(one.installing is not None for one in value.sets.values())
        head = self._head(value.headline, value.subtitle, is_trying=is_busy)
        self._fill("full", head, *(self._place(place) for place in value.places))

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
        card.add(
            self._choice(value) if value.choice else None,
            *divided(self._rung(rung, value.title) for rung in value.rungs),
        )
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

    def _rung(self, value: TriedRung, place: str) -> QWidget:
        holder = QWidget()
        holder.setAccessibleName(visible(value.title))
        holder.setAccessibleDescription(visible(joined((value.found, value.reason, value.hint))))
        icon, tone = _MARKS[value.state]
        title = label(value.title, "strong" if value.state != "not_tried" else "soft")
        report: tuple[tuple[str, Role], ...] = ((value.found, "soft"), (value.reason, ""), (value.hint, "soft"))
        lines = (words(text, role) for text, role in report if text)
        column = in_column(*lines, gap=2)
        if value.installs is not None and value.installs in self._sets:
            fill(column, SPACE_S, InstallRow(self.theme, self._sets[value.installs], f"{place}: {value.title}", self))
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
