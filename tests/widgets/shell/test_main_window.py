"""The window by mouse, keys, drop and paste."""

import os
from collections.abc import Callable

import pytest
from plain_pages import plain_pages
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAccessible, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import emitted, recorded
from widgets.commands import CHOOSE_FILES, OPEN_PROJECT
from widgets.main_window import MainWindow
from widgets.parts.cards.error import ErrorValue
from widgets.parts.small import Bar
from widgets.plots.frame_clock import FrameClock
from widgets.theme import Theme
from workers.contracts.paths import from_text

ACTIONS, LEFT = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
ERROR = ErrorValue("The disk is full", "No room.", "Yes.", "Make room and try again.")


def files(*paths: str) -> QMimeData:
    """As file managers send them: addresses, and the same as text."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path) for path in paths])
    mime.setText("\n".join(QUrl.fromLocalFile(path).toString() for path in paths))
    return mime


def activate(window: MainWindow, qtbot: QtBot) -> None:
    """Without a window manager nobody else does; keys go to the active window only."""
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=5000)


def drop(window: MainWindow, mime: QMimeData, at: QPoint) -> None:
    """A drop as the window system sends it, so that Qt looks the child up."""
    handle, none = window.windowHandle(), Qt.KeyboardModifier.NoModifier
    QCoreApplication.sendEvent(handle, QDragEnterEvent(at, ACTIONS, mime, LEFT, none))
    QCoreApplication.sendEvent(handle, QDropEvent(QPointF(at), ACTIONS, mime, LEFT, none))
    QCoreApplication.processEvents()


def test_pages_are_made_when_first_shown(window: MainWindow) -> None:
    """Given eight pages, then only those that were shown exist; the rail has one entry for each, no more."""
    built: list[str] = []
    window.page_built.connect(lambda page_id, _page: built.append(page_id))
    assert list(window.rail.entries) == ["model", "data", "goal", "optimize", "compare", "export", "jobs", "settings"]
    QTest.mouseClick(window.rail.entries["goal"], LEFT)
    QTest.mouseClick(window.rail.entries["model"], LEFT)
    assert built == ["goal"] and window.current_page == "model"
    assert window.rail.entries["model"].isChecked() and not window.rail.entries["goal"].isChecked()


def test_no_dead_entries(qtbot: QtBot, qapp: QApplication, theme: Theme, clock: FrameClock) -> None:
    """Given two pages, then the rail has two entries and only their keys work."""
    window = MainWindow()
    window.build(qapp, theme, clock, plain_pages({"model": QWidget, "jobs": QWidget}))
    qtbot.addWidget(window)
    assert list(window.rail.entries) == ["model", "jobs"]
    window.show_page("model")
    window.close_now()


@pytest.mark.parametrize(("key", "page_id"), [(Qt.Key.Key_2, "data"), (Qt.Key.Key_6, "export")])
def test_keys_go_to_pages(window: MainWindow, qtbot: QtBot, key: Qt.Key, page_id: str) -> None:
    """Given the window, when Ctrl and a number are pressed, then that step is shown and reported."""
    activate(window, qtbot)
    assert emitted(window.page_requested, QTest.keyClick, window, key, Qt.KeyboardModifier.ControlModifier) == [page_id]
    assert window.current_page == page_id


@pytest.mark.parametrize("name", ["model.onnx", "ünï 模型 a#b%20.pt", "x" * 200])
def test_files_can_be_dropped_on_a_text_field(window: MainWindow, qtbot: QtBot, name: str) -> None:
    """Given a text field under the pointer, when a file is dropped, then the window gets it and the field nothing."""
    field = window.page("model").findChild(QLineEdit)
    QTest.qWait(1)
    at = field.mapTo(window, field.rect().center())
    assert emitted(window.paths_dropped, drop, window, files(f"/tmp/{name}"), at) == [[f"/tmp/{name}"]]
    assert field.text() == ""
    assert not window._veil.isVisible()


def test_a_veil_shows_while_something_is_held_over_the_window(window: MainWindow) -> None:
    """Given a file held over the window, then it states that it can be dropped, and no longer when it left."""
    handle, mime = window.windowHandle(), files("/tmp/a")
    none = Qt.KeyboardModifier.NoModifier
    QCoreApplication.sendEvent(handle, QDragEnterEvent(QPoint(600, 300), ACTIONS, mime, LEFT, none))
    assert window._veil.isVisible()
    QCoreApplication.sendEvent(handle, QDragLeaveEvent())
    assert not window._veil.isVisible()


def test_links_and_texts_are_distinguished(window: MainWindow, qtbot: QtBot) -> None:
    """Given an address of the web, or plain text, when it is dropped, then each has its own signal."""
    link = QMimeData()
    link.setUrls([QUrl("https://example.org/model.onnx")])
    assert emitted(window.links_dropped, drop, window, link, QPoint(600, 300)) == [["https://example.org/model.onnx"]]
    text = QMimeData()
    text.setText("a sentence")
    assert emitted(window.text_dropped, drop, window, text, QPoint(600, 300)) == ["a sentence"]


def test_a_name_that_is_no_text_comes_in_as_its_address(window: MainWindow, qtbot: QtBot) -> None:
    """Given a file whose name holds a stray byte, when it is dropped, then the byte is not lost."""
    mime = QMimeData()
    mime.setData("text/uri-list", b"file:///tmp/a%20raw%FF.onnx\r\n")
    (paths,) = emitted(window.paths_dropped, drop, window, mime, QPoint(600, 300))
    assert paths == ["file:///tmp/a%20raw%FF.onnx"] and os.fsencode(from_text(paths[0])) == b"/tmp/a raw\xff.onnx"


def test_files_can_be_pasted(window: MainWindow, qtbot: QtBot) -> None:
    """Given a copied file, when Ctrl+V is pressed outside text fields, then it comes in like a drop."""
    activate(window, qtbot)
    QGuiApplication.clipboard().setMimeData(files("/tmp/model.onnx"))
    window.rail.entries["model"].setFocus()
    ctrl = Qt.KeyboardModifier.ControlModifier
    assert emitted(window.paths_dropped, QTest.keyClick, window, Qt.Key.Key_V, ctrl) == [["/tmp/model.onnx"]]
    chosen: list[str] = []
    window.commands.offer(CHOOSE_FILES, lambda: chosen.append("files"))
    QTest.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    assert chosen == ["files"]


def test_closing_asks_first(window: MainWindow, qtbot: QtBot) -> None:
    """Given the window, when it is closed, then it stays and asks; only `close_now` closes it."""
    with qtbot.waitSignal(window.close_requested, timeout=2000):
        assert not window.close()
    assert window.isVisible()
    window.close_now()
    assert not window.isVisible()


def test_marks_are_seen_and_read_out(window: MainWindow) -> None:
    """Given marks, then a screen reader shows them too; a page that is not named loses its mark."""
    window.rail.set_marks({"model": "done", "data": "current"})
    spoken = {
        page_id: QAccessible.queryAccessibleInterface(entry).text(QAccessible.Text.Description)
        for page_id, entry in window.rail.entries.items()
    }
    assert spoken["model"] == "done" and spoken["data"] == "this is next" and spoken["goal"] == "Goal (Ctrl+3)"
    window.rail.set_marks({})
    assert window.rail.entries["model"].mark == ""


def test_top_bar_shows_project_jobs_and_device(window: MainWindow) -> None:
    """Given values, then they are shown; a click on the jobs goes to the page Jobs."""
    window.set_project("Clothes & more <b>", "Balanced")
    window.top.set_device("This computer's processor")
    assert window.top.project.text() == "Clothes & more <b>" and window.top.preset.text() == "Balanced"
    assert window.top.device.text() == "This computer's processor" and window.top.jobs.isHidden()
    window.set_jobs(2)
    assert window.top.jobs.text() == "2 jobs running" and window.dock.is_open and window.clock.fps == 30
    QTest.mouseClick(window.top.jobs, LEFT)
    assert window.current_page == "jobs"
    window.set_jobs(0)
    assert window.top.jobs.isHidden() and not window.dock.is_open and window.clock.fps == 60
    window.top.set_projects([("p1", "One"), ("p2", "Two & three")])
    opened: list[str] = []
    window.commands.offer(OPEN_PROJECT, lambda project_id: not opened.append(project_id))
    window.top.menu_button.menu().actions()[1].trigger()
    assert opened == ["p2"] and window.top.project.isHidden()
    window.top.set_projects([])
    assert not window.top.project.isHidden()


def test_banner_comes_and_goes(window: MainWindow) -> None:
    """Given an error on any page, then it is one line with what to do, and goes by its cross."""
    window.banner(ERROR)
    assert window.notice.accessibleName() == "The disk is full. Make room and try again."
    QTest.mouseClick(window.notice._close, LEFT)
    assert window.notice.isHidden()
    window.banner(ERROR)
    window.banner(None)
    assert window.notice.isHidden()


def test_focus_ring_follows_the_keyboard(window: MainWindow, qtbot: QtBot) -> None:
    """Given the tab key, then a ring is around the button; fields mark themselves; a click takes it away."""
    activate(window, qtbot)
    window.rail.entries["model"].setFocus()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    focused = QApplication.focusWidget()
    if isinstance(focused, QLineEdit):
        QTest.keyClick(focused, Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
    assert window._ring.target is focused
    ringed = window._ring.geometry()
    assert ringed.contains(focused.mapTo(window, focused.rect().center()))
    window.resize(1100, 700)
    QCoreApplication.processEvents()
    assert window._ring.geometry().contains(focused.mapTo(window, focused.rect().center()))


@pytest.mark.parametrize("size", [(860, 560), (1024, 700), (1280, 800), (3840, 2160)])
def test_layout_holds(window: MainWindow, size: tuple[int, int]) -> None:
    """Given a size, then the window has it, and nothing at its edges is cut."""
    window.set_project("A project with quite a long name " * 4, "Balanced")
    window.top.set_device("NVIDIA GeForce RTX 4090 Laptop GPU")
    window.set_jobs(1)
    window.resize(*size)
    QTest.qWait(20)
    assert (window.width(), window.height()) == size
    assert window.dock.geometry().bottom() <= window.height()
    assert window.top._chip.mapTo(window, window.top._chip.rect().topRight()).x() < window.width()


def test_everything_has_a_name(window: MainWindow, unnamed: Callable[[QWidget], list[str]]) -> None:
    """Given the shell, then a screen reader can name all that keys can reach."""
    window.set_jobs(1)
    window.banner(ERROR)
    assert unnamed(window) == []


def test_first_paint_is_reported_once(qtbot: QtBot, qapp: QApplication, theme: Theme, clock: FrameClock) -> None:
    """Given a new window, when it has been painted, then it shows that, once."""
    window = MainWindow()
    window.build(qapp, theme, clock, plain_pages({"model": QWidget}))
    report = recorded(window.first_painted)
    with qtbot.waitSignal(window.first_painted, timeout=5000):
        window.show()
    window.repaint()
    QCoreApplication.processEvents()
    assert len(report) == 1
    window.restore_geometry(window.geometry_to_save())
    window.close_now()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_a_picture_without_a_file(window: MainWindow, qtbot: QtBot) -> None:
    """Given a picture copied out of another program, When it is pasted, Then it comes in; its address counts more
    unless pictures are of use now."""
    boot, image = "https://example.org/boot.png", QImage(4, 4, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    pictures, links = recorded(window.picture_dropped), recorded(window.links_dropped)
    for address, takes_pictures, counts in (("", False, (1, 0)), (boot, False, (1, 1)), (boot, True, (2, 1))):
        mime = QMimeData()
        mime.setImageData(image)
        if address:
            mime.setUrls([QUrl(address)])
        window.takes_pictures = takes_pictures
        drop(window, mime, QPoint(600, 300))
        qtbot.waitUntil(lambda counts=counts: (len(pictures), len(links)) == counts, timeout=2000)
    assert pictures[0].size() == image.size()


def test_window_without_animations_moves_nothing(window: MainWindow, qtbot: QtBot) -> None:
    """Given a bar whose end is unknown, When animations are switched off, Then the bar stands still, graphs jump once a
    second, no cursor blinks; and when animations are wanted again, the bar moves."""
    bar = Bar("Progress")
    bar.setParent(window)
    bar.set_share(None)
    assert bar.maximum() == 0
    before = QApplication.cursorFlashTime()
    window.set_calm(True)
    assert (bar.maximum(), bar.value(), window.clock.fps, QApplication.cursorFlashTime()) == (1000, 0, 1, 0)
    window.set_calm(False)
    assert (bar.maximum(), window.clock.fps) == (0, 60)
    QApplication.setCursorFlashTime(before)
