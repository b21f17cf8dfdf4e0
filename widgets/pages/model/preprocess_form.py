"""Show the preparation of inputs and let users edit the picture steps of the pipeline."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from PySide6.QtCore import Qt, SignalInstance

from widgets.pages.model.value import PreprocessValue
from widgets.parts.buttons import GhostButton, TextButton
from widgets.parts.card import Card
from widgets.parts.fields import ChoiceField, TextField, buddy
from widgets.parts.layout import BOTTOM, STRETCH, bare_grid, held, in_column, in_row
from widgets.parts.small import KeyValue, Tag
from widgets.parts.text import label, show_text, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_XS
from workers.contracts.pipeline import ImageSteps
from workers.contracts.translation import _

Range = Literal["0..1", "-1..1", "0..255"]
RANGES: tuple[Range, ...] = ("0..1", "-1..1", "0..255")
Numbers = tuple[float, ...]
"""One number, or one for each color."""
HALF = 0.5
CLOSE = 1e-6


def brightness_of(image: ImageSteps) -> tuple[Range, Numbers, Numbers]:
    """Return range, mean and deviation as users know them: one half for both on 0 to 1 is the range −1 to 1."""
    if image.range == "0..1" and all(abs(value - HALF) < CLOSE for value in (*image.mean, *image.std)):
        return "-1..1", (0.0,) * len(image.mean), (1.0,) * len(image.std)
    return image.range, image.mean, image.std


def steps_of(shown: Range, mean: Numbers, std: Numbers) -> tuple[Literal["0..1", "0..255"], Numbers, Numbers]:
    """Return range, mean and deviation of the pipeline: ((2x − 1) − m) / s = (x − (½ + m/2)) / (s/2)."""
    if shown == "-1..1":
        return "0..1", tuple(HALF + HALF * one for one in mean), tuple(HALF * one for one in std)
    return shown, mean, std


def is_mixed_up(shown: Range, mean: Numbers, std: Numbers) -> bool:
    """Return whether mean or deviation belong to another range: .485 is too small for 255, 123.68 too large for 1."""
    if shown == "0..255":
        small_mean = any(one != 0 for one in mean) and all(abs(one) <= 1 for one in mean)
        return small_mean or all(abs(one) < 1 for one in std)
    return any(abs(number) > 2 for number in (*mean, *std))


MAX_SIDE_PX = 8192
Side = int | tuple[int, int | None] | None
FREE = "*"
"""Stands for a width that keeps the proportions."""


def read_side(text: str) -> Side:
    """Return one size or (height, width) in pixels, where the width may be free; None for an empty text.

    Raises:
        ValueError: if the text is no size. The caller explains it in plain words.
    """
    plain = text.lower().replace("×", "x").replace(" ", "")
    if not plain:
        return None
    height, x, width = plain.partition("x")
    sizes = [int(part) for part in ((height, width) if x and width != FREE else (height,))]
    if any(not 1 <= size <= MAX_SIDE_PX for size in sizes):
        raise ValueError(text)
    return (sizes[0], None) if width == FREE else (sizes[0], sizes[1]) if x else sizes[0]


def read_numbers(text: str, *, above_zero: bool) -> Numbers:
    """Return one number, or three that are separated by a slash, semicolon or space.

    Raises:
        ValueError: if the text has other values.
    """
    values = tuple(float(part) for part in text.replace("/", " ").replace(";", " ").split())
    if len(values) not in (1, 3) or not all(abs(value) < 1e6 for value in values):
        raise ValueError(text)
    if above_zero and any(value <= 0 for value in values):
        raise ValueError(text)
    return values


def side_text(value: Side) -> str:
    """Return the text of a size, as a user writes it."""
    return "" if value is None else f"{value[0]} × {value[1] or FREE}" if isinstance(value, tuple) else str(value)


def numbers_text(values: Numbers) -> str:
    """Return the text of numbers, as a user writes them."""
    return " / ".join(f"{value:g}" for value in values)


def range_text(shown: str) -> str:
    """Return the text of a range, such as "−1 to 1"."""
    low, high = shown.replace("-", "−").split("..")
    return _("{0} to {1}").format(low, high)


class PreprocessCard(Card):
    """The card of the preparation."""

    def __init__(self, theme: Theme, value: PreprocessValue, changed: SignalInstance) -> None:
        """Create the card of a preparation; it emits `changed(ImageSteps)` when the user applies the fields."""
        super().__init__(_("How inputs are prepared"), gap=SPACE_M)
        self._theme, self._value, self._changed = theme, value, changed
        if value.source:
            self.add_caption(value.source)
        if value.image is None:
            self._show_rows(value)
            return
        self._fields: dict[str, TextField | ChoiceField] = {}
        self._originals: dict[str, str] = {}
        self._grid = bare_grid(SPACE_L, SPACE_M)
        self.add(self._grid)
        self._add_fields(value.image)
        self._problem = label("", "caption", "bad")
        self._problem.hide()
        self._use = GhostButton(theme, _("Use these"), "check", on=self._on_use)
        self._undo = TextButton(theme, _("Undo"), "arrow-counter-clockwise", on=self._on_undo)
        self._right = GhostButton(theme, _("These are right"), "check", on=self._on_use)
        self._row = held(in_row(self._right, self._use, self._undo, (self._problem, 1), STRETCH))
        self.add(self._row)
        self._show_row(is_changed=False)

    @property
    def is_changed(self) -> bool:
        """Return whether the fields differ from the current preparation."""
        return self._value.image is not None and not self._use.isHidden()

    def take(self) -> bool:
        """Apply the fields; return False if one is invalid, which the card then explains and focuses."""
        try:
            changed = self._read()
        except KeyError as error:
            self._fields[str(error.args[0])].setFocus(Qt.FocusReason.OtherFocusReason)
            return False
        self._changed.emit(changed)
        return True

    def _show_row(self, *, is_changed: bool) -> None:
        """Show the buttons: a guess can be confirmed, a change can be applied or undone."""
        self._right.setVisible(bool(self._value.guessed) and not is_changed)
        self._use.setVisible(is_changed)
        self._undo.setVisible(is_changed)
        self._row.setVisible(is_changed or bool(self._value.guessed))

    def _show_rows(self, value: PreprocessValue) -> None:
        guessed = _("{0} (guessed)")
        rows = [(name, guessed.format(text) if name in value.guessed else text) for name, text in value.rows]
        self.add(KeyValue(rows, 140))

    def _add_fields(self, image: ImageSteps) -> None:
        self._text("resize", _("Resize to"), side_text(image.resize), _("as it is"))
        self._text("crop", _("Center crop"), side_text(image.crop), _("nothing"))
        self._choice("channels", _("Colors"), ("rgb", "bgr", "gray"), image.channels, str.upper)
        shown, mean, std = brightness_of(image)
        ranges = self._choice("range", _("Brightness as"), RANGES, shown, range_text)
        ranges.currentIndexChanged.connect(self._on_range)
        self._text("mean", _("Mean"), numbers_text(mean), "0")
        self._text("std", _("Standard deviation"), numbers_text(std), "1")
        self._fields["resize"].setToolTip(
            _("The shorter side, or height × width, in pixels; 48 × * keeps the proportions at a height of 48")
        )
        self._fields["crop"].setToolTip(_("Cut from the middle, in pixels"))
        self._fields["mean"].setToolTip(_("Subtracted from the brightness"))
        self._fields["std"].setToolTip(_("Divisor of the result"))
        self._choice("layout", _("Order in memory"), ("nchw", "nhwc"), image.layout, str.upper)

    def _place(self, name: str, title: str, widget: TextField | ChoiceField, original: str) -> None:
        widget.setObjectName(f"field-{name}")
        self._fields[name], self._originals[name] = widget, original
        is_guessed = name in self._value.guessed
        widget.setAccessibleDescription(_("guessed") if is_guessed else "")
        name_label = buddy(words(title, "soft"), widget)
        name_label.setMinimumHeight(22)
        guessed = Tag(self._theme, "warn", _("guessed")) if is_guessed else None
        # the stretch aligns the fields of a row, also if a title needs two lines
        column = in_column(STRETCH, in_row((name_label, 1), (guessed, BOTTOM)), widget, gap=SPACE_XS)
        number = len(self._fields) - 1
        self._grid.addLayout(column, number // 4, number % 4)
        self._grid.setColumnStretch(number % 4, 1)

    def _text(self, name: str, title: str, text: str, empty: str) -> None:
        field = TextField(text, title, empty, 80)
        field.textEdited.connect(self._on_edited)
        self._place(name, title, field, text)

    def _choice(
        self, name: str, title: str, options: tuple[str, ...], current: str, text_of: Callable[[str], str]
    ) -> ChoiceField:
        field = ChoiceField(title, ((text_of(option), option) for option in options), current)
        field.currentIndexChanged.connect(self._on_edited)
        self._place(name, title, field, current)
        return field

    def _read(self) -> ImageSteps:
        """Return the steps of the fields.

        Raises:
            KeyError: with the name of a field that is invalid or conflicts with the others.
        """
        steps: dict[str, Any] = {}
        for name, field in self._fields.items():
            try:
                steps[name] = self._read_one(name, field)
            except ValueError as error:
                raise KeyError(name) from error
        bright = steps["range"], steps["mean"], steps["std"]
        if is_mixed_up(*bright):
            raise KeyError("range")
        steps["range"], steps["mean"], steps["std"] = steps_of(*bright)
        return replace(self._value.image or ImageSteps(), **steps)

    @staticmethod
    def _read_one(name: str, field: TextField | ChoiceField) -> object:
        if isinstance(field, ChoiceField):
            return field.currentData()
        if name == "crop" and FREE in field.text():
            raise ValueError(field.text())
        if name in ("resize", "crop"):
            return read_side(field.text())
        return read_numbers(field.text() or ("1" if name == "std" else "0"), above_zero=name == "std")

    def _on_range(self, _index: int) -> None:
        """Reset mean and deviation after a change of the range, because they belong to the previous range."""
        is_original = self._read_one("range", self._fields["range"]) == self._originals["range"]
        for name, plain in (("mean", "0"), ("std", "1")):
            field = self._fields[name]
            if isinstance(field, TextField):
                field.setText(self._originals[name] if is_original else plain)
        self._on_edited()

    def _on_edited(self, *_args: object) -> None:
        try:
            changed = self._read() != self._value.image
            problem = ""
        except KeyError as error:
            changed, problem = True, self._explain(str(error.args[0]))
        self._show_row(is_changed=changed)
        self._use.setEnabled(not problem)
        show_text(self._problem, problem)

    def _explain(self, name: str) -> str:
        if name == "range":
            return _(
                "Mean and spread do not fit this brightness: a mean of 0.485 fits 0 to 1, a mean of "
                "123.7 fits 0 to 255."
            )
        if name in ("resize", "crop"):
            return _("A size is one whole number, or height × width, in pixels: 224 or 224 × 192.")
        if name == "std":
            return _("The spread is one number above 0, or three of them separated by “/”.")
        return _("The mean is one number, or three of them separated by “/”.")

    def _on_use(self) -> None:
        self._changed.emit(self._read())

    def _on_undo(self) -> None:
        for name, field in self._fields.items():
            if isinstance(field, ChoiceField):
                field.choose(self._originals[name])
            else:
                field.setText(self._originals[name])
        self._show_row(is_changed=False)
        self._fields["resize"].setFocus(Qt.FocusReason.OtherFocusReason)
