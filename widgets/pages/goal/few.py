"""Show on the page Goal that there are too few examples to prove the limit, and what would help."""

from dataclasses import dataclass

from PySide6.QtCore import SignalInstance

from widgets.parts.buttons import GhostButton, Slot
from widgets.parts.card import Banner
from widgets.parts.format import percent_of
from widgets.parts.nouns import DataKind, counted, plural
from widgets.parts.text import words
from widgets.theme import Theme
from workers.contracts.translation import _


@dataclass(frozen=True)
class FewValue:
    """Too few examples: `n_test` cannot prove `limit_pct`, which needs `n_needed`; None if no number suffices.

    `offer_pct` is a larger limit that they can prove, None for none.
    """

    kind: DataKind
    n_test: int
    n_needed: int | None
    limit_pct: float
    offer_pct: float | None = None
    labelled: bool = False


class FewLine(Banner):
    """The line about too few examples; it is hidden without a value."""

    def __init__(self, theme: Theme, limit_wanted: SignalInstance, on_data: Slot) -> None:
        """Create a hidden line; `limit_wanted(percent)` takes the offered limit, `on_data` leads to the examples."""
        self._value: FewValue | None = None
        self._limit_wanted, self._text = limit_wanted, words("")
        self._limit = GhostButton(theme, "", size="small")
        self._more = GhostButton(theme, "", "plus", "small", on=on_data)
        super().__init__(theme, _("Too few examples for this limit"), self._text, self._limit, self._more)
        self._limit.clicked.connect(self._on_limit)
        self.hide()

    def show_value(self, value: FewValue | None) -> None:
        """Show a value; None hides the line."""
        self._value = value
        if value is not None:
            self._text.setText(self._sentence(value))
            offer = value.offer_pct
            self._limit.relabel("" if offer is None else _("Set the limit to {0}").format(percent_of(offer)))
            self._limit.setVisible(offer is not None)
            self._more.relabel(_("Add {0}…").format(plural(value.kind)))
        self.setVisible(value is not None)

    def _sentence(self, value: FewValue) -> str:
        have = counted(value.kind, value.n_test)
        if value.n_needed is None:
            text = _("No number of examples can prove a limit of 0 %.")
        else:
            text = _(
                "{0} for the test cannot prove a limit of {1}: at least {2:,} are needed, even if no "
                "answer changes. The best verdict will be “alike, not proven”."
            ).format(have, percent_of(value.limit_pct), value.n_needed)
        if not value.labelled:
            text = _("{0} With labels, fewer may be enough if answers change.").format(text)
        return text

    def _on_limit(self) -> None:
        if self._value is not None and self._value.offer_pct is not None:
            self._limit_wanted.emit(self._value.offer_pct)
