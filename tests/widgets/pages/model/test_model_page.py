"""The page Model by mouse and keys, in each of its states."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QLabel, QLineEdit, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot
from read_page import button
from read_page import words as text_of

from tests.widgets.qt_actions import button_texts, child, emitted, left_click, press, recorded, retype
from widgets.pages.model.page import ModelPage
from widgets.pages.model.preprocess_form import read_numbers, read_side, side_text
from widgets.pages.model.questions import ShapeDialog, read_shape
from widgets.pages.model.value import PreprocessValue
from widgets.parts.pictures import PictureLabel
from workers.contracts.pipeline import ImageSteps


def test_first_run_by_keyboard_alone(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given the first run, when Tab and Space are used, then the sample starts without a mouse."""
    page = opened(ModelPage, examples.sample(), call="show_empty")
    page.activateWindow()
    page.setFocus()
    page.focusNextChild()
    focus = page.focusWidget()
    assert isinstance(focus, QPushButton) and "sample" in focus.text()
    emitted(page.sample_requested, qtbot.keyClick, focus, Qt.Key.Key_Space)


def test_pictures_of_the_sample_are_smaller_in_the_smallest_window(opened: Any, examples: ModuleType) -> None:
    """Given 816 px, then the thumbnails have 56 px, with 1,072 px they have 80."""
    page = opened(ModelPage, examples.sample(), call="show_empty", size=(816, 614))
    assert {p.width() for p in page.findChildren(PictureLabel)} == {56}
    page.resize(1072, 714)
    assert {p.width() for p in page.findChildren(PictureLabel)} == {80}


def test_without_the_sample_choosing_a_file_is_primary(opened: Any) -> None:
    """Given no sample, then there is still one primary way on."""
    page = opened(ModelPage, None, call="show_empty")
    assert button_texts(page, "primary") == ["Choose a file…"]


@pytest.mark.parametrize(("button", "ending"), [("Choose a file…", "file"), ("Choose a folder…", "folder")])
def test_files_and_folders_are_chosen(opened: Any, monkeypatch: pytest.MonkeyPatch, button: str, ending: str) -> None:
    """Given the system's dialogs, when one answers, then its path is reported; when it is left, nothing is."""
    page = opened(ModelPage, None, call="show_empty")
    report = recorded(page.file_chosen)
    answers = iter(["", f"/models/ünï 模型 a#b%20.{ending}"])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_a: (next(answers), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a: next(answers))
    press(page, button)
    assert report == []
    press(page, button)
    assert report == [f"/models/ünï 模型 a#b%20.{ending}"]


def test_opened_model_states_what_was_found(opened: Any, examples: ModuleType) -> None:
    """Given an opened model, then facts are rounded, a warning comes first, and the way on works."""
    page = opened(ModelPage, examples.model())
    text = text_of(page)
    for words in ("a picture, 224 × 224 dots, in color", "14.2 MB, 3.5 million numbers", "none is stated in the file"):
        assert words in text
    assert text.index("The file states no license") < text.index("Holds numbers only, no program")
    assert "and 988 more" in text
    press(page, "Continue to data", page.continue_requested)
    press(page, "Choose another model…", page.another_requested)


def test_preprocessing_is_changed_by_hand(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given guessed steps, when fields are changed, then they are marked, checked in words, and handed over whole."""
    page = opened(ModelPage, examples.model())
    assert text_of(page).count("guessed") == 2
    resize = child(page, QLineEdit, "field-resize")
    assert resize.text() == "256"
    retype(resize, "24x")
    use = button(page, "Use these")
    assert use.isVisible() and not use.isEnabled()
    assert "A size is one whole number" in text_of(page)
    qtbot.keyClicks(resize, "32")
    assert use.isEnabled() and "A size is one whole number" not in text_of(page)
    box = child(page, QComboBox, "field-channels")
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    value = emitted(page.preprocessing_changed, press, page, "Use these")[0]
    assert isinstance(value, ImageSteps)
    assert (value.resize, value.crop, value.channels, value.mean) == ((24, 32), 224, "bgr", (0.485, 0.456, 0.406))
    press(page, "Undo")
    assert resize.text() == "256" and box.currentData() == "rgb" and not use.isVisible()


def choose(box: QComboBox, data: str, qtbot: QtBot) -> None:
    """By keys, as a person would."""
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Home)
    for _ in range(box.findData(data)):
        qtbot.keyClick(box, Qt.Key.Key_Down)
    assert box.currentData() == data


def test_brightness_from_minus_one_to_one(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a model of 0 to 1, When −1 to 1 is chosen, Then mean and spread begin anew and what is handed over shows
    the same as 0 to 1 with one half each; such steps are shown as −1 to 1 again."""
    page = opened(ModelPage, examples.model())
    box, mean = child(page, QComboBox, "field-range"), child(page, QLineEdit, "field-mean")
    choose(box, "-1..1", qtbot)
    assert mean.text() == "0" and box.currentText() == "−1 to 1"
    value = emitted(page.preprocessing_changed, press, page, "Use these")[0]
    assert (value.range, value.mean, value.std) == ("0..1", (0.5,), (0.5,))
    page.show_value(examples.model(preprocess=PreprocessValue(image=value)))
    assert [one.currentData() for one in page.findChildren(QComboBox) if one.isVisible()][1] == "-1..1"
    assert "Use these" not in button_texts(page)


def test_a_mean_of_another_range_cannot_be_used(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given 0 to 255, When a mean of .485 is typed, Then it states that they do not go together and is not taken,
    also not by Continue."""
    page = opened(ModelPage, examples.model())
    box, mean = child(page, QComboBox, "field-range"), child(page, QLineEdit, "field-mean")
    choose(box, "0..255", qtbot)
    retype(mean, "0.485")
    use = button(page, "Use these")
    assert not use.isEnabled() and "do not fit this brightness" in text_of(page)
    onward = button(page, "Continue to data")
    with qtbot.assertNotEmitted(page.continue_requested), qtbot.assertNotEmitted(page.preprocessing_changed):
        left_click(onward)
    retype(mean, "123.7")
    assert use.isEnabled()


def test_continue_takes_what_was_changed(opened: Any, examples: ModuleType) -> None:
    """Given a changed field that was not used yet, When the person goes on, Then it is used first."""
    page = opened(ModelPage, examples.model())
    resize = child(page, QLineEdit, "field-resize")
    retype(resize, "300")
    order: list[object] = []
    page.preprocessing_changed.connect(lambda value: order.append(value.resize))
    page.continue_requested.connect(lambda: order.append("on"))
    press(page, "Continue to data")
    assert order == [300, "on"]


def test_guesses_are_accepted_as_they_are(opened: Any, examples: ModuleType) -> None:
    """Given guessed steps, When "These are right" is pressed, Then they are handed over unchanged; nothing that was
    not guessed requests it."""
    page = opened(ModelPage, examples.model())
    assert press(page, "These are right", page.preprocessing_changed) == [examples.model().preprocess.image]
    page.show_value(examples.model(preprocess=PreprocessValue(image=examples.model().preprocess.image)))
    assert not any(b.text() == "These are right" and b.isVisible() for b in page.findChildren(QPushButton))


def test_other_inputs_show_their_preparation_in_words(opened: Any, examples: ModuleType) -> None:
    """Given a text model, then the steps are rows, the guessed one marked."""
    rows = (("Cut into words by", "tokenizer.json"), ("At most", "512 words"))
    page = opened(ModelPage, examples.model(preprocess=PreprocessValue(rows=rows, guessed=frozenset({"At most"}))))
    assert "512 words (guessed)" in text_of(page)


def test_loading_is_updated_in_place_and_cancelled(opened: Any) -> None:
    """Given a long opening, then text and bar follow, and Cancel is there."""
    page = opened(ModelPage, "Reading the numbers", 1, 4, call="show_loading")
    before = page.widget()
    page.show_loading("Converting", 3, 4, "about 10 seconds left")
    assert page.widget() is before
    assert "Converting" in text_of(page) and "3 of 4, about 10 seconds left" in text_of(page)
    press(page, "Cancel", page.cancel_requested)


def test_refused_file_answers_three_questions(
    opened: Any, examples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a refusal, then what happened, what is safe, what to do are there; details fold; the note is copied."""
    page = opened(ModelPage, examples.refused(), call="show_error")
    for words in (
        "This file was not opened",
        "old-classifier.pt, 98 MB",
        "Is my work safe?",
        "Or drop another model here",
    ):
        assert words in text_of(page)
    details = child(page, QPlainTextEdit)
    assert not details.isVisible()
    press(page, "Details for specialists")
    assert details.isVisible() and details.isReadOnly() and "posix system" in details.toPlainText()
    press(page, "Copy a note to its maker")
    assert "posix.system" in QGuiApplication.clipboard().text()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_a: ("/x.onnx", ""))
    report = recorded(page.file_chosen)
    press(page, "Choose another file…")
    assert report == ["/x.onnx"]


@pytest.mark.parametrize(
    ("name", "consent"), [("Open it, I trust its maker", True), ("Do not open it", False), ("", False)]
)
def test_consent_is_requested_and_not_taken_for_granted(opened: Any, name: str, consent: bool, qtbot: QtBot) -> None:
    """Given TorchScript, when the person agrees, refuses or presses Escape, then just that is reported, once."""
    page = opened(ModelPage, None, call="show_empty")
    given = recorded(page.consent_given)
    dialog = page.ask_consent("/m/scripted.pt", "scripted.pt")
    assert "strong but not perfect" in text_of(dialog)
    QApplication.processEvents()
    for words in dialog.findChildren(QLabel):
        assert not words.wordWrap() or words.height() >= words.heightForWidth(words.width()) - 2, words.text()
    default = [b for b in dialog.findChildren(QPushButton) if b.isDefault()]
    assert [b.text() for b in default] == ["Do not open it"]
    if name:
        press(dialog, name)
    else:
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert given == (["/m/scripted.pt"] if consent else [])


def test_shapes_are_asked_until_they_can_be_read(opened: Any, qtbot: QtBot) -> None:
    """Given a model of unknown size, when nonsense is typed, then it is shown; a size closes the question."""
    page = opened(ModelPage, None, call="show_empty")
    dialog = page.ask_shapes("/m/a.pt", [("input", (None, 3, None, None))])
    assert isinstance(dialog, ShapeDialog)
    field = child(dialog, QLineEdit)
    assert field.text() == "?x3x?x?"
    press(dialog, "Open with this size")
    assert "Write whole numbers" in text_of(dialog)
    retype(field, "1x3x96x96")
    assert emitted(page.shapes_given, qtbot.keyClick, field, Qt.Key.Key_Return) == [
        "/m/a.pt",
        {"input": (1, 3, 96, 96)},
    ]


def test_two_architectures_that_fit_are_asked_about(opened: Any) -> None:
    """Given two that fit, when one is chosen, then it is reported."""
    page = opened(ModelPage, None, call="show_empty")
    dialog = page.ask_architecture("/m/a.pth", ("resnet18", "resnet18d"))
    assert press(dialog, "resnet18d", page.architecture_chosen) == ["/m/a.pth", "resnet18d"]


@pytest.mark.whole
def test_a_click_may_replace_the_page_it_came_from(opened: Any, examples: ModuleType) -> None:
    """Given a controller that answers a click at once with another state, then the sender survives its own signal."""
    page = opened(ModelPage, examples.model())
    page.another_requested.connect(lambda: page.show_empty(None))
    for _ in range(20):
        press(page, "Choose another model…")
        assert page.state == "empty"
        page.show_value(examples.model())
    assert page.findChild(QLabel) is not None


@pytest.mark.parametrize(
    ("text", "value"),
    [("", None), ("224", 224), ("224 × 192", (224, 192)), ("32x64", (32, 64)), ("48 × *", (48, None))],
)
def test_sizes_are_read_as_people_write_them(text: str, value: object) -> None:
    """Given a size in words, then it is read, and written back it reads the same."""
    assert read_side(text) == value
    assert read_side(side_text(read_side(text))) == value


@pytest.mark.parametrize("text", ["x", "24x", "*", "*x8", "0", "-3", "1x2x3", "9999999", "a", "1.5"])
def test_bad_sizes_are_refused(text: str) -> None:
    """Given nonsense, then it is no size."""
    with pytest.raises(ValueError):
        read_side(text)


def test_numbers_and_shapes_are_bounded() -> None:
    """Given lists of numbers and shapes, then only sensible ones are read."""
    assert read_numbers("0.5 / 0.4/0.3", above_zero=True) == (0.5, 0.4, 0.3)
    assert read_shape("1, 3, 224, 224") == (1, 3, 224, 224)
    for text in ("0", "1/2", "nan", "1e9", ""):
        with pytest.raises(ValueError):
            read_numbers(text, above_zero=True)
    for text in ("", "1x0", "1x9999999", "?x3"):
        with pytest.raises(ValueError):
            read_shape(text)


def test_every_field_guessed_fits_the_smallest_window(opened: Any, examples: ModuleType) -> None:
    """Given a model that shows nothing of its inputs, When the window is narrow, Then the page still only scrolls
    down."""
    known = examples.preprocess()
    names = frozenset({"resize", "crop", "channels", "range", "mean", "std", "layout"})
    page = opened(ModelPage, examples.model(preprocess=replace(known, guessed=names)), size=(816, 560))
    assert page.widget().width() <= page.viewport().width()
