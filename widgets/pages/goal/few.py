"""Show on the page Goal that there are too few examples to prove the limit, and what would help."""

from dataclasses import dataclass

from PySide6.QtCore import Signal

from widgets.parts.buttons import GhostButton
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
    """The line about too few examples; it is hidden without a value.

    `limit_wanted(percent)` takes the offered limit, `data_wanted` leads to the examples.
    """

    limit_wanted = Signal(float)
    data_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        """Create a hidden line."""
        self._value: FewValue | None = None
        self._text = words("")
        self._limit, self._more = GhostButton(theme, "", size="small"), GhostButton(theme, "", "plus", "small")
        super().__init__(theme, _("Too few examples for this limit"), self._text, self._limit, self._more)
        self._limit.clicked.connect(self._on_limit)
        self._more.clicked.connect(self.data_wanted)
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
            self.limit_wanted.emit(self._value.offer_pct)
