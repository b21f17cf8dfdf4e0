"""Define the parts of the page "Under load": the form, the cards of figures, and the cost."""

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtWidgets import QButtonGroup, QWidget

from widgets.pages.load.value import LoadFormValue, PriceValue
from widgets.parts.buttons import GhostButton
from widgets.parts.card import Card, ChoiceCard
from widgets.parts.fields import ChoiceField, DecimalField, TextField
from widgets.parts.layout import STRETCH, bare_grid, in_flow, in_row
from widgets.parts.small import KeyValue
from widgets.parts.text import label, show_text, words
from widgets.theme import Theme
from widgets.timers import pause
from widgets.tokens import SPACE_L
from workers.contracts.translation import _

SETTLE_MS = 400
"""Pause in ms after typing until the costs are computed."""
NAME_PX = 150


class AskCards(QWidget):
    """The form for version, duration and latency limit; `version`, `seconds` and `limit_ms` are the choices."""

    def __init__(self, theme: Theme, value: LoadFormValue) -> None:
        """Create the form."""
        super().__init__()
        self.seconds = value.times[0][0]
        grid = bare_grid(SPACE_L, SPACE_L, parent=self)
        versions = [(title, version_id) for version_id, title in value.versions]
        options = [*versions, (_("The original alone"), "")]
        self._versions = ChoiceField(_("Version to compare with the original"), options, value.chosen, elastic=True)
        how = words(_("It is measured in turn with the original, in separate processes."), "soft")
        grid.addWidget(Card(_("Which version?"), how, self._versions), 0, 0, 1, len(value.times))
        self._group = QButtonGroup(self)
        for number, (seconds, about) in enumerate(value.times):
            title = _("{0:g} seconds for each part").format(seconds)
            card = ChoiceCard(str(seconds), title, about)
            card.radio.setText(title)
            card.add(card.radio, words(about, "soft"))
            card.chosen.connect(self._on_chosen)
            self._group.addButton(card.radio)
            grid.addWidget(card, 1, number)
            if number == 0:
                card.radio.setChecked(True)
        name = _("99 % of the answers within, in milliseconds")
        self._limit = DecimalField(name, 0, 3_600_000, digits=1, unit=" ms", special=_("no limit"))
        self._limit.setValue(value.limit_ms or 0.0)
        about = _("With a limit, Fettle also finds how many requests per second stay within it (99 %).")
        grid.addWidget(Card(_("Latency limit"), words(about, "soft"), self._limit), 2, 0, 1, len(value.times))

    @property
    def limit_ms(self) -> float:
        """Return the limit in milliseconds for 99 % of the predictions, 0 for none."""
        return self._limit.value()

    @property
    def version(self) -> str:
        """Return the id of the chosen version, "" for the original alone."""
        return str(self._versions.currentData())

    def _on_chosen(self, choice_id: str) -> None:
        self.seconds = float(choice_id)


def facts_card(title: str, about: str, pairs: tuple[tuple[str, str], ...]) -> Card:
    """Return a card of names and values; `about` is the sentence above them."""
    return Card(title, words(about, "soft") if about else None, KeyValue(pairs, name_width=NAME_PX), STRETCH)


class CostCard(Card):
    """The card of costs; `price_changed(per hour, currency, utilization in percent)` follows the user's price."""

    price_changed = Signal(float, str, float)

    def __init__(self, theme: Theme, value: PriceValue, example_chosen: SignalInstance) -> None:
        """Create the card of a price; its buttons emit `example_chosen(id)`."""
        super().__init__(_("What a million answers cost"))
        self.per_hour = DecimalField(_("Price of an hour"), 0, 100_000, digits=4, special=_("your price"))
        self.currency = TextField(value.currency, _("Currency"), max_chars=8)
        self.currency.setMaximumWidth(72)
        name = _("Utilization in percent")
        self.used = DecimalField(name, 1, 100, digits=0, unit=" %")
        self._settled = pause(self, SETTLE_MS, self._on_settled)
        self.add(words(_("What does one hour of the target computer cost?"), "soft"))
        at_work, share = label(_("an hour, at work"), wrap=False), label(_("of the time"), wrap=False)
        self.add(in_row(self.per_hour, self.currency, at_work, self.used, share, STRETCH))
        self._results = QWidget()
        self._summary = words("", "caption")
        self.add(self._results, self._summary)
        if value.examples:
            examples = [(GhostButton(theme, title, size="small"), example_id) for example_id, title in value.examples]
            for button, example_id in examples:
                button.clicked.connect(lambda _on=False, chosen=example_id: example_chosen.emit(chosen))
            title = label(_("Examples to edit:"), "soft", wrap=False)
            self.add(in_flow(title, *(button for button, _id in examples)))
        self.show_price(value)
        self.per_hour.valueChanged.connect(lambda _value: self._settled.start())
        self.used.valueChanged.connect(lambda _value: self._settled.start())
        self.currency.textEdited.connect(lambda _text: self._settled.start())

    def show_price(self, value: PriceValue) -> None:
        """Show another price with its costs; fields with the focus stay unchanged."""
        fields = (self.per_hour, self.currency, self.used)
        if not any(field.hasFocus() for field in fields):
            for field in fields:
                field.blockSignals(True)
            self.per_hour.setValue(value.per_hour or 0.0)
            self.currency.setText(value.currency)
            self.used.setValue(value.utilization_pct)
            for field in fields:
                field.blockSignals(False)
        results = KeyValue(value.costs, name_width=NAME_PX) if value.costs else QWidget()
        self._results = self.swap(self._results, results)
        results.setVisible(bool(value.costs))
        show_text(self._summary, value.message)

    def _on_settled(self) -> None:
        self.price_changed.emit(self.per_hour.value(), self.currency.text().strip(), self.used.value())
