"""Files that the system hands over to a running program."""

from PySide6.QtCore import QUrl
from PySide6.QtGui import QFileOpenEvent
from pytestqt.qtbot import QtBot

from widgets.application import WindowApplication


def test_file_from_the_system_is_reported(qapp: WindowApplication, qtbot: QtBot) -> None:
    """Given a program that runs, When macOS sends it a file, Then its path is reported without escapes."""
    found: list[str] = []
    qapp.file_opened.connect(found.append)
    qapp.event(QFileOpenEvent(QUrl.fromLocalFile("/tmp/ünï a#b%20.onnx")))
    assert found == ["/tmp/ünï a#b%20.onnx"]
