"""Format predictions of live versions as the page "Try it" shows them."""

from dataclasses import replace

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QImageWriter

from app.domain.variant import Variant
from app.domain.words.results import times
from app.services.after.trying.trying import TryInput, TryOutcome
from app.services.records.facts import RunFacts
from widgets.pages.try_it.answers import title_of
from widgets.pages.try_it.value import ExampleValue, InputValue, TriedValue, TryValue
from widgets.parts.boxes import boxed
from widgets.parts.format import cosine
from widgets.parts.nouns import DataKind
from widgets.parts.pictures import PictureValue
from workers.contracts.after.trying import ShownPicture
from workers.contracts.jobs import Example
from workers.contracts.paths import from_text
from workers.contracts.translation import _

EQUALLY_FAST = 0.05
"""Largest relative difference that counts as equally fast; few calls of one input show no smaller one."""

MAX_NAME = 120
MAX_PASTED_PX, FAST_PNG = 2048, 90
"""Size limit in pixels and PNG quality, because encoding a large screenshot blocks the window; models need less."""
SUFFIXES: dict[DataKind, tuple[str, ...]] = {
    "images": (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".npy"),
    "texts": (".txt", ".md"),
    "audio": (".wav", ".npy"),
    "arrays": (".npz", ".npy"),
}


def try_value(facts: RunFacts, versions: list[Variant], chosen: Variant) -> TryValue:
    """Return the page's value before anything was tried."""
    return TryValue(
        kind=facts.data.kind if facts.data else "images",
        original_bytes=facts.baseline.size_bytes,
        versions=tuple((variant.id, _(variant.title), variant.size_bytes) for variant in versions),
        chosen=chosen.id,
        row=facts.data.row_columns if facts.data else (),
    )


def example_value(row: Example, facts: RunFacts) -> ExampleValue:
    """Return a tile of the strip, named by its label, else by the original's prediction if that is a class."""
    judgement = facts.baseline.judgement
    is_class = judgement is not None and judgement.task in ("", "class")
    name = row.label or (row.before if is_class else _("Example {0:,}").format(row.item + 1))
    picture = PictureValue(path=row.picture, name=name) if row.picture else PictureValue(text=row.text)
    return ExampleValue(row.item, picture, name, row.before != row.after)


def headline(tried: TryOutcome) -> tuple[str, str]:
    """Return whether the predictions are the same and how much faster the version is, and how the times were taken."""
    before, after = tried.before, tried.after
    if after.same is not None:
        alike = _("Same answer") if after.same else _("Another answer")
    else:
        alike = _("Similarity {0}").format(cosine(after.similarity))
    ratio = before.latency_ms / max(after.latency_ms, 1e-6)
    if ratio >= 1 + EQUALLY_FAST:
        speed = _("{0} times faster").format(times(ratio))
    elif ratio <= 1 - EQUALLY_FAST:
        speed = _("{0} times slower").format(times(1 / ratio))
    else:
        speed = _("equally fast")
    calls = min(before.n_calls, after.n_calls)
    text = _("Median of {0} calls each, for this input only. Exact figures are on Compare.")
    if calls == 1:
        text = _("One call each. Exact figures are on Compare.")
    return f"{alike}, {speed}", text.format(calls)


def png_of(image: QImage) -> bytes:
    """Return a pasted picture as PNG bytes, made smaller if it is large."""
    if max(image.width(), image.height()) > MAX_PASTED_PX:
        size, keep = QSize(MAX_PASTED_PX, MAX_PASTED_PX), Qt.AspectRatioMode.KeepAspectRatio
        image = image.scaled(size, keep, Qt.TransformationMode.SmoothTransformation)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, QByteArray(b"png"))
    writer.setQuality(FAST_PNG)
    writer.write(image)
    return bytes(buffer.data().data())


def name_of(tried: TryInput, example: ExampleValue | None) -> str:
    """Return the display name of an input."""
    if tried.path:
        name = from_text(tried.path).name.encode(errors="surrogateescape").decode(errors="replace")
        return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"
    if tried.text is not None:
        return " ".join(tried.text.split())[:MAX_NAME]
    if tried.png:
        return _("Pasted picture")
    named = (example.picture.text or example.name) if example is not None else ""
    if example is not None and (example.picture.text or not example.picture.is_picture):
        return " ".join(named.split())[:MAX_NAME]
    return _("{0}, test example {1:,}").format(named, (tried.item or 0) + 1).removeprefix(", ")


def picture_of(tried: TryOutcome, name: str, example: ExampleValue | None) -> PictureValue:
    """Return the picture of an input with the boxes of both versions."""
    if tried.picture:
        return boxed(PictureValue(data=tried.picture, name=name), tried.before.boxes, tried.after.boxes)
    if tried.given.text is not None:
        return PictureValue(text=tried.given.text, name=name)
    if example is None:
        return PictureValue(name=name)
    return boxed(example.picture, tried.before.boxes, tried.after.boxes)


def input_value(tried: TryOutcome, name: str, picture: PictureValue) -> InputValue:
    """Return the card at the left; a typed text is not repeated, because its field may hold a longer text by now."""
    seen = tried.before.seen
    caption = seen_words(seen)
    if tried.given.text is not None:
        return InputValue(caption=caption)
    return InputValue(picture, f"{name}, {caption}".removesuffix(", "), seen.levels, tried.sound)


def seen_words(seen: ShownPicture) -> str:
    """Return how the model received the input."""
    if seen.first_of > 1:
        return _("the first of {0:,} examples").format(seen.first_of)
    if seen.kind == "image":
        return _("as {0:,} × {1:,} pixels").format(seen.width_px or 0, seen.height_px or 0)
    if seen.kind == "text":
        text = _("{0:,} tokens; the rest was cut off") if seen.cut else _("{0:,} tokens")
        return text.format(seen.tokens or 0)
    if seen.kind == "audio":
        return _("{0:.1f} s").format(seen.seconds or 0.0)
    shapes = (f"{name} {' × '.join(str(size) for size in shape)}" for name, shape in seen.shapes.items())
    return ", ".join(shapes)


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
        return next((tried.given for tried, value in self._lines if value.id == number), None)

    def add(self, tried: TryOutcome, example: ExampleValue | None) -> InputValue:
        """Add a reply and return the value of its input; a text that is still being typed stays one line."""
        self._number += 1
        name = name_of(tried.given, example)
        picture = picture_of(tried, name, example)
        if self._lines and _goes_on(self._lines[0][0].given, tried.given):
            self._lines.pop(0)
        kept = replace(tried, picture=b"", sound=b"")
        self._lines = [_smaller(line) for line in self._lines]
        before, after = tried.before, tried.after
        value = TriedValue(
            self._number, picture, name, title_of(before), before.latency_ms, title_of(after), after.latency_ms,
            after.same, after.similarity,
        )  # fmt: skip
        self._lines.insert(0, (kept, value))
        del self._lines[MOST:]
        return input_value(tried, name, picture)

    def clear(self) -> None:
        """Remove all lines, because another run is open."""
        self._lines.clear()


def _smaller(line: _Line) -> _Line:
    """Replace a large pasted picture of an older line with its drawing, which is enough to try it again."""
    tried, value = line
    pasted, drawn = tried.given, value.picture.data
    if len(pasted.png) <= MAX_KEPT_BYTES or not drawn:
        return line
    return replace(tried, given=replace(pasted, png=drawn)), value


def _goes_on(before: TryInput, now: TryInput) -> bool:
    if before.text is None or now.text is None:
        return False
    return before.text.startswith(now.text) or now.text.startswith(before.text)
