"""Show an opened model on the page Model: its facts and the findings of the safety check."""

from collections.abc import Sequence

from widgets.pages.model.value import ModelValue
from widgets.parts.card import Card
from widgets.parts.format import big_count, size_bytes
from widgets.parts.layout import STRETCH, in_column
from widgets.parts.small import CheckList, CheckValue, KeyValue
from widgets.parts.text import words
from widgets.theme import Theme
from widgets.tokens import SPACE_L
from workers.contracts.translation import _

_SHOWN_CLASSES = 12


def _size(value: ModelValue) -> str:
    text = _("{0}, 1 number") if value.parameters == 1 else _("{0}, {1} numbers")
    return text.format(size_bytes(value.size_bytes), big_count(value.parameters))


def facts_card(value: ModelValue) -> Card:
    """Return the card with inputs, outputs and further facts in plain words."""
    pairs = [
        (_("Takes in"), value.takes_in),
        (_("Gives back"), value.gives_back),
        (_("What it does"), value.does),
        (_("Size"), _size(value)),
        (_("Format"), value.format),
        (_("Recognized"), value.architecture),
        (_("License"), value.license or _("none is stated in the file")),
        (_("Origin"), value.origin),
    ]
    card = Card(_("What it is"), KeyValue([pair for pair in pairs if pair[1]]), gap=SPACE_L)
    if value.classes:
        card.add(words(_classes(value.classes), "caption"))
    card.add(STRETCH)
    return card


def _classes(names: Sequence[str]) -> str:
    shown = ", ".join(name[:60] for name in names[:_SHOWN_CLASSES])
    rest = len(names) - _SHOWN_CLASSES
    more = _("{0}, and {1:,} more").format(shown, rest) if rest > 0 else shown
    return _("Its answers: {0}.").format(more)


class SafetyCard(Card):
    """The findings of the safety check, the worst first."""

    def __init__(self, theme: Theme, findings: Sequence[CheckValue]) -> None:
        """Create the card of `findings`."""
        super().__init__(_("What the safety check found"), gap=4)
        order = {"bad": 0, "warn": 1, "ok": 2}
        ordered = sorted(findings, key=lambda finding: order[finding.state])
        if not ordered:
            self.add(words(_("No findings: it contains numbers only."), "soft"))
        self.add(in_column(CheckList(theme, ordered), gap=None), STRETCH)
