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
    """The card of the reading; `changed(way, threshold)` asks for another one, with None for no threshold."""

    changed = Signal(str, object)

    def __init__(self, spec: PipelineSpec) -> None:
        """Create the card of the outputs that `spec` describes."""
        super().__init__(_("What comes out"), gap=SPACE_S)
        way = read_as(spec)
        self._chosen = way.id
        self.add(words(_("Fettle reads the answers as {0}.").format(way.told(spec))))
        self._way = ChoiceField(_("How results are read"), [(one.title, one.id) for one in READ_AS], way.id)
        self._way.currentIndexChanged.connect(self._tell)
        self.add(named(_("Read as"), self._way))
        self._threshold: DecimalField | None = None
        if isinstance(spec.postprocess, BoxesSteps):
            self.add(self._threshold_row(spec.postprocess.score_threshold))

    def _threshold_row(self, threshold: float) -> QHBoxLayout:
        field = self._threshold = DecimalField(_("Lowest score of a detection"), 0.01, 0.99)
        field.setSingleStep(0.05)
        field.setValue(threshold)
        field.setKeyboardTracking(False)  # each change opens the model again
        field.valueChanged.connect(self._tell)
        return named(_("Detected from this score on"), field)

    def _tell(self, _new: object) -> None:
        way = str(self._way.currentData())
        keeps = self._threshold is not None and way == self._chosen
        self.changed.emit(way, self._threshold.value() if keeps and self._threshold is not None else None)
