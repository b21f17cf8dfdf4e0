"""Show on the page Data how the model's outputs are read, with fields to change it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout

from widgets.parts.card import Card
from widgets.parts.fields import ChoiceField, DecimalField, named
from widgets.parts.text import words
from widgets.tokens import SPACE_S
from workers.contracts.pipeline import BoxesSteps, PipelineSpec
from workers.contracts.proof.results import READ_AS, read_as
from workers.contracts.translation import _


class ReadingCard(Card):
    """The card of the reading; `changed(method, threshold)` requests another one, with None for no threshold."""

    changed = Signal(str, object)

    def __init__(self, spec: PipelineSpec) -> None:
        """Create the card of the outputs that `spec` describes."""
        super().__init__(_("What comes out"), gap=SPACE_S)
        method = read_as(spec)
        self._chosen = method.id
        self.add(words(_("Fettle reads the answers as {0}.").format(method.describe(spec))))
        self._method = ChoiceField(_("How results are read"), [(_(one.title), one.id) for one in READ_AS], method.id)
        self._method.currentIndexChanged.connect(self._emit_change)
        self.add(named(_("Read as"), self._method))
        self._threshold: DecimalField | None = None
        if isinstance(spec.postprocess, BoxesSteps):
            self.add(self._threshold_row(spec.postprocess.score_threshold))

    def _threshold_row(self, threshold: float) -> QHBoxLayout:
        field = self._threshold = DecimalField(_("Lowest score of a detection"), 0.01, 0.99)
        field.setSingleStep(0.05)
        field.setValue(threshold)
        field.setKeyboardTracking(False)  # each change opens the model again
        field.valueChanged.connect(self._emit_change)
        return named(_("Detected from this score on"), field)

    def _emit_change(self, _new: object) -> None:
        method = str(self._method.currentData())
        keeps = self._threshold is not None and method == self._chosen
        self.changed.emit(method, self._threshold.value() if keeps and self._threshold is not None else None)
