"""The page Export: before, while and after a bundle is written."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot
from read_page import words as text_of

from tests.widgets.qt_actions import button_texts, child, emitted, left_click, press, recorded
from widgets.pages.export.page import ExportPage
from widgets.pages.export.value import ProveValue
from widgets.parts.card import ChoiceCard
from widgets.parts.format import size_bytes
from widgets.parts.installing.value import SetValue
from widgets.parts.markdown import MarkdownView
from widgets.parts.small import Bar
from workers.contracts.specs import DescribedTarget, Question


def target(
    target_id: str, title: str, summary: str, missing: SetValue | None = None, **more: str
) -> tuple[DescribedTarget, SetValue | None]:
    made = DescribedTarget.model_validate(
        {"id": target_id, "title": title, "available": missing is None, "summary": summary, "icon": "folder", **more}
    )
    return made, missing


def button(page: ExportPage, text: str) -> QPushButton:
    return next(b for b in page.findChildren(QPushButton) if b.text() == text)


def test_one_click_exports(opened: Any, examples: ModuleType) -> None:
    """Given the sample's answers, when the one primary button is clicked, then everything is reported at once."""
    page = opened(ExportPage, examples.export())
    assert "the last 3 run when you export, about 20 seconds" in text_of(page)
    assert press(page, "Export bundle", page.export_requested) == [examples.export()]


def test_answers_are_reported_once_after_typing(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given the questions, when somebody types, then the answers are reported once, and the card follows in place."""
    page = opened(ExportPage, examples.export())
    report = recorded(page.answers_changed)
    field = next(f for f in page.findChildren(QLineEdit) if f.accessibleName() == "Who can people contact?")
    field.setFocus()
    qtbot.keyClicks(field, "mira@example.org")
    qtbot.waitUntil(lambda: bool(report), timeout=2000)
    assert [answers[2] for answers in report] == ["mira@example.org"]
    before = page.widget()
    page.show_value(replace(examples.export(), card="# New\n\nmira", contact="mira@example.org"))
    assert page.widget() is before and field.text() == "mira@example.org" and field.hasFocus()
    view = child(page, MarkdownView)
    assert view.toPlainText() == "New\nmira"


def test_a_regressed_version_needs_words(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a version beyond the limit, then the button waits until the user has given a reason."""
    page = opened(ExportPage, examples.override())
    export = button(page, "Export anyway")
    assert not export.isEnabled() and "Fettle does not recommend it" in text_of(page)
    reason = child(page, QLineEdit, "reason")
    qtbot.keyClicks(reason, "only for")
    assert not export.isEnabled()
    qtbot.keyClicks(reason, " a demo")
    assert export.isEnabled()
    assert emitted(page.export_requested, press, page, "Export anyway")[0].reason == "only for a demo"


@pytest.mark.parametrize(("width", "columns"), [(1440, 3), (1280, 2), (1024, 2)])
def test_words_of_cards_are_not_broken(
    opened: Any, examples: ModuleType, qtbot: QtBot, width: int, columns: int
) -> None:
    """Given six targets, when the window is narrow, then two stand in a row, so that each longest word has room."""
    targets = tuple(target(str(n), "Triton repository", "For an inference server") for n in range(6))
    page = opened(ExportPage, examples.export(targets=targets))
    page.resize(width - 208, 800)
    cards = page.findChildren(ChoiceCard)
    qtbot.waitUntil(lambda: len({card.x() for card in cards}) == columns, timeout=2000)
    for card in cards:
        for label in card.findChildren(QLabel):
            longest = max((label.fontMetrics().horizontalAdvance(word) for word in label.text().split()), default=0)
            assert label.width() >= longest, label.text()


def test_place_is_changed(opened: Any, examples: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the system's dialog, when it answers, then the path is reported."""
    page = opened(ExportPage, examples.export())
    report = recorded(page.path_chosen)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a: ("/usb/b.zip", ""))
    press(page, "Change the location")
    assert report == ["/usb/b.zip"]


def test_another_place_leaves_the_page_where_it_is_scrolled(opened: Any, examples: ModuleType) -> None:
    """Given a page that is scrolled down to "Change…", When another place was chosen, Then the new path is shown and the
    page stays scrolled; typed answers and the focus stay, too."""
    value = examples.export()
    page = opened(ExportPage, value, size=(1024, 400))
    bar = page.verticalScrollBar()
    assert bar.maximum() > 100
    bar.setValue(100)
    field = next(f for f in page.findChildren(QLineEdit) if f.accessibleName() == "Who can people contact?")
    field.setText("mira@example.org")
    page.show_value(replace(value, path="/usb/b.zip"))
    assert "/usb/b.zip" in text_of(page) and bar.value() == 100
    requested = page.form()
    assert requested is not None and (requested.path, requested.contact) == ("/usb/b.zip", "mira@example.org")


def test_only_targets_that_are_passed_in_are_shown(opened: Any, examples: ModuleType) -> None:
    """Given a target that needs a set, when it is clicked nothing is chosen; its button requests that set."""
    targets = (
        target("python", "Python folder", "One command"),
        target("a", "Web page", "In any browser", icon="image"),
        target("b", "Container", "With a Dockerfile", SetValue("web", 33_000_000)),
    )
    page = opened(ExportPage, examples.export(targets=targets))
    cards = page.findChildren(ChoiceCard)
    assert [c.choice_id for c in cards] == ["python", "a", "b"] and not cards[2].radio.isEnabled()
    left_click(cards[2])
    assert not cards[2].radio.isChecked()
    assert f"Install ({size_bytes(33_000_000)})" in button_texts(page)
    assert press(page, "Install what “Container” needs", page.install_requested) == ["web"]
    assert emitted(page.target_chosen, left_click, cards[1]) == ["a"]


def test_while_writing_the_form_waits_and_can_be_stopped(opened: Any, examples: ModuleType) -> None:
    """Given a running export, then checks move on in place, fields are closed, and the button is Cancel."""
    page = opened(ExportPage, examples.export())
    content = page.widget()
    page.show_running("Unpacking it in a clean place", 3, 6, examples.checks(4), "about 10 seconds left")
    QApplication.processEvents()
    assert page.widget() is content
    assert "Writing the bundle" in text_of(page) and "Unpacking it in a clean place, about 10 seconds left" in text_of(
        page
    )
    assert not any(f.isEnabled() for f in page.findChildren(QLineEdit))
    assert page.findChildren(Bar)[0].value() == 500 and not button(page, "Export bundle").isVisible()
    press(page, "Cancel", page.cancel_requested)
    page.show_value(examples.export())
    QApplication.processEvents()
    assert all(f.isEnabled() for f in page.findChildren(QLineEdit) if f.isVisible())
    assert button(page, "Export bundle").isVisible()
    page.show_empty()
    page.show_running("Writing", 1, 6, ())
    assert page.state == "loading"


def test_done_states_where_and_how_to_run(opened: Any, examples: ModuleType) -> None:
    """Given a written bundle, then its place and checks are shown, its commands behind a fold, and each button works."""
    page = opened(ExportPage, *examples.done(), call="show_done")
    text = text_of(page)
    for words in ("Done: your bundle runs on its own", "clothes-classifier-1.zip", "3.1 MB, Python folder", "Verified",
                  "20 of 20"):  # fmt: skip
        assert words in text
    assert "python run.py" not in text
    press(page, "For developers")
    assert "python run.py boot-window-3.jpg" in text_of(page) and "Ankle boot 97.1 %" in text_of(page)
    press(page, "Copy the command")
    assert QGuiApplication.clipboard().text() == "pip install -r requirements.txt\npython run.py boot-window-3.jpg"


def test_error_keeps_other_actions_available(
    opened: Any, examples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a full disk, then another place or another try are offered."""
    page = opened(ExportPage, examples.refused(), call="show_error")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a: ("/usb/b.zip", ""))
    press(page, "Choose another place…", page.path_chosen)
    press(page, "Back to export", page.again_requested)


def test_a_target_requests_its_own_answers(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a target with a question that needs an answer, then the button waits for it, and it goes along; another
    target is reported after what was typed."""
    targets = (target("python", "Python folder", ""), target("kit", "Kit", "", suffix=".kit"))
    questions = (Question(id="shop", title="Which shop?", needed=True), Question(id="town", title="Where?"))
    page = opened(ExportPage, examples.export(targets=targets, target="kit", questions=questions))
    export = button(page, "Export bundle")
    assert not export.isEnabled() and export.toolTip() == "Answer the questions first."
    fields = {field.accessibleName(): field for field in page.findChildren(QLineEdit)}
    qtbot.keyClicks(fields["Which shop?"], "Mira")
    assert export.isEnabled()
    (form,) = press(page, "Export bundle", page.export_requested)
    assert form.answers == {"shop": "Mira", "town": ""} and form.target == "kit"
    report: list[object] = []
    page.answers_changed.connect(lambda *answers: report.append(answers[2]))
    page.target_chosen.connect(report.append)
    qtbot.keyClicks(fields["Who can people contact?"], "me")
    left_click(page.findChildren(ChoiceCard)[0])
    assert report == ["me", "python"]


def test_the_dialog_requests_the_suffix_of_the_target(
    opened: Any, examples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a target with its own suffix, then the system's dialog offers files of it."""
    page = opened(ExportPage, examples.export(targets=(target("kit", "Kit", "", suffix=".kit"),), target="kit"))
    requested: list[str] = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *given: (requested.append(given[-1]), ("", ""))[1])
    press(page, "Change the location")
    assert requested == ["Bundles (*.kit)"]


def test_the_version_that_a_target_could_take_is_offered(opened: Any, examples: ModuleType) -> None:
    """Given a faster version that fits the chosen target and was not tested, Then a button proves it and states how
    long that takes; while it does, it cannot be pressed again."""
    page = opened(ExportPage, examples.export(prove=ProveValue("INT8, ONNX Runtime", "about 10 s")))
    assert "“INT8, ONNX Runtime” is faster and fits this target" in text_of(page)
    press(page, "Prove it (about 10 s)", page.prove_requested)
    page.show_value(examples.export(prove=ProveValue("INT8, ONNX Runtime", "about 10 s", is_measured=False)))
    assert "“INT8, ONNX Runtime” fits this target and looked faster at first; that is not proven" in text_of(page)
    assert button(page, "Prove it (about 10 s)").isEnabled()
    page.show_value(examples.export(prove=ProveValue("INT8, ONNX Runtime", "about 10 s", is_running=True)))
    assert not button(page, "Testing the examples…").isEnabled()
