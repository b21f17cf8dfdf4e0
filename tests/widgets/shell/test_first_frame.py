"""The window before its parts exist: its look, and what is pressed and dropped meanwhile."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from plain_pages import plain_pages
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import recorded
from widgets.first_frame import MOST_PICTURES, save_picture
from widgets.main_window import MainWindow
from widgets.plots.frame_clock import FrameClock
from widgets.theme import Theme

LEFT, COPY, NO_KEYS = Qt.MouseButton.LeftButton, Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
PAGES = {"model": QWidget, "data": QWidget, "goal": QWidget}
Begin = Callable[[Path], MainWindow]


@pytest.fixture
def begin(qtbot: QtBot) -> Iterator[Begin]:
    """Show a window that has only its frame."""
    made: list[MainWindow] = []

    def show(picture: Path) -> MainWindow:
        window = MainWindow()
        made.append(window)
        window.show_frame("light", picture)
        with qtbot.waitSignal(window.first_painted, timeout=5000):
            window.show()
        return window

    yield show
    for window in made:
        window.close_now()
        window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def fill(qapp: QApplication, theme: Theme, clock: FrameClock) -> Callable[[MainWindow], None]:
    """Give a window its parts, as the start does."""

    def fill(window: MainWindow) -> None:
        window.build(qapp, theme, clock, plain_pages(PAGES))
        window.show_page("model")
        window.replace_frame()

    return fill


def colors(image: QImage) -> list[str]:
    """Of the rail, its edge, the top bar and the page."""
    return [image.pixelColor(*at).name() for at in ((10, 300), (207, 300), (600, 10), (600, 300))]


def test_presses_and_drops_reach_the_parts(
    begin: Begin, fill: Callable[[MainWindow], None], qtbot: QtBot, tmp_path: Path
) -> None:
    """Given a window with only its frame, When an entry of the rail is pressed and files arrive, Then the page is
    opened and the files are reported once the parts exist, each once."""
    first = begin(tmp_path / "none.png")
    fill(first)
    entry = first.rail.entries["goal"]
    qtbot.waitUntil(lambda: entry.isVisible() and entry.height() > 10)
    place = entry.mapTo(first, entry.rect().center())

    window = begin(tmp_path / "none.png")
    pages, paths = recorded(window.page_requested), recorded(window.paths_dropped)
    QTest.mouseClick(window.centralWidget(), LEFT, pos=place)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/models/a.onnx")])
    for event in (
        QDragEnterEvent(place, COPY, mime, LEFT, NO_KEYS),
        QDropEvent(QPointF(place), COPY, mime, LEFT, NO_KEYS),
    ):
        QCoreApplication.sendEvent(window.windowHandle(), event)
    window.open_path("/models/b.onnx")
    QCoreApplication.processEvents()
    assert (pages, paths, window.current_page) == ([], [], "")
    fill(window)
    qtbot.waitUntil(lambda: len(paths) == 2)
    assert pages == ["goal"] and window.current_page == "goal"
    assert sorted(paths) == [["/models/a.onnx"], ["/models/b.onnx"]]


def test_keys_reach_the_parts(begin: Begin, fill: Callable[[MainWindow], None], qtbot: QtBot, tmp_path: Path) -> None:
    """Given a window with only its frame, When a letter and the keys of two pages are pressed, Then the focused field has
    the letter and both pages were shown in turn once the parts exist."""
    window, field = begin(tmp_path / "none.png"), QLineEdit()
    pages = recorded(window.page_requested)
    frame = window.focusWidget()
    assert frame is window.centralWidget()
    QTest.keyClick(frame, Qt.Key.Key_A)
    for key in (Qt.Key.Key_3, Qt.Key.Key_2):
        QTest.keyClick(frame, key, Qt.KeyboardModifier.ControlModifier)
    assert pages == []
    fill(window)
    field.setParent(window.page("model"))
    field.show()
    field.setFocus()
    qtbot.waitUntil(lambda: window.current_page == "data")
    assert pages == ["goal", "data"] and field.text() == "a"


def test_window_can_be_closed_before_its_parts_exist(begin: Begin, tmp_path: Path) -> None:
    """Given a window with only its frame, When it is resized and closed, Then it asks, and Tab does nothing."""
    window = begin(tmp_path / "none.png")
    requested = recorded(window.close_requested)
    window.resize(900, 700)
    QTest.keyClick(window, Qt.Key.Key_Tab)
    window.close()
    assert len(requested) == 1 and window.isVisible()


def test_the_look_of_the_last_start_is_shown(begin: Begin, fill: Callable[[MainWindow], None], tmp_path: Path) -> None:
    """Given a start, When the next one is first painted, Then each pixel is that of the parts; in another size, or with
    a damaged picture, the areas have their colors."""
    picture = tmp_path / "looks" / "a.png"
    first = begin(picture)
    areas = colors(first.grab().toImage())
    assert areas == ["#ffffff", "#e2e5e7", "#ffffff", "#f6f7f7"]
    fill(first)
    save_picture(first, picture)
    filled = first.grab().toImage()
    assert colors(filled) == areas

    second = begin(picture)
    assert second.grab().toImage() == filled
    second.resize(1000, 700)
    assert colors(second.grab().toImage()) == areas
    picture.write_bytes(picture.read_bytes()[:100])
    assert colors(begin(picture).grab().toImage()) == areas


def test_pictures_are_few(begin: Begin, tmp_path: Path) -> None:
    """Given many looks, Then the newest are kept; a look that is saved is not written again."""
    window = begin(tmp_path / "none.png")
    for number in range(MOST_PICTURES + 3):
        save_picture(window, tmp_path / "looks" / f"{number}.png")
    kept = sorted((tmp_path / "looks").iterdir())
    assert len(kept) == MOST_PICTURES
    written = kept[0].stat().st_mtime_ns
    save_picture(window, kept[0])
    assert kept[0].stat().st_mtime_ns == written
