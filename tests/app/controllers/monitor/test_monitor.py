"""Tests of the page Monitor: a log is dropped on the window, read in a worker, and leads back to the examples."""

from pathlib import Path

import numpy as np
import pytest
from made_traffic import Traffic, drawn, reference_from, sample, write_log
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QPushButton
from read_page import press, words
from records import Drive, add_run, make_project, run, variant

from app.controllers.app_controller import AppController
from app.services.flow.workspace import Workspace
from widgets.main_window import MainWindow
from widgets.pages.monitor.page import MonitorPage
from widgets.parts.small import Figure, Tag
from widgets.plots.course_plot import CoursePlot


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two logs of the run "r1": in `darker` pictures got darker, in `quiet` nothing changed."""
    source, root = sample(), tmp_path_factory.mktemp("logs")
    pool = source.pool(source.pictures, source.kinds)
    darker = source.pool(source.pictures * 0.7, source.kinds)
    half = np.random.default_rng(0).permutation(len(pool))
    one, other = pool.of(half[:700]), pool.of(half[700:])
    traffic = Traffic(requests=3000, days=20.0)
    write_log(drawn(other, reference_from(one), traffic, 1, 2000, darker), root / "darker", "r1")
    write_log(drawn(other, reference_from(one), traffic, 2), root / "quiet", "r1")
    return root


def drop(window: MainWindow, path: Path) -> None:
    """Drop a path on the window as a file manager does."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(400, 300), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    window.dropEvent(event)


def page_of(window: MainWindow) -> MonitorPage:
    page = window.page("monitor")
    assert isinstance(page, MonitorPage)
    return page


@pytest.mark.whole
def test_dropped_log_is_read_and_leads_to_the_examples(
    app_controller: AppController, window: MainWindow, space: Workspace, logs: Path, drive: Drive
) -> None:
    """Given the page Model, when a log's folder is dropped, then Monitor shows since when pictures are darker and what
    to do, and marks that in the graphs. The button leads to the project's examples."""
    made = make_project(space)
    add_run(space, run(1), variant(0))
    window.show_page("model")
    drop(window, logs / "darker")
    drive(lambda: window.current_page == "monitor" and page_of(window).state == "full", 60)
    page = page_of(window)
    shown = words(page)
    assert "Pictures got darker since" in shown
    assert "add 200 recent pictures" in shown
    plots = {plot.accessibleName(): plot for plot in page.findChildren(CoursePlot)}
    assert plots["Brightness"]._value.marks and not plots["Latency"]._value.marks
    tags = [tag.accessibleName() for tag in page.findChildren(Tag)]
    assert "1 alarm on" in [figure.accessibleName() for figure in page.findChildren(Figure)]
    assert tags.count("On now") == 1 == tags.count("Alarm") and tags.count("Came with it") == 4
    assert "1 since the log began, and 2 that came along" in shown
    press(page, "Add recent pictures")
    assert window.current_page == "data" and app_controller.session.project.id == made.id


def test_a_quiet_log_of_a_stranger(app_controller: AppController, window: MainWindow, logs: Path, drive: Drive) -> None:
    """Given a log of a bundle whose project is not on this computer, then there is no alarm and no button."""
    window.show_page("monitor")
    drop(window, logs / "quiet" / "requests.jsonl")
    drive(lambda: page_of(window).state == "full", 60)
    shown = words(page_of(window))
    assert "No alarm: inputs and predictions are unchanged" in shown and "not on this computer" in shown
    assert not [one for one in page_of(window).findChildren(QPushButton) if one.property("kind") == "primary"]


def test_what_is_no_log_is_told_and_the_log_before_comes_back(
    app_controller: AppController, window: MainWindow, logs: Path, tmp_path: Path, drive: Drive
) -> None:
    """Given a shown log, when a picture is dropped, then the page explains what a log is, and a button shows the
    previous log again."""
    window.show_page("monitor")
    drop(window, logs / "quiet")
    drive(lambda: page_of(window).state == "full", 60)
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    drop(window, tmp_path / "cat.png")
    drive(lambda: page_of(window).state == "error", 60)
    shown = words(page_of(window))
    assert "This is no log of a bundle" in shown and "--log" not in shown
    press(page_of(window), "Back to “quiet”")
    assert page_of(window).state == "full" and "quiet" in words(page_of(window)), "the log before is still there"
    drop(window, logs / "quiet")
    drive(lambda: page_of(window).state == "full", 60)


def test_json_lines_of_texts_are_not_a_log(
    app_controller: AppController, window: MainWindow, tmp_path: Path, drive: Drive
) -> None:
    """Given JSON Lines of texts that are dropped on the page Model, then they are not read as a log."""
    (tmp_path / "texts.jsonl").write_text('{"text": "hello"}\n')
    window.show_page("model")
    drop(window, tmp_path / "texts.jsonl")
    drive(lambda: True)
    assert window.current_page == "model"
