"""Show the table of a version's layers, which a click on a title sorts."""

from collections.abc import Callable, Sequence

from widgets.pages.layers.value import LayersOf
from widgets.parts.format import UNKNOWN, ms, percent, size_bytes
from widgets.parts.tables.table import Cell, Column, Table, TableRow
from widgets.theme import Theme
from workers.contracts.after.changes import Layer
from workers.contracts.translation import _

Sorter = Callable[[Layer], tuple[bool, float | str]]

SORTERS: tuple[Sorter, ...] = (
    lambda layer: (False, float(layer.order)),
    lambda layer: (False, layer.name),
    lambda layer: (False, layer.kind),
    lambda layer: (False, -layer.ms),
    lambda layer: (False, -layer.ms),
    lambda layer: (layer.size_bytes is None, -float(layer.size_bytes or 0)),
    lambda layer: (not layer.precision, layer.precision),
    lambda layer: (layer.sensitivity is None, -(layer.sensitivity or 0.0)),
)
"""Sort keys of the columns: numbers start with the largest, unknown values are last in both directions."""

TIME_COLUMN, SENSITIVITY_COLUMN = 3, 7
FALLING = (3, 4, 5, 7)
LEAST_ROWS_PX = 300


class LayersTable(Table):
    """The table of layers, filled by `show_layers(side)`; row ids are the layers' order numbers."""

    def __init__(self, theme: Theme) -> None:
        """Create an empty table that is sorted by time."""
        self._side: LayersOf | None = None
        self._column, self._is_reversed = TIME_COLUMN, False
        columns = (
            Column("#", right=True),
            Column(_("Layer"), stretch=True),
            Column(_("Kind")),
            Column(_("Time"), right=True),
            Column(_("Share"), right=True),
            Column(_("Size"), right=True),
            Column(_("Precision")),
            Column(_("Sensitivity"), right=True),
        )
        super().__init__(theme, _("Layers"), columns, fits=False)
        self.setMinimumHeight(LEAST_ROWS_PX)
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self.sort_by)

    def show_layers(self, side: LayersOf) -> None:
        """Show one version's layers in the current order."""
        self._side = side
        self.setAccessibleName(_("Layers of {0}").format(side.title))
        self.setColumnHidden(SENSITIVITY_COLUMN, all(layer.sensitivity is None for layer in side.result.layers))
        self._fill()

    def sort_by(self, column: int) -> None:
        """Sort by a column; the same column again reverses the order."""
        self._is_reversed = column == self._column and not self._is_reversed
        self._column = column
        self._fill()

    def _fill(self) -> None:
        self._model.sorted_by = (self._column, (self._column in FALLING) != self._is_reversed)
        if self._side is not None:
            layers = in_order(self._side.result.layers, self._column, self._is_reversed)
            self.show_rows([_row(layer, self._side.share(layer)) for layer in layers])


def in_order(layers: Sequence[Layer], column: int, is_reversed: bool) -> list[Layer]:
    """Return the layers sorted by a column; unknown values are last."""
    sorter = SORTERS[column]
    known = sorted((layer for layer in layers if not sorter(layer)[0]), key=sorter, reverse=is_reversed)
    return [*known, *(layer for layer in layers if sorter(layer)[0])]


def _row(layer: Layer, share: float) -> TableRow:
    sensitivity = UNKNOWN if layer.sensitivity is None else f"{layer.sensitivity:.2g}"
    cells = (
        Cell(str(layer.order + 1), tone="soft"),
        Cell("/".join(layer.name.strip("/").split("/")[-2:]) or layer.name, tip=layer.name),
        Cell(layer.kind, tone="soft"),
        Cell(ms(layer.ms)),
        Cell(percent(share)),
        Cell(UNKNOWN if layer.size_bytes is None else size_bytes(layer.size_bytes)),
        Cell(layer.precision or UNKNOWN),
        Cell(sensitivity),
    )
    return TableRow(str(layer.order), cells)
