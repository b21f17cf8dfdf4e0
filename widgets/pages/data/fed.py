"""Show on the page Data what the model receives of three examples, as numbers and after the preparation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtWidgets import QHBoxLayout, QWidget

from widgets.parts.boxes import boxed, masked
from widgets.parts.card import Card, divider
from widgets.parts.input_view import InputView
from widgets.parts.layout import STRETCH, TOP, Part, held, in_column, in_row
from widgets.parts.pictures import PictureLabel, PictureStore, PictureValue
from widgets.parts.small import Bar, CheckList, CheckState, CheckValue
from widgets.parts.text import ElidedLabel, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_XS
from workers.contracts.data.fed import FedExample, FedInput, FedResult, range_words, shape_words
from workers.contracts.translation import _

SIDE_PX, BOXES_PX, SOUND_PX = 64, 148, 96
MOST_INPUTS = 4
STATES: dict[str, CheckState] = {"info": "ok", "warning": "warn"}


@dataclass(frozen=True)
class FedValue:
    """The state of the inspection: waiting (for measurements), running, done (finished) or failed.

    `folder` holds the pictures of `result`. `what` states why it failed.
    """

    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    result: FedResult | None = None
    folder: Path = Path()
    share: float | None = None
    what: str = ""


class FedCard(Card):
    """The card of a `FedValue`, owned by the page; it has no buttons."""

    def __init__(self, theme: Theme, pictures: PictureStore) -> None:
        """Create a card in its waiting state; `pictures` decodes its pictures."""
        super().__init__(_("What the model receives"))
        self._theme, self._pictures = theme, pictures
        self._body = QWidget()
        self._bar: Bar | None = None
        self._value: FedValue | None = None
        self.add(self._body)
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
        self._bar = None
        self._body = self.swap(self._body, held(in_column(*self._parts(value))))

    def _parts(self, value: FedValue) -> list[Part]:
        if value.result is not None:
            return self._result(value.result, value.folder)
        if value.state == "running":
            self._bar = Bar(_("Preparing the model's inputs"))
            self._bar.set_share(value.share)
            return [words(_("Testing some of your examples with the original…")), self._bar]
        if value.state == "failed":
            return [CheckList(self._theme, (CheckValue("warn", value.what),))]
        return [words(_("Shown as soon as nothing is being measured."), "soft")]

    def _result(self, result: FedResult, folder: Path) -> list[Part]:
        how = _("Prepared: {0}. Result:").format(result.preparation) if result.preparation else _("Used unchanged:")
        parts: list[Part] = [words(how, "soft")]
        for number, example in enumerate(result.examples):
            parts += [*([divider()] if number else []), self._example(example, folder)]
            if example.result:
                parts.append(words(_("The original’s answer: {0}").format(example.result)))
        rows = [CheckValue(STATES[one.level], f"{one.what} {one.hint}".strip()) for one in result.findings]
        return [*parts, divider(), CheckList(self._theme, rows)] if rows else parts

    def _example(self, example: FedExample, folder: Path) -> QHBoxLayout:
        shown: QWidget | None = None
        if example.picture is not None:
            name = _("{0} as the model receives it").format(example.source)
            picture = boxed(PictureValue(path=str(folder / example.picture), name=name), example.boxes)
            if example.mask:
                picture = masked(picture, PictureValue(path=str(folder / example.mask)))
            side = BOXES_PX if example.boxes or example.mask else SIDE_PX
            shown = PictureLabel(self._theme, self._pictures, picture, side)
        elif example.levels:
            shown = sound = InputView(self._theme, self._pictures)
            sound.setFixedSize(SOUND_PX, SIDE_PX)
            sound.show_value(PictureValue(name=_("Loudness")), example.levels)
        lines = in_column(ElidedLabel(example.source, "strong"), *self._lines(example.inputs), STRETCH, gap=SPACE_XS)
        return in_row((shown, TOP), (lines, 1), gap=SPACE_M, edges=(0, SPACE_XS, 0, SPACE_XS))

    def _lines(self, inputs: Sequence[FedInput]) -> list[QWidget]:
        made: list[QWidget] = []
        for entry in inputs[:MOST_INPUTS]:
            shape = f"{shape_words(entry)}, {entry.dtype}"
            text = f"{entry.name}: {shape}" if len(inputs) > 1 else shape
            made += [label(range_words(entry), "", select=True), label(text, "caption")]
        if len(inputs) > MOST_INPUTS:
            made.append(label(_("and {0:,} more inputs").format(len(inputs) - MOST_INPUTS), "caption"))
        return made
