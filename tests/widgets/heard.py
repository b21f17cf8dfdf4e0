"""What tests of windows hear, find and write."""

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QPoint, Qt, SignalInstance
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QAbstractSpinBox, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

Found = TypeVar("Found", bound=QObject)
Shown = TypeVar("Shown", bound=QWidget)


def heard(signal: SignalInstance, act: Callable[..., Any], *values: Any, **named: Any) -> list[Any]:
    """Do it, wait until the signal comes and return the values of its first time."""
    spy = QSignalSpy(signal)
    act(*values, **named)
    assert spy.count() or spy.wait(1000), signal
    return list(spy.at(0))


def told_by(signal: SignalInstance) -> list[Any]:
    """All that the signal will say, in its order."""
    report: list[Any] = []
    signal.connect(report.append)
    return report


def child(root: QObject, kind: type[Found], name: str = "") -> Found:
    """The first such child, which must exist."""
    found = root.findChild(kind, name) if name else root.findChild(kind)
    assert found is not None, (kind, name)
    return found


def placed(qtbot: QtBot, widget: Shown, width: int, height: int) -> Shown:
    """Show a widget in this size until the test ends, and return it."""
    qtbot.addWidget(widget)
    widget.resize(width, height)
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def retype(field: QLineEdit | QAbstractSpinBox, text: str) -> None:
    """Write over what stands in a field."""
    field.selectAll()
    QTest.keyClicks(field, text)


def left_click(widget: QWidget, pos: QPoint | None = None) -> None:
    """Click there, or in the middle."""
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=pos or QPoint())
