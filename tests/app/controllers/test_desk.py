"""The small window of a shortcut: a dropped file is answered while another program holds the data folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from finished_run import pids_of, write_picture
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.cli.output import Globals
from app.cli.session import workspace
from app.controllers.desk import DeskController
from app.services.flow.workspace import Workspace
from widgets.desk_window import DeskWindow
from widgets.parts.cards.error import ErrorCard
from widgets.theme import Theme

Drive = Callable[..., None]


@pytest.fixture
def small(qapp: QApplication, qtbot: QtBot) -> Iterator[DeskWindow]:
    """The shown window without a version."""
    theme = Theme(qapp, "light")
    made = DeskWindow(theme)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    made.close()
    for thing in (made, theme):
        thing.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def drop(window: DeskWindow, path: Path) -> None:
    """Drop a file by the events that Qt gets from the system."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    at, copy, left, none = (
        window.rect().center(),
        Qt.DropAction.CopyAction,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    handle = window.windowHandle()
    QCoreApplication.sendEvent(handle, QDragEnterEvent(at, copy, mime, left, none))
    QCoreApplication.sendEvent(handle, QDropEvent(QPointF(at), copy, mime, left, none))


def texts(window: DeskWindow) -> str:
    """Return all that can be read, one a line."""
    return "\n".join(part.text() for part in window.findChildren(QLabel) if part.isVisible())


def test_dropped_files_are_answered_or_refused_beside_the_main_window(
    finished_data: Path, space: Workspace, small: DeskWindow, drive: Drive, tmp_path: Path
) -> None:
    """Given a data folder that another program holds, When a picture and then a file that is none are dropped on the
    small window, Then the version answers the first, the second has its reason, and closing leaves no process."""
    picture, broken = write_picture(tmp_path / "bööt.png", 0), tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with workspace(Globals(data_dir=space.paths.root), writes=False) as read_only:
        controller = DeskController(small, read_only, "r1", "v1")
        assert small.windowTitle() == "Clothes classifier"
        drop(small, picture)
        drive(lambda: "bööt.png, as 28 × 28 pixels" in texts(small))
        assert "Coat" in texts(small) and "Faster engine" in texts(small)
        pids = pids_of(controller._single) if controller._single is not None else []
        assert len(pids) == 1
        drop(small, broken)
        drive(lambda: "broken.png is not a picture" in texts(small))
        drop(small, picture)
        drive(lambda: "Coat" in texts(small))
        controller.stop()
        assert not any(folder.name.startswith("try") for folder in read_only.jobs.iterdir())


def test_a_run_that_is_gone_is_said_in_the_window(
    finished_data: Path, space: Workspace, small: DeskWindow, drive: Drive
) -> None:
    """Given a shortcut of a deleted run, When its window opens, Then it says so and takes no drops."""
    with workspace(Globals(data_dir=space.paths.root), writes=False) as read_only:
        DeskController(small, read_only, "gone", None)
        assert small.findChild(ErrorCard) is not None and not small.acceptDrops()
