"""Show the window's look until its parts are made, and keep presses and keys meanwhile.

The first paint waits for this module, so it imports little and avoids the names in `PySide6.QtCore.Qt`: their first use
takes 15 ms.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QPointF, QTimer
from PySide6.QtGui import QColor, QCursor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from widgets.tokens import DOCK_SLIM_HEIGHT, RAIL_WIDTH, TOKENS, TOP_BAR_HEIGHT, Scheme

MOST_PICTURES, LEVELS = 8, 4


class FirstFrame(QWidget):
    """The window's content before its parts exist, owned by the window.

    It is the picture of the last start that looked alike, or the areas of the window in their colors. Presses, keys and
    other actions wait until `hand_over`.
    """

    def __init__(self, scheme: Scheme, picture: Path) -> None:
        """Create the frame; a missing or unreadable `picture` shows the areas."""
        super().__init__()
        self._colors = TOKENS[scheme]
        self._picture = QImage(str(picture))
        self._repeats: list[Callable[[QWidget], object]] = []
        self.waiting: list[Callable[[], object]] = []

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture if it has the window's size, else the areas."""
        painter, ratio = QPainter(self), self.devicePixelRatioF()
        self._picture.setDevicePixelRatio(ratio)
        if self._picture.deviceIndependentSize().toSize() == self.size():
            painter.drawImage(QPoint(0, 0), self._picture)
            return
        width, height = self.width(), self.height()
        bottom = height - DOCK_SLIM_HEIGHT
        for token, left, top, wide, high in (
            ("bg", 0, 0, width, height),
            ("panel", 0, 0, width, TOP_BAR_HEIGHT - 1),
            ("line", 0, TOP_BAR_HEIGHT - 1, width, 1),
            ("line", 0, bottom, width, 1),
            ("panel", 0, bottom + 1, width, DOCK_SLIM_HEIGHT - 1),
            ("panel", 0, 0, RAIL_WIDTH - 1, height),
            ("line", RAIL_WIDTH - 1, 0, 1, height),
        ):
            area = QPixmap(1, 1)  # `fillRect` would use a name of `Qt`
            area.fill(QColor(self._colors[token]))
            painter.drawPixmap(left, top, wide, high, area)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Keep the press; its release may come after the parts have taken the frame's place."""
        self._repeats.append(partial(_press, event.clone()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keep the key press for `hand_over`."""
        self._repeats.append(partial(_type, event.clone()))

    def hand_over(self, window: QWidget) -> None:
        """Repeat presses and keys on the parts of `window`, in order, and run what waits; the frame may be gone."""
        repeats: list[Callable[[], object]] = [partial(repeat, window) for repeat in self._repeats]
        for action in (*repeats, *self.waiting):
            QTimer.singleShot(0, window, action)


def _type(key: QKeyEvent, window: QWidget) -> None:
    """Trigger the command of the window that has this key, or send the key to the focused part."""
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QKeySequence, QShortcut

    pressed, anywhere = QKeySequence(key.keyCombination()), Qt.ShortcutContext.WindowShortcut
    for shortcut in window.findChildren(QShortcut):
        owner = shortcut.parent()
        if (
            shortcut.key() == pressed
            and shortcut.context() == anywhere
            and isinstance(owner, QWidget)
            and owner.isVisible()
        ):
            shortcut.activated.emit()
            return
    target = window.focusWidget() or window
    for kind in (QKeyEvent.Type.KeyPress, QKeyEvent.Type.KeyRelease):
        QApplication.sendEvent(target, QKeyEvent(kind, key.key(), key.modifiers(), key.text()))


def _press(press: QMouseEvent, window: QWidget) -> None:
    """Send a press with its release to what lies there."""
    place = press.position()
    target = window.childAt(place.toPoint()) or window
    inside = QPointF(target.mapFrom(window, place))
    for kind in (QMouseEvent.Type.MouseButtonPress, QMouseEvent.Type.MouseButtonRelease):
        copy = QMouseEvent(kind, inside, press.globalPosition(), press.button(), press.buttons(), press.modifiers())
        QApplication.sendEvent(target, copy)


def save_picture(window: QWidget, path: Path) -> None:
    """Save how a window looks for the next start, unless that is saved or a button under the pointer looks different.

    Raises:
        OSError: if the folder cannot be written.
    """
    if isinstance(QApplication.widgetAt(QCursor.pos()), QAbstractButton):
        return
    for _level in range(LEVELS):  # a scroll area lays its page out after itself
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
    picture = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    if picture == QImage(str(path)).convertToFormat(QImage.Format.Format_RGB32):
        return
    path.parent.mkdir(0o700, exist_ok=True)
    part = path.with_suffix(".part")
    if picture.save(str(part), "PNG"):  # type: ignore[call-overload]
        part.replace(path)
    part.unlink(missing_ok=True)  # of a full disk
    older = sorted(path.parent.glob("*.png"), key=lambda one: one.stat().st_mtime)[:-MOST_PICTURES]
    for one in older:  # of other languages, themes or pages
        one.unlink(missing_ok=True)
