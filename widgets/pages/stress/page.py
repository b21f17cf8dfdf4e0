"""Show the page "Under stress": hard inputs for the original and one version, with their effects."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from widgets.pages.detail_page import DetailPage
from widgets.pages.stress.found import attack_check, poison_checks, trigger_checks, unchanged_row, unfamiliar_row
from widgets.pages.stress.table import StressTable
from widgets.pages.stress.value import StressValue
from widgets.parts.buttons import GhostButton, PrimaryButton
from widgets.parts.card import Card, icon_text
from widgets.parts.format import about, percent, seconds
from widgets.parts.layout import in_flow, in_row
from widgets.parts.nouns import counted
from widgets.parts.small import CheckList, CheckValue, PageHead
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XL
from workers.contracts.after.stress import FULL_S, QUICK_S, StressResult, StressRow
from workers.contracts.translation import _, joined

ICON = "cloud-lightning"


class StressPage(DetailPage):
    """The page "Under stress"; `start_requested(full)` tests the chosen version.

    `version_chosen(id)` selects another version.
    """

    start_requested = Signal(bool)

    def __init__(self, theme: Theme) -> None:
        """Create the page in its empty state."""
        nothing = (
            _("Nothing to stress-test yet"),
            _("Once versions have been tested, test them with harder examples here."),
        )
        super().__init__(theme, _("Under stress"), ICON, nothing)

    # -- states --
    def show_value(self, value: StressValue) -> None:
        """Show the offer, or the results of the chosen version."""
        result = value.result
        offer = _("Your examples are changed, and original and optimized version are tested on the same ones.")
        head = PageHead(_("Under stress"), result.headline if result else offer, self._back())
        if result is None:
            self._fill("full", head, self._tools(value), self._what(value))
            return
        items: list[QWidget] = [self._tools(value), self._kinds(value, result)]
        for near in (True, False):
            rows = tuple(unfamiliar_row(row) for row in result.unfamiliar if row.near == near)
            if rows:
                items.append(self._unfamiliar(rows, value.folder, near))
        items += self._lists(result)
        note = joined(result.notes)
        if note:
            items.append(words(note, "caption"))
        self._fill("full", head, *items)

    # -- parts --
    def _tools(self, value: StressValue) -> QWidget:
        quick = _("Start the quick test ({0})") if value.result is None else _("Test again ({0})")
        text = quick.format(about(QUICK_S))
        first = (
            PrimaryButton(self.theme, text, "play") if value.result is None else GhostButton(self.theme, text, "play")
        )
        first.clicked.connect(lambda: self.start_requested.emit(False))
        full = GhostButton(
            self.theme,
            _("Full test ({0})").format(about(FULL_S)),
            "stack",
            on=lambda: self.start_requested.emit(True),
        )
        return in_flow(self._version_field(value.versions, value.chosen), first, full)

    def _what(self, value: StressValue) -> Card:
        changes = {
            "images": _("Noise, blur, glare, fog, darkness, strong compression: from mild to severe."),
            "texts": _("Typos, wrong case, stray blanks, look-alike letters, missing words."),
            "audio": _("Hiss, cut off peaks, another loudness, drop-outs."),
            "arrays": _("Inexact and missing numbers."),
        }[value.kind]
        card = Card(edge=SPACE_XL, gap=SPACE_L)
        for icon, title, text in (
            (ICON, _("Harder inputs"), changes),
            (
                "question",
                _("Out of distribution"),
                _("Is each version less confident for inputs unlike your examples?"),
            ),
            (
                "shield-warning",
                _("Attacks"),
                _("Small changes made to fool it, within a stated budget: each version is attacked by itself."),
            ),
            (
                "lock-key-open",
                _("Triggers"),
                _("Small patches or words that only the optimized version obeys: a backdoor."),
            ),
            (
                "magnifying-glass",
                _("Calibration examples"),
                _("Signs that somebody planted something in the examples that a version was tuned with."),
            ),
        ):
            card.add(icon_text(self.theme, icon, title, text))
        return card

    def _kinds(self, value: StressValue, result: StressResult) -> StressTable:
        names = {
            "accuracy": _("Share answered rightly"),
            "agreement": _("Share answered as the original answers the unchanged input"),
            "similarity": _("Share of answers like the original's to the same input"),
        }
        caption = _(
            "{0}: the original above, the optimized version below. {1} at each severity, in {2}. “As good” is proven "
            "to lose at most {3} of the examples, “loses more” to lose more than that."
        ).format(
            names[result.measure],
            counted(value.kind, result.n_answered),
            seconds(result.seconds),
            percent(result.margin, 0),
        )
        rows = (unchanged_row(result), *result.rows)
        used = sorted({cell.severity for row in rows for cell in row.cells})
        columns = {place: _("Severity {0}").format(place) for place in used}
        title = _("Harder inputs, all kinds") if result.full else _("Harder inputs")
        return StressTable(self.theme, self._pictures, title, caption, rows, value.folder, columns)

    def _unfamiliar(self, rows: tuple[StressRow, ...], folder: Path, near: bool) -> StressTable:
        caption = _(
            "Separation: share of pairs in which the model is more confident for your example (AUROC; "
            "50 % is guessing, more is better). False alarms: share of your examples that would be "
            "rejected if 95 % of these were (FPR95; less is better). The original above, the "
            "optimized version below."
        )
        title = _("Nearly like your examples") if near else _("Nothing like your examples")
        columns = {1: _("Told apart"), 2: _("False alarms")}
        return StressTable(self.theme, self._pictures, title, caption, rows, folder, columns)

    def _lists(self, result: StressResult) -> list[QWidget]:
        cards: list[QWidget] = []
        for title, about_, values in (
            (
                _("Attacks"),
                _("A larger budget may still succeed: nothing here is called safe."),
                tuple(map(attack_check, result.attacks)),
            ),
            (
                _("Triggers"),
                _("A backdoor can become active when a model is made smaller: both versions got the same additions."),
                trigger_checks(result.triggers) if result.triggers is not None else (),
            ),
            (_("Calibration examples"), "", poison_checks(result)),
        ):
            if values:
                cards.append(self._list(title, about_, values))
        return cards

    def _list(self, title: str, about_: str, values: tuple[CheckValue, ...]) -> Card:
        card = Card("", in_row(label(title, "section"), gap=SPACE_M), name=title, edge=SPACE_L, gap=SPACE_S)
        if about_:
            card.add(words(about_, "caption"))
        card.add(CheckList(self.theme, values))
        return card
