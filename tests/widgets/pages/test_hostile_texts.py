"""Foreign texts on every page: what tries to be HTML, a format or endless is shown as it is."""

from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest
from page_states import State
from pydantic import BaseModel
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QLabel, QTextBrowser, QWidget

from widgets.pages.changes.page import ChangesPage
from widgets.pages.compare.page import ComparePage
from widgets.pages.data.page import DataPage
from widgets.pages.export.page import ExportPage
from widgets.pages.goal.page import GoalPage
from widgets.pages.hub.page import HubPage
from widgets.pages.hub.value import HubListValue
from widgets.pages.jobs.page import JobsPage
from widgets.pages.load.page import LoadPage
from widgets.pages.model.page import ModelPage
from widgets.pages.monitor.page import MonitorPage
from widgets.pages.projects.page import ProjectsPage
from widgets.pages.settings.page import SettingsPage
from widgets.pages.stress.page import StressPage
from widgets.pages.try_it.page import TryPage
from widgets.parts.page import Page
from widgets.parts.pictures import PictureValue
from widgets.parts.tables.values import Cell
from widgets.theme import Theme

HOSTILE = (
    "<img src='file:///etc/passwd'><h1>big</h1><a href='http://x.example'>click</a>"
    "&lt;b&gt; \u202eevil\u202c \x07 %s {0} {x} ünï 模型 🙂 " + "W" * 300
)


def hostile(value: Any) -> Any:
    """The same value with all foreign texts replaced; ids, states and paths of choices stay."""
    keep = {"id", "target", "chosen", "state", "kind", "outcome", "verdict", "technique", "runtime", "icon", "answers"}
    keep |= {"recommended", "theme", "level", "tone", "key", "range", "channels", "layout", "data", "guessed"}
    keep |= {"license_kind", "format", "action", "measure", "status", "nan", "ids"} | (
        {"tag"} if isinstance(value, Cell) else set()
    )
    if isinstance(value, PictureValue):
        return replace(value, name=HOSTILE)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            f.name: getattr(value, f.name) if f.name in keep else hostile(getattr(value, f.name)) for f in fields(value)
        }
        return replace(value, **changed)
    if isinstance(value, BaseModel):
        names = type(value).model_fields.keys() - keep
        return value.model_copy(update={name: hostile(getattr(value, name)) for name in names})
    if isinstance(value, tuple):
        return tuple(hostile(item) for item in value)
    return HOSTILE if isinstance(value, str) and not isinstance(value, datetime) else value


def hostile_hub(page: HubPage, ex: ModuleType) -> None:
    unjudged = {"verdict": None, "license": HOSTILE}
    page.show_list(hostile(ex.hub_list()))
    rows = [replace(row, model=row.model.model_copy(update=unjudged)) for row in ex.hub_list().rows]
    page.show_list(hostile(HubListValue(tuple(rows), "")))
    page.detail.show_value(hostile(ex.hub_gated()))
    page.downloads.show_values(hostile(ex.hub_downloads()[:2]))
    page.show_card(HOSTILE, HOSTILE)


def hostile_settings(page: SettingsPage, ex: ModuleType) -> None:
    page.show_value(hostile(ex.settings()))
    page.show_section(hostile(ex.storage()))
    page.show_section(replace(hostile(ex.program()), kind="own"))
    page.show_section(replace(hostile(ex.hub_kept()), token="file"))


def hostile_trying(page: TryPage, ex: ModuleType) -> None:
    page.show_value(hostile(ex.trying()))
    page.show_examples(hostile(ex.live_examples()))
    page.show_input(hostile(ex.live_input()))
    page.show_answers(*hostile(ex.live_answers()))
    page.show_tried(hostile(ex.live_tried()))
    page.set_texts(HOSTILE[:80], HOSTILE[:80])


def hostile_load(page: LoadPage, ex: ModuleType) -> None:
    """Figures and units are the program's own."""
    own = ex.loaded()
    page.show_value(replace(hostile(own), figures=own.figures, price=own.price))


HOSTILE_STATES: dict[str, State] = {
    "model": (ModelPage, lambda p, ex: p.show_value(hostile(ex.model()))),
    "model-error": (ModelPage, lambda p, ex: p.show_error(hostile(ex.refused()))),
    "hub": (HubPage, hostile_hub),
    "data": (DataPage, lambda p, ex: p.show_value(hostile(ex.data()))),
    "data-texts": (DataPage, lambda p, ex: p.show_value(hostile(ex.texts()))),
    "goal": (GoalPage, lambda p, ex: p.show_value(hostile(ex.goal()))),
    "compare": (ComparePage, lambda p, ex: p.show_value(hostile(ex.compare()))),
    "compare-nothing-faster": (ComparePage, lambda p, ex: p.show_value(hostile(ex.nothing_faster()))),
    "changes": (ChangesPage, lambda p, ex: p.show_value(replace(hostile(ex.what_changed()), tried=ex.tried()))),
    "load": (LoadPage, hostile_load),
    "load-ask": (LoadPage, lambda p, ex: p.show_question(hostile(ex.ask_load()))),
    "try": (TryPage, hostile_trying),
    "stress": (StressPage, lambda p, ex: p.show_value(hostile(ex.stress()))),
    "export": (ExportPage, lambda p, ex: p.show_value(hostile(ex.export()))),
    "export-done": (ExportPage, lambda p, ex: p.show_done(*hostile(ex.done()))),
    "jobs": (JobsPage, lambda p, ex: p.show_value(hostile(ex.jobs()))),
    "monitor": (MonitorPage, lambda p, ex: p.show_value(ex.own_of_monitor(hostile(ex.monitored())))),
    "projects": (ProjectsPage, lambda p, ex: p.show_value(hostile(ex.projects()))),
    "settings": (SettingsPage, hostile_settings),
}


def wide(content: QWidget) -> list[tuple[str, int]]:
    """What requests more width than the smallest window has."""
    found = [(w, w.minimumSizeHint().width()) for w in content.findChildren(QWidget) if w.minimumWidth() == 0]
    return [(f"{w} {w.property('text')}"[:200], width) for w, width in found if width > 700]


@pytest.mark.parametrize("name", list(HOSTILE_STATES))
def test_hostile_texts_are_shown_as_they_are(name: str, theme: Theme, examples: ModuleType, shown: Any) -> None:
    """Given texts that try to be HTML, a format or endless, then they are shown plain and nothing bursts."""
    kind, fill = HOSTILE_STATES[name]
    page: Page = kind(theme)
    fill(page, examples)
    shown(page, 816, 614)
    page.grab()
    for label in page.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText or not label.text()
    for widget in page.findChildren(QWidget):
        assert "<img" not in widget.toolTip() and "<a " not in widget.toolTip()
    for browser in page.findChildren(QTextBrowser):
        assert browser.document().allFormats() is not None
        assert "<h1>" in browser.toPlainText() or "<img" in browser.toPlainText()
    for table in page.findChildren(QAbstractItemView):
        model = table.model()
        for row in range(model.rowCount()):
            tip = str(model.index(row, 0).data(Qt.ItemDataRole.ToolTipRole) or "")
            assert "<img" not in tip
    assert page.widget().width() <= page.viewport().width(), wide(page.widget())
