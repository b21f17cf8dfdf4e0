"""What holds for every page in each of its states: names for screen readers, plain text, sizes, colors, drops."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QAccessible, QImage, QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollBar,
    QSlider,
    QTextBrowser,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from widgets.pages.answers.page import AnswersPage
from widgets.pages.compare.page import ComparePage
from widgets.pages.data.grid import ItemsView
from widgets.pages.data.page import DataPage
from widgets.pages.export.page import ExportPage
from widgets.pages.goal.page import GoalPage
from widgets.pages.guide.page import GuidePage
from widgets.pages.hub.page import HubPage
from widgets.pages.jobs.page import JobsPage
from widgets.pages.layers.page import LayersPage
from widgets.pages.load.page import LoadPage
from widgets.pages.model.page import ModelPage
from widgets.pages.monitor.page import MonitorPage
from widgets.pages.projects.page import ProjectsPage
from widgets.pages.settings.page import SettingsPage
from widgets.pages.stress.page import StressPage
from widgets.pages.tried.page import TriedPage
from widgets.pages.try_it.page import TryPage
from widgets.parts.page import Page
from widgets.parts.pictures import PictureStore, PictureValue
from widgets.theme import Theme

HOSTILE = (
    "<img src='file:///etc/passwd'><h1>big</h1><a href='http://x.example'>click</a>"
    "&lt;b&gt; \u202eevil\u202c \x07 %s {0} {x} ünï 模型 🙂 " + "W" * 300
)


def run_export(page: ExportPage, ex: ModuleType) -> None:
    page.show(ex.export())
    page.show_running("Unpacking it in a clean place", 3, 6, ex.checks(4), "about 10 seconds left")


def recipes(page: GoalPage, ex: ModuleType) -> None:
    page.show(ex.goal())
    page.show_recipes()
    for button in page.findChildren(QPushButton):
        if button.text() == "Steps":
            button.setChecked(True)


def hub(page: HubPage, ex: ModuleType) -> None:
    page.bar.set_tasks(ex.TASKS)
    page.show_list(ex.hub_list(20))
    page.show_detail(ex.hub_detail())


def hub_card(page: HubPage, ex: ModuleType) -> None:
    hub(page, ex)
    page.show_card("resnet-50", ex.CARD)


def hub_gated(page: HubPage, ex: ModuleType) -> None:
    hub(page, ex)
    page.show_detail(ex.hub_gated())
    page.show_downloads(ex.hub_downloads())


State = tuple[type[Page], Callable[[Any, ModuleType], object]]


def data_items(page: DataPage, ex: ModuleType, count: int) -> None:
    """All examples with their pictures, some chosen, and what the check of the preparation found."""
    page.show(ex.data_of(count))
    page.show_items(ex.items(count), 128)
    page.picture_wanted.connect(lambda number: page.put_pictures(number - number % 128, ex.small_pictures(128)))
    page.mark_items(ex.items(count), can_undo=True, can_redo=count > 3)
    page.findChildren(ItemsView)[0].setCurrentIndex(page.findChildren(ItemsView)[0].items.index(2))
    page.show_doctor(ex.doctor(count))
    page.show_fed(ex.fed(count))
    page.show_origin(ex.origin())
    page.show_found(ex.found() if count > 3 else (), 4 if count > 3 else 0, 0, 6 if count > 3 else 0)


def data_lines(page: DataPage, ex: ModuleType) -> None:
    """Texts, one a line."""
    page.show(ex.texts())
    page.show_items(ex.lines(), 128)


def data_found(page: DataPage, examples: ModuleType) -> None:
    """Copies across both parts, and one click that ends it."""
    page.show(examples.data())
    page.show_found(examples.found(), 4, 2)


STATES: dict[str, State] = {
    "model-empty": (ModelPage, lambda p, ex: p.show_empty(ex.sample())),
    "model-full": (ModelPage, lambda p, ex: p.show(ex.model())),
    "model-loading": (ModelPage, lambda p, ex: p.show_loading("Reading", 1, 2, "about 10 seconds left")),
    "model-error": (ModelPage, lambda p, ex: p.show_error(ex.refused())),
    "hub-empty": (HubPage, lambda p, ex: p.show_list(ex.hub_starters())),
    "hub-full": (HubPage, hub),
    "hub-card": (HubPage, hub_card),
    "hub-gated": (HubPage, hub_gated),
    "hub-nothing": (HubPage, lambda p, ex: p.show_nothing("Nothing found", "Try other words.")),
    "hub-error": (HubPage, lambda p, ex: p.show_problem(ex.hub_offline())),
    "data-empty": (DataPage, lambda p, ex: p.show_empty(ex.ask_data())),
    "data-full": (DataPage, lambda p, ex: p.show(ex.data())),
    "data-texts": (DataPage, lambda p, ex: p.show(ex.texts())),
    "data-found": (DataPage, data_found),
    "data-items": (DataPage, lambda p, ex: data_items(p, ex, 191)),
    "data-few": (DataPage, lambda p, ex: data_items(p, ex, 3)),
    "data-many": (DataPage, lambda p, ex: data_items(p, ex, 10_000)),
    "data-lines": (DataPage, data_lines),
    "data-made": (DataPage, lambda p, ex: p.show(ex.made())),
    "data-error": (DataPage, lambda p, ex: p.show_error(ex.refused())),
    "goal-empty": (GoalPage, lambda p, ex: p.show_empty()),
    "goal-full": (GoalPage, lambda p, ex: p.show(ex.goal())),
    "goal-recipes": (GoalPage, recipes),
    "compare-empty": (ComparePage, lambda p, ex: p.show_empty()),
    "compare-safe": (ComparePage, lambda p, ex: p.show(ex.compare())),
    "compare-not-proven": (ComparePage, lambda p, ex: p.show(ex.not_proven())),
    "compare-nothing-faster": (ComparePage, lambda p, ex: p.show(ex.nothing_faster())),
    "compare-vectors": (ComparePage, lambda p, ex: p.show(ex.vectors())),
    "compare-error": (ComparePage, lambda p, ex: p.show_error(ex.refused())),
    "compare-watched": (ComparePage, lambda p, ex: p.show(ex.watched(warns=False))),
    "compare-worse": (ComparePage, lambda p, ex: p.show(ex.watched(warns=True))),
    "answers-empty": (AnswersPage, lambda p, ex: p.show_empty()),
    "answers-measuring": (AnswersPage, lambda p, ex: p.show_empty(is_measuring=True)),
    "answers-few": (AnswersPage, lambda p, ex: p.show(ex.all_answers(3, labelled=False))),
    "answers-full": (AnswersPage, lambda p, ex: ex.answers_chosen(p, ex)),
    "answers-many": (AnswersPage, lambda p, ex: (p.show(ex.all_answers(10_000)), p._choose(kind="worse", text="cat"))),
    "answers-sound": (AnswersPage, lambda p, ex: ex.answers_sound(p, ex)),
    "answers-nothing": (AnswersPage, lambda p, ex: (p.show(ex.all_vectors()), p._choose(text="no such words"))),
    "answers-loading": (AnswersPage, lambda p, ex: p.show_loading("Listing all answers")),
    "answers-error": (AnswersPage, lambda p, ex: p.show_error(ex.refused())),
    "try-empty": (TryPage, lambda p, ex: p.show_empty()),
    "try-measuring": (TryPage, lambda p, ex: p.show_measuring()),
    "try-loading": (TryPage, lambda p, ex: p.show(ex.trying())),
    "try-full": (TryPage, lambda p, ex: ex.trying_picture(p, ex)),
    "try-sound": (TryPage, lambda p, ex: ex.trying_sound(p, ex)),
    "try-texts": (TryPage, lambda p, ex: ex.trying_texts(p, ex)),
    "try-error": (TryPage, lambda p, ex: p.show_error(ex.refused())),
    "load-empty": (LoadPage, lambda p, ex: p.show_empty()),
    "load-ask": (LoadPage, lambda p, ex: p.show_ask(ex.ask_load(can_go_back=True))),
    "load-loading": (LoadPage, lambda p, ex: p.show_loading("Offline: Original", 0.3, 1.0, "about 2 minutes left")),
    "load-full": (LoadPage, lambda p, ex: p.show(ex.loaded())),
    "load-priced": (LoadPage, lambda p, ex: p.show(ex.loaded(price=ex.priced(), latency=()))),
    "load-error": (LoadPage, lambda p, ex: p.show_error(ex.refused())),
    "stress-empty": (StressPage, lambda p, ex: p.show_empty()),
    "stress-offer": (StressPage, lambda p, ex: p.show(ex.stress(found=False))),
    "stress-full": (StressPage, lambda p, ex: p.show(ex.stress())),
    "stress-sounds": (StressPage, lambda p, ex: p.show(ex.stress_sounds())),
    "stress-error": (StressPage, lambda p, ex: p.show_error(ex.refused())),
    "tried-empty": (TriedPage, lambda p, ex: p.show_empty()),
    "tried-full": (TriedPage, lambda p, ex: p.show(ex.tried())),
    "tried-error": (TriedPage, lambda p, ex: p.show_error(ex.refused())),
    "layers-empty": (LayersPage, lambda p, ex: p.show_empty()),
    "layers-measuring": (LayersPage, lambda p, ex: p.show_empty(is_measuring=True)),
    "layers-offer": (LayersPage, lambda p, ex: p.show(replace(ex.layers(), sides=()))),
    "layers-loading": (LayersPage, lambda p, ex: p.show_loading("Opening both versions")),
    "layers-full": (LayersPage, lambda p, ex: p.show(ex.layers())),
    "layers-error": (LayersPage, lambda p, ex: p.show_error(ex.refused())),
    "export-empty": (ExportPage, lambda p, ex: p.show_empty()),
    "export-full": (ExportPage, lambda p, ex: p.show(ex.export())),
    "export-override": (ExportPage, lambda p, ex: p.show(ex.override())),
    "export-running": (ExportPage, run_export),
    "export-done": (ExportPage, lambda p, ex: p.show_done(ex.done())),
    "jobs-empty": (JobsPage, lambda p, ex: p.show_empty()),
    "jobs-full": (JobsPage, lambda p, ex: p.show(ex.jobs())),
    "monitor-empty": (MonitorPage, lambda p, ex: p.show_empty()),
    "monitor-full": (MonitorPage, lambda p, ex: p.show(ex.monitored())),
    "monitor-quiet": (MonitorPage, lambda p, ex: p.show(ex.monitored_quiet())),
    "monitor-error": (MonitorPage, lambda p, ex: p.show_error(ex.refused())),
    "projects-empty": (ProjectsPage, lambda p, ex: p.show_empty()),
    "projects-full": (ProjectsPage, lambda p, ex: p.show(ex.projects())),
    "guide-full": (GuidePage, lambda p, ex: None),
    "settings-empty": (SettingsPage, lambda p, ex: p.show_empty()),
    "settings-full": (SettingsPage, lambda p, ex: p.show(ex.settings())),
    "settings-hub": (SettingsPage, lambda p, ex: (p.show(ex.settings()), p.show_hub(ex.hub_kept()))),
}


@pytest.fixture(params=list(STATES))
def page(request: pytest.FixtureRequest, theme: Theme, examples: ModuleType, shown: Any) -> Page:
    kind, fill = STATES[request.param]
    made: Page = kind(theme)
    fill(made, examples)
    shown(made, 816, 614)
    return made


def name_of(widget: QWidget) -> str:
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name).strip() if interface is not None else ""


def speaks(widget: QWidget) -> bool:
    """Whether a screen reader stops here."""
    kinds = (
        QAbstractButton,
        QLineEdit,
        QComboBox,
        QAbstractSpinBox,
        QSlider,
        QAbstractItemView,
        QPlainTextEdit,
        QTextEdit,
    )
    inner = isinstance(widget, QLineEdit) and isinstance(widget.parent(), QAbstractSpinBox | QComboBox)
    if inner or isinstance(widget, QScrollBar) or not widget.isVisible():
        return False
    popup = widget.window() is not widget and isinstance(widget.parent(), QComboBox)
    return not popup and (isinstance(widget, kinds) or widget.focusPolicy() != Qt.FocusPolicy.NoFocus)


def test_all_can_be_read_out_and_reached(page: Page) -> None:
    """Given a page, then what takes the focus has a name, labels are plain text, one button at most is primary,
    and no field swallows a dropped file."""
    silent = [w for w in page.findChildren(QWidget) if speaks(w) and not name_of(w)]
    silent = [w for w in silent if w.objectName() != "qt_scrollarea_viewport"]
    assert not silent, [(type(w).__name__, w.objectName(), w.parent()) for w in silent]
    assert name_of(page)
    primary = [b for b in page.findChildren(QPushButton) if b.isVisible() and b.property("kind") == "primary"]
    assert len(primary) <= 1, [b.text() for b in primary]
    plain = Qt.TextFormat.PlainText
    assert [w.text() for w in page.findChildren(QLabel) if w.textFormat() != plain and w.text()] == []
    kinds = (QLineEdit, QPlainTextEdit, QTextEdit, QComboBox, QAbstractSpinBox, QAbstractItemView)
    assert not [w for w in page.findChildren(QWidget) if isinstance(w, kinds) and w.acceptDrops() and w.isVisible()]


def test_layout_holds_from_the_smallest_window_to_4k(page: Page) -> None:
    """Given three sizes, then all lies inside the width, buttons show their words, and wrapped words are not cut."""
    for size in ((816, 614), (1072, 714), (3632, 2070)):
        page.resize(*size)
        for _ in range(3):  # words that wrap anew ask their layouts once more
            QApplication.processEvents()
        content = page.widget()
        assert content.width() <= page.viewport().width(), wide(content)
        for widget in content.findChildren(QWidget):
            if not widget.isVisible() or any(isinstance(a, QAbstractItemView) for a in ancestors(widget, content)):
                continue
            place = QRect(widget.mapTo(content, widget.rect().topLeft()), widget.size())
            assert place.left() >= -1 and place.right() <= content.width(), (widget, place)
            if isinstance(widget, QPushButton):
                assert widget.width() >= widget.sizeHint().width() - 1, widget.text()
            if isinstance(widget, QLabel) and widget.wordWrap() and widget.text():
                needed = widget.heightForWidth(widget.width())
                assert widget.height() >= needed - 2, (widget.text(), widget.height(), needed)


def wide(content: QWidget) -> list[tuple[str, int]]:
    """What asks for more width than the smallest window has."""
    found = [(w, w.minimumSizeHint().width()) for w in content.findChildren(QWidget) if w.minimumWidth() == 0]
    return [(f"{w} {w.property('text')}"[:200], width) for w, width in found if width > 700]


def ancestors(widget: QWidget, top: QWidget) -> list[QWidget]:
    found = []
    above = widget.parentWidget()
    while above is not None and above is not top:
        found.append(above)
        above = above.parentWidget()
    return found


def drawn(page: Page, theme: Theme) -> QImage:
    QApplication.processEvents()
    picture = QPixmap(page.size())
    picture.fill(theme.color("bg"))
    page.render(picture)
    return picture.toImage().convertToFormat(QImage.Format.Format_Grayscale8)


def mean(image: QImage) -> float:
    return (
        image.scaled(1, 1, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
        .pixelColor(0, 0)
        .lightness()
    )


def test_colors_follow_the_theme(page: Page, theme: Theme, qtbot: QtBot) -> None:
    """Given a page, when dark is chosen, then it is drawn in dark, and back again byte for byte."""
    qtbot.waitUntil(lambda: not page.findChildren(PictureStore) or not page.findChildren(PictureStore)[0].is_busy)
    light = drawn(page, theme)
    theme.set_choice("dark")
    dark = drawn(page, theme)
    assert mean(dark) < 90 and mean(light) > 180
    theme.set_choice("light")
    assert drawn(page, theme) == light


def hostile(value: Any) -> Any:
    """The same value with all foreign texts replaced; ids, states and paths of choices stay."""
    keep = {"id", "target", "chosen", "state", "kind", "outcome", "verdict", "technique", "runtime", "icon", "answers"}
    keep |= {"recommended", "theme", "level", "tone", "key", "range", "channels", "layout", "data", "guessed"}
    keep |= {"license_kind", "format", "action", "measure"}
    if isinstance(value, PictureValue):
        return replace(value, name=HOSTILE)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            f.name: getattr(value, f.name) if f.name in keep else hostile(getattr(value, f.name)) for f in fields(value)
        }
        return replace(value, **changed)
    if isinstance(value, tuple):
        return tuple(hostile(item) for item in value)
    return HOSTILE if isinstance(value, str) and not isinstance(value, datetime) else value


def hostile_hub(page: HubPage, ex: ModuleType) -> None:
    page.show_list(hostile(ex.hub_list()))
    page.show_detail(hostile(ex.hub_gated()))
    page.show_downloads(hostile(ex.hub_downloads()[:2]))
    page.show_card(HOSTILE, HOSTILE)


def hostile_settings(page: SettingsPage, ex: ModuleType) -> None:
    page.show(hostile(ex.settings()))
    page.show_hub(replace(hostile(ex.hub_kept()), token="file"))


def hostile_trying(page: TryPage, ex: ModuleType) -> None:
    page.show(hostile(ex.trying()))
    page.show_examples(hostile(ex.live_examples()))
    page.show_input(hostile(ex.live_input()))
    page.show_answers(*hostile(ex.live_answers()))
    page.show_tried(hostile(ex.live_tried()))
    page.say(HOSTILE[:80], HOSTILE[:80])


def hostile_load(page: LoadPage, ex: ModuleType) -> None:
    """Figures, units and the command are the program's own."""
    own = ex.loaded()
    page.show(replace(hostile(own), figures=own.figures, command=own.command, price=own.price))


HOSTILE_STATES: dict[str, State] = {
    "model": (ModelPage, lambda p, ex: p.show(hostile(ex.model()))),
    "model-error": (ModelPage, lambda p, ex: p.show_error(hostile(ex.refused()))),
    "hub": (HubPage, hostile_hub),
    "data": (DataPage, lambda p, ex: p.show(hostile(ex.data()))),
    "data-texts": (DataPage, lambda p, ex: p.show(hostile(ex.texts()))),
    "goal": (GoalPage, lambda p, ex: p.show(hostile(ex.goal()))),
    "compare": (ComparePage, lambda p, ex: p.show(hostile(ex.compare()))),
    "compare-nothing-faster": (ComparePage, lambda p, ex: p.show(hostile(ex.nothing_faster()))),
    "load": (LoadPage, hostile_load),
    "load-ask": (LoadPage, lambda p, ex: p.show_ask(hostile(ex.ask_load()))),
    "try": (TryPage, hostile_trying),
    "stress": (StressPage, lambda p, ex: p.show(hostile(ex.stress()))),
    "export": (ExportPage, lambda p, ex: p.show(hostile(ex.export()))),
    "export-done": (ExportPage, lambda p, ex: p.show_done(hostile(ex.done()))),
    "jobs": (JobsPage, lambda p, ex: p.show(hostile(ex.jobs()))),
    "monitor": (MonitorPage, lambda p, ex: p.show(ex.own_of_monitor(hostile(ex.monitored())))),
    "projects": (ProjectsPage, lambda p, ex: p.show(hostile(ex.projects()))),
    "settings": (SettingsPage, hostile_settings),
}


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
        tip = label.toolTip()
        assert "<img" not in tip and "<a " not in tip
    for browser in page.findChildren(QTextBrowser):
        assert browser.document().allFormats() is not None
        assert "<h1>" in browser.toPlainText() or "<img" in browser.toPlainText()
    for table in page.findChildren(QAbstractItemView):
        model = table.model()
        for row in range(model.rowCount()):
            tip = str(model.index(row, 0).data(Qt.ItemDataRole.ToolTipRole) or "")
            assert "<img" not in tip
    assert page.widget().width() <= page.viewport().width(), wide(page.widget())
