"""Keep the tried inputs, the newest first."""

from dataclasses import replace

from app.controllers.try_it.presenter import input_value, name_of, picture_of, tried_value
from app.services.after.trying.trying import TryInput, TryOutcome
from widgets.pages.try_it.value import ExampleValue, InputValue, TriedValue

MOST, MAX_KEPT_BYTES = 50, 1 << 20


_Line = tuple[TryOutcome, TriedValue]


class TriedSoFar:
    """The tried inputs of one run, owned by the controller of the page "Try it".

    `lines` are for the page; `last` is the last reply of both versions.
    """

    def __init__(self) -> None:
        """Create an empty list."""
        self._lines: list[_Line] = []
        self._number = 0

    @property
    def lines(self) -> list[TriedValue]:
        """Return the lines, the newest first."""
        return [value for _tried, value in self._lines]

    @property
    def last(self) -> TryOutcome | None:
        """Return the last reply of both versions; None before the first one."""
        return self._lines[0][0] if self._lines else None

    def input_of(self, number: int) -> TryInput | None:
        """Return the input of a line."""
        return next((tried.asked for tried, value in self._lines if value.id == number), None)

    def add(self, tried: TryOutcome, example: ExampleValue | None) -> InputValue:
        """Add a reply and return the value of its input; a text that is still being typed stays one line."""
        self._number += 1
        name = name_of(tried.asked, example)
        picture = picture_of(tried, name, example)
        if self._lines and _goes_on(self._lines[0][0].asked, tried.asked):
            self._lines.pop(0)
        kept = replace(tried, picture=b"", sound=b"")
        self._lines = [_smaller(line) for line in self._lines]
        self._lines.insert(0, (kept, tried_value(self._number, tried, name, picture)))
        del self._lines[MOST:]
        return input_value(tried, name, picture)

    def clear(self) -> None:
        """Remove all lines, because another run is open."""
        self._lines.clear()


def _smaller(line: _Line) -> _Line:
    """Replace a large pasted picture of an older line with its drawing, which is enough to try it again."""
    tried, value = line
    asked, drawn = tried.asked, value.picture.data
    if len(asked.png) <= MAX_KEPT_BYTES or not drawn:
        return line
    return replace(tried, asked=replace(asked, png=drawn)), value


def _goes_on(before: TryInput, now: TryInput) -> bool:
    if before.text is None or now.text is None:
        return False
    return before.text.startswith(now.text) or now.text.startswith(before.text)
