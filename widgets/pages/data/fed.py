"""Show on the page Data what the model receives of three examples, as numbers and after the preparation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from widgets.parts.card import Card, divider
from widgets.parts.input_view import InputView
from widgets.parts.layout import STRETCH, discard, in_column, in_row
from widgets.parts.pictures import PictureLabel, PictureStore, PictureValue
from widgets.parts.small import Bar, CheckList, CheckValue
from widgets.parts.text import ElidedLabel, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S, SPACE_XS
from workers.contracts.translation import _

SIDE_PX, BOXES_PX, SOUND_PX = 64, 148, 96
MOST_INPUTS = 4


@dataclass(frozen=True)
class FedExampleValue:
    """One example after its preparation as `picture`, or a sound as `levels`.

    `inputs` are texts: "input", "1 × 3 × 224 × 224, float32", "−2.12 to 2.64, mean −0.031".
    `result` is the original's prediction as Fettle reads it, "" if the picture shows it.
    """

    name: str
    inputs: tuple[tuple[str, str, str], ...]
    picture: PictureValue | None = None
    result: str = ""
    levels: tuple[float, ...] = ()


@dataclass(frozen=True)
class FedValue:
    """The state of the inspection: waiting (for measurements), running, told (finished) or failed.

    `preparation` is "" if inputs are not changed.
    """

    state: Literal["waiting", "running", "told", "failed"] = "waiting"
    preparation: str = ""
    examples: tuple[FedExampleValue, ...] = ()
    checks: tuple[CheckValue, ...] = ()
    share: float | None = None
    what: str = ""


class FedCard(Card):
    """The card of a `FedValue`, owned by the page; it has no buttons."""

    def __init__(self, theme: Theme, pictures: PictureStore) -> None:
        """Create a card in its waiting state; `pictures` decodes its pictures."""
        super().__init__(_("What the model receives"), gap=SPACE_S)
        self._theme, self._pictures = theme, pictures
        self._body: QWidget | None = None
        self._bar: Bar | None = None
        self._value: FedValue | None = None
        self.show_value(FedValue())

    def show_value(self, value: FedValue) -> None:
        """Show another state; a running bar is updated in place."""
        moves_on = self._value is not None and self._value.state == value.state == "running"
        if value == self._value:
            return
        self._value = value
        if moves_on and self._bar is not None:
            self._bar.set_share(value.share)
            return
        if self._body is not None:
            discard(self._body)
        self._body, self._bar = QWidget(), None
        box = in_column(parent=self._body)
        if value.state == "told":
            self._fill_told(box, value)
        elif value.state == "running":
            self._bar = Bar(_("Preparing the model's inputs"))
            self._bar.set_share(value.share)
            box.addWidget(words(_("Testing some of your examples with the original…")))
            box.addWidget(self._bar)
        elif value.state == "failed":
            box.addWidget(CheckList(self._theme, (CheckValue("warn", value.what),)))
        else:
            box.addWidget(words(_("Shown as soon as nothing is being measured."), "soft"))
        self.add(self._body)

    def _fill_told(self, box: QVBoxLayout, value: FedValue) -> None:
        how = _("Prepared: {0}. Result:").format(value.preparation) if value.preparation else _("Used unchanged:")
        box.addWidget(words(how, "soft"))
        for number, example in enumerate(value.examples):
            if number:
                box.addWidget(divider())
            box.addLayout(self._example(example))
            if example.result:
                box.addWidget(words(_("The original’s answer: {0}").format(example.result)))
        if value.checks:
            box.addWidget(divider())
            box.addWidget(CheckList(self._theme, value.checks))

    def _example(self, example: FedExampleValue) -> QHBoxLayout:
        row = in_row(gap=SPACE_M, edges=(0, SPACE_XS, 0, SPACE_XS))
        if example.picture is not None:
            side = BOXES_PX if example.picture.boxes or example.picture.mask is not None else SIDE_PX
            shown = PictureLabel(self._theme, self._pictures, example.picture, side)
            row.addWidget(shown, 0, Qt.AlignmentFlag.AlignTop)
        elif example.levels:
            sound = InputView(self._theme, self._pictures)
            sound.setFixedSize(SOUND_PX, SIDE_PX)
            sound.show_value(PictureValue(name=_("Loudness")), example.levels)
            row.addWidget(sound, 0, Qt.AlignmentFlag.AlignTop)
        lines = in_column(
            ElidedLabel(example.name, "strong"), *(line for line in self._lines(example.inputs)), STRETCH, gap=SPACE_XS
        )
        row.addLayout(lines, 1)
        return row

    def _lines(self, inputs: Sequence[tuple[str, str, str]]) -> list[QWidget]:
        made: list[QWidget] = []
        for name, shape, numbers in inputs[:MOST_INPUTS]:
            said = f"{name}: {shape}" if len(inputs) > 1 else shape
            made += [label(numbers, "", select=True), label(said, "caption")]
        if len(inputs) > MOST_INPUTS:
            made.append(label(_("and {0:,} more inputs").format(len(inputs) - MOST_INPUTS), "caption"))
        return made
