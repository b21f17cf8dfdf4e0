"""Tests that commands and window use the saved settings."""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from app import bootstrap
from app.cli.output import Globals
from app.cli.session import workspace
from app.instance import InstanceLock
from app.paths import DataPaths, prepare
from app.settings import Settings, save_settings

LIMIT = 3 << 30


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    return prepare(DataPaths(tmp_path / "home"))


def logged(paths: DataPaths) -> str:
    return (paths.logs / "fettle.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("settings", "detailed"), [(Settings(log_level="debug", memory_limit_bytes=LIMIT), True), (Settings(), False)]
)
def test_commands_use_the_settings(paths: DataPaths, settings: Settings, detailed: bool) -> None:
    """Given settings, when a command runs, then its jobs have the memory limit and the log has the detail of the
    settings."""
    save_settings(paths.settings, settings)
    with workspace(Globals(data_dir=paths.root), writes=True) as space:
        assert space.memory_limit() == settings.memory_limit_bytes
        logging.getLogger("app.test").debug("a detail")
    assert ("a detail" in logged(paths)) is detailed
    with workspace(Globals(data_dir=paths.root), writes=False) as space:
        assert space.memory_limit() == settings.memory_limit_bytes


def test_command_reports_damaged_settings(paths: DataPaths) -> None:
    """Given a damaged file, then the defaults are used, and a command reports that."""
    paths.settings.write_text("{")
    notices: list[str] = []
    with workspace(Globals(data_dir=paths.root), writes=True, notice=notices.append) as space:
        assert space.memory_limit() is None
    assert "The settings could not be used" in notices[0]


def test_window_uses_the_settings(qapp: QApplication, paths: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given settings, when the window starts, then its jobs have the memory limit, a change applies at once, and the
    log has their detail."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # put back afterwards
    settings = Settings(theme="light", log_level="debug", memory_limit_bytes=LIMIT)
    save_settings(paths.settings, settings)
    window, theme = bootstrap.build_window(qapp, settings)
    with InstanceLock.take(paths, "window", "a test's window") as lock:
        live = bootstrap.Application(qapp, window, paths, lock, [])
        live._wire()
        try:
            controller = live.app_controller
            space = controller.session.workspace
            assert space.memory_limit() == LIMIT
            window.show_page("settings")
            window.page("settings").memory_limit_changed.emit(2 * LIMIT)
            assert space.memory_limit() == 2 * LIMIT
            logging.getLogger("app.test").debug("a detail")
            assert "a detail" in logged(paths)
            controller.flows.interrupt_all()
        finally:
            live.end()
    assert not any(isinstance(handler, RotatingFileHandler) for handler in logging.getLogger("app").handlers)
    window.close_now()
    for thing in (window, theme):
        thing.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
