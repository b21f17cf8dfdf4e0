"""Tests of the page Guide, which lists the task pages and shows them in place."""

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QImage, QTextDocument
from PySide6.QtTest import QTest
from read_page import press

from app.controllers.app_controller import AppController
from app.help import task_pages
from widgets.main_window import MainWindow
from widgets.parts.markdown import MarkdownView
from widgets.parts.page import Page


def opened(window: MainWindow) -> Page:
    """Press F1 in the window, and return the guide."""
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    QTest.keyClick(window, Qt.Key.Key_F1)
    page = window.page("guide")
    assert isinstance(page, Page) and window.current_page == "guide"
    return page


def test_task_opens_in_the_guide_and_leads_back(app_controller: AppController, window: MainWindow) -> None:
    """Given the guide, When each topic is pressed, Then its text and pictures are shown, and Back leads to the list."""
    page = opened(window)
    assert page.state == "full"
    for task in task_pages().values():
        press(page, task.title)
        (view,) = (one for one in page.findChildren(MarkdownView) if one.isVisible())
        assert page.state == "task" and view.accessibleName() == task.title
        last_line = task.text.splitlines()[-1]
        assert last_line.strip("|-` ").split("`")[0][:30] in view.toPlainText().replace("\n", " ")
        for path in task.pictures():
            image = view.document().resource(QTextDocument.ResourceType.ImageResource, QUrl(path))
            assert isinstance(image, QImage) and image.width() > 200, path
        press(page, "Back to the guide")
        assert page.state == "full"
    press(page, "Back")
    assert window.current_page != "guide"


def test_opened_task_stays_when_the_guide_is_left(app_controller: AppController, window: MainWindow) -> None:
    """Given an open task, When F1 leads to the work and back, Then the task is still shown."""
    page = opened(window)
    press(page, task_pages()["busy"].title)
    for _ in range(2):
        QTest.keyClick(window, Qt.Key.Key_F1)
    assert window.current_page == "guide" and page.state == "task"
