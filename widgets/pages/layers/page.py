"""Show the page "Layers": the time of each layer of the original and of a version."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QLabel, QWidget

from widgets.pages.detail_page import DetailPage
from widgets.pages.layers.table import LayersTable
from widgets.pages.layers.value import LayersOf, LayersValue
from widgets.parts.buttons import PrimaryButton
from widgets.parts.card import Card, EmptyCard
from widgets.parts.fields import ChoiceField
from widgets.parts.format import ms, percent
from widgets.parts.layout import held, in_flow, in_row
from widgets.parts.small import PageHead
from widgets.parts.text import label, words
from widgets.plots.layer_flow import MOST_KINDS, LayerFlow
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S
from workers.contracts.after.changes import Layer
from workers.contracts.translation import _

ICON = "stack"
MARK_PX = 10


class LayersPage(DetailPage):
    """The page "Layers"; `look_requested` requests a profile of the layers.

    `version_chosen(id)` selects another version.
    """

    look_requested = Signal()

    fills_height = True

    def __init__(self, theme: Theme) -> None:
        """Create the page in its empty state."""
        nothing = (
            _("Nothing to inspect yet"),
            _("Once versions have been measured, see here where their time goes."),
        )
        super().__init__(theme, _("Layers"), ICON, nothing)
        self._sides: tuple[LayersOf, ...] = ()
        self._flows: list[LayerFlow] = []
        self._table: LayersTable | None = None
        self._side: ChoiceField | None = None

    # -- states --
    def show_value(self, value: LayersValue) -> None:
        """Show the offer to profile, or two rows of layers above a table."""
        subtitle = self._headline(value) if value.sides else _("Where does the time of each version go?")
        head = PageHead(_("Layers"), subtitle, self._back())
        self._sides, self._flows = value.sides, []
        if not value.sides:
            text = _(
                "Each version predicts one of your examples a few times while its engine times every "
                "layer. This takes a few seconds."
            )
            go = PrimaryButton(self.theme, _("Show where the time goes"), "play", on=self.look_requested)
            card = EmptyCard(self.theme, ICON, _("Not measured yet"), text, go)
            self._fill("full", head, self._tools(value), card)
            return
        note = words(
            _(
                "Engines merge operators into layers, so layers of two versions can differ. Timing "
                "each layer slows the whole model a little. Sensitivity is how much 8 bits in this "
                "layer alone change the answers, if measured."
            ),
            "caption",
        )
        self._fill("full", head, self._tools(value), self._drawings(value), (self._list(value), 1), note)
        self._show_side(len(value.sides) - 1)

    # -- parts --
    def _headline(self, value: LayersValue) -> str:
        side = value.sides[-1]
        slowest = max(side.result.layers, key=lambda layer: layer.ms, default=None)
        if slowest is None:
            return ""
        text = _("In “{0}” the slowest of {1} layers takes {2} of the time ({3}).")
        return text.format(side.title, len(side.result.layers), percent(side.share(slowest), 0), slowest.kind)

    def _tools(self, value: LayersValue) -> QWidget:
        return in_flow(self._version_field(value.versions, value.chosen))

    def _drawings(self, value: LayersValue) -> Card:
        card = Card(_("From the input to the answer, each layer as wide as its time"), gap=SPACE_M)
        kinds = kinds_by_time(value.sides)
        whole_ms = max(side.result.total_ms for side in value.sides)
        for number, side in enumerate(value.sides):
            name = ", ".join(dict.fromkeys((side.title, side.engine)))  # a version may have the name of its engine
            count = len(side.result.layers)
            text = _("{0}: {1} in one layer") if count == 1 else _("{0}: {1} in {2} layers")
            caption = text.format(name, ms(side.result.total_ms), count)
            card.add(words(" ".join(part for part in (caption, side.result.part) if part), "soft"))
            flow = LayerFlow(self.theme, _("Parts of {0}").format(side.title))
            flow.set_blocks([(layer, self._describe(side, layer)) for layer in side.result.layers], kinds, whole_ms)
            flow.block_chosen.connect(lambda order, side=number: self._on_block(side, order))
            self._flows.append(flow)
            card.add(flow)
        card.add(self._legend(kinds))
        slowed = _("Timing each layer slows small models, so compare layers only. Total times are on Compare.")
        card.add(words(slowed, "caption"))
        return card

    def _describe(self, side: LayersOf, layer: Layer) -> str:
        return _("{0}, {1}: {2}, {3} of the time").format(
            layer.name, layer.kind, ms(layer.ms), percent(side.share(layer))
        )

    def _legend(self, kinds: tuple[str, ...]) -> QWidget:
        marks = []
        for kind in (*kinds[:MOST_KINDS], *((_("others"),) if len(kinds) > MOST_KINDS else ())):
            mark = QLabel()
            picture = QPixmap(MARK_PX, MARK_PX)
            picture.fill(self.theme.color(self._flows[0].token_of(kind)))
            mark.setPixmap(picture)
            marks.append(held(in_row(mark, label(kind, "caption", wrap=False))))
        return in_flow(*marks, gap=SPACE_L)

    def _list(self, value: LayersValue) -> Card:
        card = Card(_("All layers"), gap=SPACE_S)
        self._side = ChoiceField(_("Layers of"), [(side.title, at) for at, side in enumerate(value.sides)])
        self._side.activated.connect(self._show_side)
        card.title_row.addWidget(self._side, 0, Qt.AlignmentFlag.AlignRight)
        self._table = LayersTable(self.theme)
        self._table.chosen.connect(self._on_row)
        card.add((self._table, 1))
        return card

    # -- slots --
    def _show_side(self, number: int) -> None:
        if self._table is not None and self._side is not None:
            self._side.setCurrentIndex(number)
            self._table.show_layers(self._sides[number])

    def _on_block(self, side: int, order: int) -> None:
        self._show_side(side)
        if self._table is not None:
            self._table.choose(str(order))

    def _on_row(self, row_id: str) -> None:
        at = self._side.currentIndex() if self._side is not None else -1
        for number, flow in enumerate(self._flows):
            flow.choose(int(row_id) if number == at else -1)


def kinds_by_time(sides: tuple[LayersOf, ...]) -> tuple[str, ...]:
    """Return the kinds of layers, those with the most time first."""
    total: dict[str, float] = {}
    for side in sides:
        for layer in side.result.layers:
            total[layer.kind] = total.get(layer.kind, 0.0) + layer.ms
    return tuple(sorted(total, key=lambda kind: -total[kind]))
