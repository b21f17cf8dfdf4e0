"""Decode and paint thumbnails: one picture at a time, small, from a few well-known formats only."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QImageReader, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.parts.format import sized
from widgets.theme import Theme
from widgets.timers import every
from widgets.tokens import RADIUS_CONTROL
from workers.contracts.translation import _, localized

if TYPE_CHECKING:
    from workers.contracts.data.seen import SeenBox

_MAGIC = (
    (b"\x89PNG\r\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"RIFF", "webp"),
    (b"P6", "ppm"),
    (b"P5", "pgm"),
)
"""First bytes of the decoded formats. SVG is excluded, because it can refer to other files."""
MAX_FILE_BYTES = 64_000_000
MAX_PIXELS = 80_000_000
MAX_KEPT = 800

BOX_COLORS: dict[str, str] = {"original": "s3", "optimized": "s1"}
GROUND_PX, LINE_PX, NAME_PX, NAMED_FROM_PX = 4.0, 2.0, 11, 140
"""Sizes in pixels of the boxes; names are written only on pictures wide enough to read them."""


BoxSide = Literal["original", "optimized"]


SidedBox = tuple["SeenBox", BoxSide]
"""A box with the model that predicted it; the original's is dashed."""


@dataclass(frozen=True)
class PictureValue:
    """A picture by path or as encoded bytes, or the `text` of another input.

    `name` is its alt text. `boxes` are drawn over it, and so is `mask`, a picture that is transparent where nothing is
    marked. `mask_after` is the second mask.
    """

    path: str = ""
    data: bytes = b""
    name: str = ""
    text: str = ""
    boxes: tuple[SidedBox, ...] = ()
    mask: "PictureValue | None" = None
    mask_after: "PictureValue | None" = None

    @property
    def is_picture(self) -> bool:
        """Return whether there is a picture."""
        return bool(self.path or self.data)


def _format(value: PictureValue) -> str:
    """Return Qt's name of a known format, else ""; checked before any decoder reads a byte."""
    if value.data:
        head = value.data[:8]
    else:
        path = Path(value.path)
        if not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
            return ""
        with path.open("rb") as file:
            head = file.read(8)
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "")


def decode(value: PictureValue, side_px: int) -> QImage | None:
    """Return the picture, at most `side_px` wide and high; None for an unknown format or a too large picture."""
    try:
        name = _format(value)
    except OSError:
        return None
    if not name:
        return None
    reader = QImageReader()
    buffer = QBuffer()
    if value.data:
        buffer.setData(QByteArray(value.data))
        buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        reader.setDevice(buffer)
    else:
        reader.setFileName(value.path)
    reader.setAutoDetectImageFormat(False)
    reader.setFormat(name.encode())
    reader.setAutoTransform(True)
    size = reader.size()
    if not size.isValid() or size.width() * size.height() > MAX_PIXELS:
        return None
    whole, keep = QSize(side_px, side_px), Qt.AspectRatioMode.KeepAspectRatio
    if max(size.width(), size.height()) > 2 * side_px:
        reader.setScaledSize(size.scaled(whole * 2, keep))  # JPEG decodes directly to a small size
    image = reader.read()
    return None if image.isNull() else image.scaled(whole, keep, Qt.TransformationMode.SmoothTransformation)


class PictureStore(QObject):
    """A cache that decodes one picture per turn of the event loop and keeps the newest ones; pages own it."""

    ready = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        """Create an empty cache."""
        super().__init__(parent)
        self._kept: OrderedDict[tuple[PictureValue, int], QPixmap | None] = OrderedDict()
        self._wanted: deque[tuple[PictureValue, int]] = deque(maxlen=200)
        self._timer = every(self, 0, self._on_turn)

    @property
    def is_busy(self) -> bool:
        """Return whether pictures wait to be decoded."""
        return bool(self._wanted)

    def get(self, value: PictureValue, side_px: int) -> tuple[QPixmap | None, bool]:
        """Return the picture and whether that is final; otherwise `ready` follows.

        None that is final means that the picture cannot be shown.
        """
        key = (replace(value, boxes=(), mask=None, mask_after=None), side_px)  # painted over it, and no part of it
        value = key[0]
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key], True
        if not value.is_picture:
            return None, True
        if key not in self._wanted:
            self._wanted.append(key)
            self._timer.start()
        return None, False

    def _on_turn(self) -> None:
        if not self._wanted:
            self._timer.stop()
            return
        key = self._wanted.pop()  # the newest request is visible now
        image = decode(*key)
        self._kept[key] = None if image is None else QPixmap.fromImage(image)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        self.ready.emit()


def ratio_of(painter: QPainter) -> float:
    """Return the device pixels per logical pixel."""
    device = painter.device()
    return device.devicePixelRatioF() if device is not None else 1.0


def paint_picture(
    painter: QPainter,
    theme: Theme,
    rect: QRectF,
    pixmap: QPixmap | None,
    *,
    is_final: bool,
    boxes: Sequence[SidedBox] = (),
    masks: Sequence[QPixmap] = (),
    split: float = 0.5,
) -> None:
    """Paint a thumbnail with round corners, masks and boxes; an icon if there is no picture.

    Of two masks the first ends at the share `split` of the width, where the second begins.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    shape = QPainterPath()
    shape.addRoundedRect(rect, RADIUS_CONTROL, RADIUS_CONTROL)
    painter.fillPath(shape, theme.color("raised"))
    if pixmap is not None and not pixmap.isNull():
        painter.setClipPath(shape)
        place = place_in(rect, pixmap)
        painter.drawPixmap(place, pixmap, QRectF(pixmap.rect()))
        ends = (0.0, 1.0) if len(masks) < 2 else (0.0, split, 1.0)
        for mask, start, end in zip(masks, ends[:-1], ends[1:], strict=True) if masks else ():
            share, whole = end - start, QRectF(mask.rect())
            target = QRectF(place.left() + start * place.width(), place.top(), share * place.width(), place.height())
            part = QRectF(start * whole.width(), 0, share * whole.width(), whole.height())
            painter.drawPixmap(target, mask, part)
        _paint_boxes(painter, theme, place, boxes)
    elif is_final:
        icon = theme.pixmap("image", "edge", 20, ratio_of(painter))
        half = icon.deviceIndependentSize() / 2
        painter.drawPixmap(QPointF(rect.center().x() - half.width(), rect.center().y() - half.height()), icon)
    painter.restore()


def one_side(value: PictureValue, side: BoxSide) -> PictureValue:
    """Return the picture with the boxes and mask of one model only."""
    boxes = tuple(box for box in value.boxes if box[1] == side)
    mask = value.mask if side == "original" else value.mask_after
    return replace(value, boxes=boxes, mask=mask, mask_after=None)


def place_in(rect: QRectF, pixmap: QPixmap) -> QRectF:
    """Return the area of a picture in `rect`, whole and in its proportions."""
    size = QSize(pixmap.size()).scaled(rect.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
    place = QRectF(0, 0, size.width(), size.height())
    place.moveCenter(rect.center())
    return place


def paint_value(
    painter: QPainter, theme: Theme, store: PictureStore, rect: QRectF, value: PictureValue, split: float = 0.5
) -> None:
    """Paint the available parts of a value in a square."""
    side_px = round(rect.width() * ratio_of(painter))
    pixmap, is_final = store.get(value, side_px)
    over = [store.get(mask, side_px)[0] for mask in (value.mask, value.mask_after) if mask is not None]
    masks = [mask for mask in over if mask is not None]
    masks = masks if len(masks) == len(over) else []
    paint_picture(painter, theme, rect, pixmap, is_final=is_final, boxes=value.boxes, masks=masks, split=split)


def _paint_boxes(painter: QPainter, theme: Theme, place: QRectF, boxes: Sequence[SidedBox]) -> None:
    """Paint each box line on a light ground, so that it is visible on any picture; the original's is dashed, below."""
    painter.setFont(sized(painter.font(), NAME_PX))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for seen, side in sorted(boxes, key=lambda box: box[1] == "optimized"):
        left, top, right, bottom = seen.box
        edge = QRectF(
            place.left() + left * place.width(),
            place.top() + top * place.height(),
            (right - left) * place.width(),
            (bottom - top) * place.height(),
        ).adjusted(1, 1, -1, -1)
        thin = 1.0 if place.width() >= NAMED_FROM_PX else 0.6
        ground = QPen(theme.color("panel"), GROUND_PX * thin)
        line = QPen(theme.color(BOX_COLORS[side]), LINE_PX * thin)
        if side == "original":
            line.setStyle(Qt.PenStyle.DashLine)
        for pen in (ground, line):
            painter.setPen(pen)
            painter.drawRect(edge)
        if place.width() >= NAMED_FROM_PX:
            _paint_name(painter, theme, place, edge, f"{seen.name} {localized(seen.score, '.2f')}", side)


def _paint_name(painter: QPainter, theme: Theme, place: QRectF, edge: QRectF, name: str, side: BoxSide) -> None:
    """Paint the name of a box: the original's above it, the optimized version's below it."""
    metrics = painter.fontMetrics()
    width, height = metrics.horizontalAdvance(name) + 6, metrics.height()
    y = edge.top() - height if side == "original" else edge.bottom()
    y = min(max(y, place.top()), place.bottom() - height)
    words = QRectF(min(edge.left(), max(place.left(), place.right() - width)), y, width, height)
    painter.fillRect(words, theme.color("panel"))
    painter.setPen(theme.color(BOX_COLORS[side]))
    painter.drawText(words, Qt.AlignmentFlag.AlignCenter, name)


class PictureLabel(QWidget):
    """A thumbnail of a fixed size; its alt text is its accessible name."""

    def __init__(self, theme: Theme, store: PictureStore, value: PictureValue, side: int) -> None:
        """Create a thumbnail of `side` pixels; `store` decodes its picture."""
        super().__init__()
        self._theme, self._store, self._value = theme, store, value
        self.setFixedSize(side, side)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(value.name or _("Picture"))
        store.ready.connect(self.update)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the available picture."""
        painter = QPainter(self)
        paint_value(painter, self._theme, self._store, QRectF(self.rect()), self._value)
        painter.end()
