"""The pages Jobs and Settings."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QPlainTextEdit, QPushButton, QRadioButton, QSpinBox
from pytestqt.qtbot import QtBot
from read_page import words as text_of

from tests.widgets.qt_actions import child, emitted, left_click, press, recorded
from widgets.pages.jobs.page import JobsPage
from widgets.pages.settings.page import SettingsPage
from widgets.parts.buttons import GhostButton
from widgets.parts.tables.table import Table


@pytest.fixture
def page(opened: Any, examples: ModuleType) -> JobsPage:
    return opened(JobsPage, examples.jobs())


def choose(page: JobsPage, qtbot: QtBot, number: int) -> None:
    table = child(page, Table)
    place = table.visualRect(table.model().index(number, 0)).center()
    left_click(table.viewport(), place)


def test_states_are_reported_in_words(page: JobsPage) -> None:
    """Given a job in each state, then each has its own words, and the head counts."""
    table = child(page, Table)
    assert [table.model().index(r, 1).data() for r in range(7)] == [
        "Running, 62 %", "Waiting", "Interrupted", "Done", "Ended by itself", "Failed", "Cancelled",
    ]  # fmt: skip
    assert "1 job running, 1 waiting" in text_of(page)
    assert [table.model().index(r, 4).data() for r in (0, 2, 5)] == ["41 s", "1 min 4 s", "0.8 s"]


@pytest.mark.parametrize(
    ("row", "text", "signal"),
    [
        (0, "Cancel job", "job_cancel_requested"),
        (1, "Cancel job", "job_cancel_requested"),
        (2, "Resume", "resume_requested"),
        (3, "Show the result", "open_requested"),
    ],
)
def test_what_can_be_done_with_a_job(
    page: JobsPage, examples: ModuleType, qtbot: QtBot, row: int, text: str, signal: str
) -> None:
    """Given a chosen job, then just its own ways on are there."""
    choose(page, qtbot, row)
    assert press(page, text, getattr(page, signal)) == [examples.jobs()[row].id]
    shown = {b.text() for b in page.findChildren(QPushButton) if b.isVisible()}
    assert shown == {text}


def test_log_belongs_to_the_chosen_job(page: JobsPage, examples: ModuleType, qtbot: QtBot) -> None:
    """Given the log of another job that comes late, then it is not shown."""
    log = child(page, QPlainTextEdit)
    page.show_log("1", examples.LOG)
    assert log.toPlainText() == examples.LOG
    assert emitted(page.log_requested, choose, page, qtbot, 4) == ["5"] and log.toPlainText() == ""
    page.show_log("1", "late")
    assert log.toPlainText() == ""


def test_log_grows_at_its_end_and_stays_where_it_is_read(page: JobsPage, examples: ModuleType) -> None:
    """Given a growing log, then it follows its end, unless somebody reads further up; long lines are cut."""
    log = child(page, QPlainTextEdit)
    page.show_log("1", examples.LOG)
    QApplication.processEvents()
    bar = log.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    bar.setValue(3)
    page.show_log("1", examples.LOG + "\nnext")
    assert bar.value() == 3 and log.toPlainText().endswith("next")
    page.show_log("1", "x" * 1_000_000)
    assert len(log.toPlainText()) < 2_100


def test_updates_keep_the_choice_and_the_place(page: JobsPage, examples: ModuleType) -> None:
    """Given a thousand jobs and one chosen, when they are shown again, then choice and scroll place stay."""
    many = tuple(replace(examples.jobs()[3], id=f"j{n}", title=f"Export {n}") for n in range(1000))
    page.show_value(many)
    table = child(page, Table)
    table.choose("j500")
    table.verticalScrollBar().setValue(16_000)
    page.show_value((replace(examples.jobs()[0], id="new"), *many[:-1]))
    assert table.chosen_id == "j500" and table.verticalScrollBar().value() == 16_000
    page.show_value(many[:10])
    assert table.chosen_id == "j0"


def test_settings_are_reported_at_once(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given the settings, when one is changed, then it is reported; nothing needs saving."""
    page = opened(SettingsPage, examples.settings())
    dark = child(page, QRadioButton, "theme-dark")
    assert emitted(page.theme_chosen, left_click, dark) == ["dark"]
    press(page, "Open the data folder", page.open_data_folder_requested)
    cores = child(page, QSpinBox)
    assert cores.text() == "automatic"
    cores.setFocus()
    report = recorded(page.threads_changed)
    qtbot.keyClick(cores, Qt.Key.Key_Up)
    qtbot.keyClick(cores, Qt.Key.Key_Down)
    assert report == [1, None]
    assert "Only you can read it" in text_of(page)


def test_memory_and_log_are_reported_at_once(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given no limit of the person's, when one is set and taken back, and the log's detail changed, then each is
    reported; a limit below a GiB is never shown as none."""
    page = opened(SettingsPage, examples.settings())
    limits = recorded(page.memory_limit_changed)
    field = next(box for box in page.findChildren(QSpinBox) if "GiB" in box.accessibleName())
    assert field.text() == "automatic"
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Up)
    qtbot.keyClick(field, Qt.Key.Key_Down)
    assert limits == [1 << 30, None]
    log = next(box for box in page.findChildren(QCheckBox) if "log" in box.text())
    assert emitted(page.log_detail_changed, left_click, log, pos=QPoint(6, log.height() // 2)) == [True]
    page.show_value(replace(examples.settings(), memory_limit_bytes=1 << 28, detailed_log=True))
    field = next(box for box in page.findChildren(QSpinBox) if "GiB" in box.accessibleName())
    assert field.value() == 1
    assert next(box for box in page.findChildren(QCheckBox) if "log" in box.text()).isChecked()


def test_text_size_and_animations_are_reported_at_once(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given the usual looks, When the text is made larger and animations are switched off, Then each is reported."""
    page = opened(SettingsPage, examples.settings())
    sizes, still = recorded(page.text_size_changed), recorded(page.motion_changed)
    field = next(box for box in page.findChildren(QComboBox) if box.accessibleName() == "Text size")
    qtbot.keyClick(field, Qt.Key.Key_End)
    box = next(box for box in page.findChildren(QCheckBox) if "animations" in box.text())
    qtbot.keyClick(box, Qt.Key.Key_Space)
    assert (sizes, still) == ([200], [True])


def test_what_is_missing_is_a_hint_and_no_error(opened: Any, examples: ModuleType) -> None:
    """Given runtimes that are not available, then one has a button that installs its set, the other a reason."""
    page = opened(SettingsPage, examples.settings())
    text = text_of(page)
    assert text.count("Ready") == 3 and text.count("Not here") == 2 and "No NVIDIA GPU found." in text
    requested = recorded(page.install_requested)
    press(page, "Install what “ONNX Runtime, NVIDIA GPU” needs")
    assert requested == ["cuda"] and "pip install" not in text
    assert any("1.9 GB" in button.text() for button in page.findChildren(GhostButton))
    press(page, "Libraries and licenses")
    QApplication.processEvents()
    table = child(page, Table)
    assert table.isVisible() and table.model().index(0, 2).data() == "LGPL-3.0"
