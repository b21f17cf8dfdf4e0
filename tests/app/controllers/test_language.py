"""The language changes while the program runs, and nothing that a person has made is lost."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QComboBox, QLineEdit
from records import Drive, endless, open_page, shown_page

from app.controllers.app_controller import AppController
from widgets.language import apply_language, without_font
from widgets.main_window import MainWindow
from widgets.parts.fields import DecimalField
from widgets.parts.format import day
from widgets.parts.glossary import glossary
from workers.contracts import translation
from workers.contracts.translation import PSEUDO, VARIABLE, _, in_chosen_language, in_english, local_number, localized


@pytest.fixture(autouse=True)
def english(qapp: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin and end in English, whatever the computer's language is."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(translation, "offered", lambda: translation.LANGUAGES)
    yield
    monkeypatch.delenv(VARIABLE, raising=False)
    apply_language("en")


def test_language_changes_while_a_run_goes_on(
    app_controller: AppController,
    window: MainWindow,
    finished_data: Path,
    drive: Drive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given an open project with a running job and a typed search, when another language is chosen on Settings, then
    bars and pages are in it, and page, project, job and text are as before."""
    for page_id in ("data", "goal", "optimize", "compare", "export", "jobs", "monitor", "hub"):
        open_page(app_controller, page_id)
    field = shown_page(window, "guide").findChild(QLineEdit)
    field.setText("latency")
    running = app_controller.flows.start(
        endless(), title="Goes on", on_done=lambda _done: None, on_failed=lambda _error: None, is_run=True
    )
    page = shown_page(window, "settings")
    chosen = page.findChild(QComboBox, "language")
    monkeypatch.setenv(VARIABLE, PSEUDO)
    chosen.activated.emit(chosen.currentIndex())
    drive(lambda: window.rail.entries["data"].text().startswith("⟦"))
    assert window.current_page == "settings" and window.page("settings") is not page
    assert window.top.project.text() == "Clothes classifier" and app_controller.session.run is not None
    assert running in app_controller.flows.active
    assert window.page("guide").findChild(QLineEdit).text() == "latency"
    assert window.page("compare").accessibleName().startswith("⟦")
    app_controller.flows.cancel(running)
    drive(lambda: not app_controller.flows.active)
    assert window.top.jobs.isHidden()


def test_stored_texts_are_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given another language, then texts that are stored are in English, and those shown meanwhile are not."""
    monkeypatch.setenv(VARIABLE, PSEUDO)
    translation.set_language()
    with in_english():
        assert _("Model") == "Model"
        with in_chosen_language():
            assert _("Model").startswith("⟦")
    assert _("Model").startswith("⟦")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["de_AT.UTF-8"], "de"),
        (["xx_YY", "fr"], "fr"),
        (["zh-Hans-CN"], "zh_CN"),
        (["zh_TW", "ja_JP"], "ja"),
        (["C", "de"], "en"),
        (["tlh"], "en"),
    ],
)
def test_language_follows_the_system(names: list[str], found: str) -> None:
    """Given names of locales, then the first known language is taken, else English."""
    assert translation.set_language("", names) == found


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ja", "zh_CN"])
def test_numbers_have_the_separators_of_the_language(language: str) -> None:
    """Given a language, then numbers are written as the Unicode locale data say."""
    translation.set_language(language)
    for value, digits in ((1234.5, 1), (12345.5, 1), (1234567.0, 0), (0.25, 2)):
        assert localized(value, f",.{digits}f") == QLocale(language).toString(value, "f", digits)
    assert _("{0:,.1f} s").format(12345.5) == f"{local_number('12,345.5')} s"


def test_fields_and_axes_follow_the_language(window: MainWindow) -> None:
    """Given a window that exists already, when German is chosen, then its fields write decimals with a comma, an axis has
    short months, and umlauts are sorted as their letters."""
    apply_language("de")
    field = DecimalField()
    field.setParent(window)
    field.setValue(0.25)
    assert field.text() == "0,25"
    assert day(datetime(2026, 12, 6), year=False) == "6. Dez."
    assert day(datetime(2026, 12, 6)) == "6. Dezember 2026"
    assert next(term for term, _meaning in glossary()) == "Ähnlichkeit"


def test_language_without_a_font_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a computer without a font for Japanese, when it is chosen, then the window stays readable."""
    monkeypatch.setattr("widgets.language.QFontDatabase.families", lambda *_script: [])
    assert without_font() == {"ja", "zh_CN"}
    assert apply_language("ja") != "ja"
