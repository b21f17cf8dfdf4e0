"""Tests of the progress and the remaining time of an export."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from read_page import words

from app.controllers.export.progress import ExportProgress, ExportTiming, usual_export_s
from app.domain.job import JobRecord
from app.services.flow.events import StepProgress
from app.services.flow.workspace import Workspace
from widgets.pages.export.page import ExportPage
from widgets.theme import Theme
from workers.contracts.specs import DescribedTarget, Stage

STAGES = tuple(Stage(id=name, title=name.title()) for name in ("write", "unpack", "compare", "run"))


def test_remaining_time_follows_earlier_exports_then_the_first_stage() -> None:
    """Given exports that take 20 s, then share and remaining time follow the clock. Once the bundle is written they
    follow its own time, and the share never falls."""
    now_s = 100.0
    timing = ExportTiming(STAGES, 20.0, lambda: now_s)
    assert (timing.share, timing.left_s) == (0.0, 20.0)
    timing.take("write", 0, 2)
    now_s += 5
    assert (timing.share, timing.left_s) == (0.25, 15.0)
    now_s += 9
    timing.take("write", 2, 2)
    assert timing.left_s == pytest.approx(6.0) and timing.share == pytest.approx(0.7)
    now_s += 2
    assert timing.left_s == pytest.approx(4.0) and timing.share == pytest.approx(0.8)
    timing.take("write", 0, 2)
    assert timing.share == pytest.approx(0.8)
    now_s += 60
    assert timing.left_s is None and timing.share == pytest.approx(0.8)
    timing.take("run", 1, 1)
    assert timing.share == 1.0


def test_first_export_has_no_remaining_time_before_the_bundle_is_written() -> None:
    """Given no earlier export, then there is no remaining time before the longest stage is done."""
    now_s = 100.0
    timing = ExportTiming(STAGES, None, lambda: now_s)
    timing.take("write", 0, 2)
    now_s += 7
    timing.take("write", 1, 2)
    assert timing.left_s is None and timing.share == pytest.approx(0.35)
    timing.take("write", 2, 2)
    assert timing.left_s == pytest.approx(3.0)


def test_usual_time_is_the_median_of_finished_exports(space: Workspace) -> None:
    """Given exports of 10, 30 and 12 s, a failed one and another job, then the usual time is 12 s; without exports
    there is none."""
    assert usual_export_s(space) is None
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [("export", "finished", 10), ("export", "finished", 30), ("export", "finished", 12)]
    rows += [("export", "failed", 900), ("open", "finished", 800)]
    for number, (kind, state, seconds) in enumerate(rows):
        end = begun + timedelta(seconds=seconds)
        at = begun + timedelta(minutes=number)
        space.repositories.jobs.add(JobRecord(f"j{number}", kind, "", state, "cpu", at, None, begun, end))
    assert usual_export_s(space) == 12.0


def test_page_shows_the_remaining_time_of_an_export(qapp: QApplication, qtbot: QtBot) -> None:
    """Given exports that take 25 s, when one runs, then the page shows the remaining time."""
    page = ExportPage(Theme(qapp, "light"))
    qtbot.addWidget(page)
    progress = ExportProgress(page)
    target = DescribedTarget(id="python", title="Python folder", available=True, stages=STAGES)
    progress.begin(target, Path("colors-1.zip"), (), 25.0)
    progress.take(StepProgress(None, "Write", 0, 2, "", None, stage_id="write"))
    assert "about 25 seconds left" in words(page)
    progress.end()
