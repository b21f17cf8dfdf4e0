"""Show results of other computers on the page Compare as claims, with buttons to save and open results."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from widgets.icons import IconLabel
from widgets.pages.compare.value import ClaimValue, CompareValue
from widgets.parts.buttons import GhostButton, TextButton
from widgets.parts.card import Card, divided
from widgets.parts.layout import TOP, held, in_column, in_row
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S, SPACE_XS
from workers.contracts.translation import _


class ClaimSignals(QObject):
    """The requests of the cards of results, owned by the page, which makes its card anew for each result."""

    save_requested = Signal(str)  # path of the new file
    open_requested = Signal(str)  # path of a file
    removed = Signal(str)  # item of a claim
    accepted = Signal(str, bool)  # fingerprint of a key; False forgets it


class ClaimsCard(Card):
    """The card of all results of other computers; without one it offers to save this result and to open others."""

    def __init__(self, theme: Theme, value: CompareValue, signals: ClaimSignals) -> None:
        """Create the card of a result that is shown."""
        title = _("Saved results")
        super().__init__(name=title, gap=SPACE_M)
        self._theme, self._name, self._signals = theme, value.result_name, signals
        tip = _("Writes machine, figures and verdict into a signed file. It holds no data, answers or names.")
        save = GhostButton(theme, _("Save result…"), "download-simple", "small", tip=tip, on=self._save)
        tip = _("Show a result that somebody measured elsewhere. You can also drop its file on the window.")
        opened = GhostButton(theme, _("Open a result…"), "folder", "small", tip=tip, on=self._open)
        text = _("Save this result for somebody else, or open what was measured on another computer.")
        if value.claims:
            text = _("What others say they measured with this model. It changes no verdict here.")
        head = in_row((in_column(label(title, "section"), words(text, "soft"), gap=0), 1), (opened, TOP), (save, TOP))
        self.add(head, *divided(self._row(one) for one in value.claims))

    def _row(self, claim: ClaimValue) -> QWidget:
        remove = TextButton(self._theme, _("Remove"), "trash", "small", name=_("Remove: {0}").format(claim.title))
        remove.clicked.connect(lambda: self._signals.removed.emit(claim.item))
        accept = None
        if claim.is_accepted is not None:
            text = _("Forget this key") if claim.is_accepted else _("Accept this key")
            tip = _("Compare the key with its owner first: {0}").format(claim.signed_by)
            accept = TextButton(self._theme, text, "shield-check", "small", tip=tip)
            accept.clicked.connect(lambda: self._signals.accepted.emit(claim.signed_by, not claim.is_accepted))
        is_known = claim.signed_by and claim.is_accepted is not False
        icon, tone = ("check-circle", "ok") if is_known else ("warning", "warn")
        signer = label(claim.signer, "caption", select=True)
        signer.setToolTip(claim.signed_by)
        signed = in_row(IconLabel(self._theme, icon, tone), (signer, 1), accept, gap=SPACE_S)
        lines = (label(line, "soft") for line in claim.lines)
        column = in_column(label(claim.title, "strong"), *lines, signed, gap=SPACE_XS)
        row = held(in_row((column, 1), (remove, TOP), gap=SPACE_M))
        row.setAccessibleName(claim.title)
        return row

    def _save(self) -> None:
        title, kinds = _("Where should the result be saved?"), _("Results (*{0})").format(".json")
        if path := QFileDialog.getSaveFileName(self, title, self._name, kinds)[0]:
            self._signals.save_requested.emit(path if path.lower().endswith(".json") else f"{path}.json")

    def _open(self) -> None:
        kinds = _("Results (*{0})").format(".json")
        if path := QFileDialog.getOpenFileName(self, _("Choose a result"), "", f"{kinds};;{_('All files (*)')}")[0]:
            self._signals.open_requested.emit(path)
