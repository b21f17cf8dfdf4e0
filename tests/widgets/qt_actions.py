"""Act on widgets as a user does, and record their signals."""

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QPoint, Qt, SignalInstance
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

Child = TypeVar("Child", bound=QObject)
Widget = TypeVar("Widget", bound=QWidget)


def emitted(signal: SignalInstance, act: Callable[..., Any], *values: Any, **named: Any) -> list[Any]:
    """Call `act`, wait for the signal, and return the values of its first emission."""
    spy = QSignalSpy(signal)
    act(*values, **named)
    assert spy.count() or spy.wait(2000), signal
    return list(spy.at(0))


def recorded(signal: SignalInstance) -> list[Any]:
    """Return a list to which each emission adds its value, or the tuple of its values."""
    report: list[Any] = []
    signal.connect(lambda *values: report.append(values[0] if len(values) == 1 else values))
    return report


def child(root: QObject, kind: type[Child], name: str = "") -> Child:
    """Return the first such child, which must exist."""
    found = root.findChild(kind, name) if name else root.findChild(kind)
    assert found is not None, (kind, name)
    return found


def placed(qtbot: QtBot, widget: Widget, width: int, height: int) -> Widget:
    """Show a widget in this size until the test ends, and return it."""
    qtbot.addWidget(widget)
    widget.resize(width, height)
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def retype(field: QLineEdit | QAbstractSpinBox, text: str) -> None:
    """Write over what is in a field."""
    field.selectAll()
    QTest.keyClicks(field, text)


def left_click(widget: QWidget, pos: QPoint | None = None) -> None:
    """Click at `pos`, or in the middle."""
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=pos or QPoint())


def button_texts(page: QWidget, kind: str = "") -> list[str]:
    """Return the texts of the visible buttons, of one kind or of all kinds."""
    shown = [button for button in page.findChildren(QAbstractButton) if button.isVisibleTo(page)]
    return [button.text() for button in shown if kind in ("", button.property("kind"))]


def press(page: QWidget, text: str, signal: SignalInstance | None = None) -> Any:
    """Click the visible button with this text or accessible name, and return it, or the values of `signal`."""
    shown = [button for button in page.findChildren(QAbstractButton) if button.isVisibleTo(page)]
    buttons = [button for button in shown if text in (button.text(), button.accessibleName())]
    assert len(buttons) == 1, (text, [(button.text(), button.accessibleName()) for button in shown])
    if signal is not None:
        return emitted(signal, left_click, buttons[0])
    left_click(buttons[0])
    return buttons[0]
