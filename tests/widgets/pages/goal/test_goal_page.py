"""The page Goal by mouse and keys: cards, limit, other limits, recipe."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
)
from pytestqt.qtbot import QtBot
from read_page import button
from read_page import words as text_of

from tests.widgets.qt_actions import child, emitted, left_click, press, recorded, retype
from widgets.commands import SHOW_PAGE, Commands
from widgets.pages.goal.few import FewValue
from widgets.pages.goal.limit import LimitSlider
from widgets.pages.goal.page import GoalPage
from widgets.pages.goal.recipe_editor import PlanCard, RecipeCard, StepBox
from widgets.pages.goal.value import PresetValue
from widgets.parts.buttons import FoldButton
from widgets.parts.card import ChoiceCard
from widgets.parts.text import ElidedLabel
from workers.contracts.specs import Described, Recipe, RecipeStep


@pytest.fixture
def page(opened: Any, examples: ModuleType) -> GoalPage:
    return opened(GoalPage, examples.goal())


def test_card_is_chosen_by_click_anywhere(page: GoalPage) -> None:
    """Given six cards, when a card's text is clicked, then it is chosen, and the button reports its time."""
    card = next(c for c in page.findChildren(ChoiceCard) if c.choice_id == "smallest")
    assert emitted(page.preset_chosen, left_click, card, pos=QPoint(60, 80)) == ["smallest"]
    assert [c.choice_id for c in page.findChildren(ChoiceCard) if c.property("chosen")] == ["smallest"]
    assert any(b.text() == "Start (about 2 minutes)" for b in page.findChildren(QPushButton))


def test_cards_are_walked_by_arrow_keys(page: GoalPage, qtbot: QtBot) -> None:
    """Given focus on the first card, when the arrow is pressed, then the next is chosen."""
    first = next(c for c in page.findChildren(ChoiceCard) if c.choice_id == "balanced")
    first.radio.setFocus()
    assert emitted(page.preset_chosen, qtbot.keyClick, first.radio, Qt.Key.Key_Right) == ["fastest"]


def test_a_broken_preset_states_why(opened: Any, examples: ModuleType) -> None:
    """Given a preset of the person's own with an error, then its card shows file and line and cannot be chosen."""
    broken = PresetValue("mine", "Mine", "", "", 60, problem="mine.yaml, line 3: “recipez” is not known.")
    page = opened(GoalPage, examples.goal(presets=(*examples.goal().presets, broken)))
    card = next(c for c in page.findChildren(ChoiceCard) if c.choice_id == "mine")
    assert not card.isEnabled() and "mine.yaml, line 3" in text_of(page)


def test_limit_is_put_into_examples(page: GoalPage, qtbot: QtBot) -> None:
    """Given 2,000 test pictures, then 1 % means at most 20, and the keys move the limit by a tenth."""
    assert "at most 1 % less accurate" in text_of(page)
    assert "That is at most 20 changed answers in your 2,000 test pictures." in text_of(page)
    slider = child(page, LimitSlider)
    slider.setFocus()
    assert emitted(page.limit_changed, qtbot.keyClick, slider, Qt.Key.Key_Right) == [1.1]
    assert "at most 1.1 % less accurate" in text_of(page) and "at most 22 changed" in text_of(page)


def test_limit_follows_the_mouse(page: GoalPage) -> None:
    """Given the groove, when it is clicked at its end, then the limit is there at once."""
    slider = child(page, LimitSlider)
    assert emitted(
        page.limit_changed,
        left_click,
        slider,
        pos=QPoint(slider.width() - 2, slider.height() // 2),
    ) == [5.0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "at most 20 changed answers in your 2,000 test pictures"),
        ({"n_test": 144}, "at most 1 changed answer in your 144 test pictures"),
        ({"n_test": 0}, "the share of answers that change"),
        ({"n_test": 120}, "at most 1 changed answer in your 120"),
    ],
)
def test_limit_without_labels_or_data(opened: Any, examples: ModuleType, changes: dict[str, Any], words: str) -> None:
    """Given no labels, no data or few examples, then the limit is put into what is there."""
    page = opened(GoalPage, examples.goal(**changes))
    assert words in text_of(page)


def test_the_wheel_scrolls_the_page_and_changes_nothing(opened: Any, examples: ModuleType) -> None:
    """Given fields without focus, when the wheel turns over them, then they keep their values."""
    page = opened(GoalPage, examples.goal())
    fields = page.findChildren(LimitSlider)
    assert fields
    for field in fields:
        field.clearFocus()
        before = field.value()
        at = QPointF(5, 5)
        turn = QWheelEvent(
            at, QPointF(field.mapToGlobal(QPoint(5, 5))), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(field, turn)
        assert field.value() == before


def test_cannot_start_states_why(opened: Any, examples: ModuleType) -> None:
    """Given that something is missing, then the button is off and the reason is on the page."""
    page = opened(GoalPage, examples.goal(why_not="Another run of this project is not done yet."))
    assert "Another run" in text_of(page)
    assert not button(page, "Start").isEnabled()


def open_recipe(page: GoalPage, number: int) -> RecipeCard:
    card = page.findChildren(RecipeCard)[number]
    card.findChildren(FoldButton)[0].setChecked(True)
    return card


def test_recipe_parameters_come_from_the_schema(page: GoalPage, qtbot: QtBot) -> None:
    """Given Customize, when parameters are changed, then whole recipes are reported, within the schema's bounds."""
    press(page, "Customize…")
    report = recorded(page.recipes_changed)
    card = open_recipe(page, 1)
    assert "One scale for each channel" in text_of(card)
    examples_field = child(card, QSpinBox, "param-examples")
    assert (examples_field.minimum(), examples_field.maximum()) == (8, 1000)
    examples_field.setFocus()
    retype(examples_field, "64")
    assert report[-1][1][0].steps[0].params["examples"] == 64
    keep = child(card, QLineEdit, "param-keep")
    qtbot.keyClicks(keep, "first, last")
    qtbot.keyClick(keep, Qt.Key.Key_Return)
    assert report[-1][1][0].steps[0].params["keep"] == ["first", "last"]
    method = child(card, QComboBox, "param-method")
    method.setFocus()
    qtbot.keyClick(method, Qt.Key.Key_Down)
    assert report[-1][1][0].steps[0].params["method"] == "entropy"
    assert report[-1][0] == page._value.recipes[0]


def test_missing_technique_leads_to_its_set_without_a_command(page: GoalPage, qtbot: QtBot) -> None:
    """Given a technique whose set is missing and one with another reason, Then neither step shows a command, and a button
    of the first leads to the page Settings."""
    command = {"available": False, "hint": "installer/fettle --language", "installs": "language"}
    missing = Described(id="m", title="For NVIDIA cards", **command)
    other = Described(id="o", title="FP16", available=False, hint="Needs a GPU.")
    boxes = [StepBox(page.theme, RecipeStep(technique=one.id), one) for one in (missing, other)]
    for box in boxes:
        qtbot.addWidget(box)
        box.commands = Commands()
        box.show()
    texts = [text_of(box) for box in boxes]
    assert "installer" not in texts[0] and "Settings" in texts[0] and "Needs a GPU." in texts[1]
    shown: list[str] = []
    boxes[0].commands.offer(SHOW_PAGE, shown.append)
    press(boxes[0], "Settings")
    assert shown == ["settings"]
    assert not [button for button in boxes[1].findChildren(QAbstractButton) if button.text() == "Settings"]


def test_a_versions_name_is_seen_before_what_is_in_it(page: GoalPage) -> None:
    """Given a long name and long steps in a narrow window, then the name is whole, and the steps are cut."""
    press(page, "Customize…")
    name = "16-bit numbers (BF16), a program for each text length"
    step = page._value.recipes[1][0].steps[0]
    page._on_recipes_changed(((Recipe(title=name, steps=(step, step, step)), True),))
    press(page, "Back")
    page.resize(720, 600)
    press(page, "Customize…")
    QApplication.processEvents()
    card = next(c for c in page.findChildren(RecipeCard) if c.isVisible() and c.accessibleName() == name)
    title, steps = [label for label in card.findChildren(ElidedLabel) if label.isVisible()][:2]
    assert title.text() == name and title.toolTip() == ""
    assert steps.toolTip() and steps.width() > 40


def test_versions_are_switched_added_and_removed(page: GoalPage) -> None:
    """Given three versions, when they are switched, added and removed, then each change is reported; none leaves no
    start."""
    press(page, "Customize…")
    report = recorded(page.recipes_changed)
    switch = page.findChildren(RecipeCard)[2].findChildren(QCheckBox)[0]
    left_click(switch, QPoint(6, switch.height() // 2))
    assert [is_enabled for _recipe, is_enabled in report[-1]] == [True, True, True]
    press(page, "Add a version")
    added = report[-1][-1][0]
    assert (added.title, added.steps, added.runtime) == ("My version 4", (), "openvino")
    QApplication.processEvents()
    card = next(c for c in page.findChildren(RecipeCard) if c.accessibleName() == "My version 4")
    card._on_added("magnitude_prune")
    card._on_added("int8_static")
    QApplication.processEvents()
    assert [s.technique for s in report[-1][-1][0].steps] == ["magnitude_prune", "int8_static"]
    earlier = [b for b in card.findChildren(QPushButton) if b.text() == "Earlier" and b.isVisible()]
    left_click(earlier[-1])
    assert [s.technique for s in report[-1][-1][0].steps] == ["int8_static", "magnitude_prune"]
    for _ in range(4):
        first = next(c for c in page.findChildren(RecipeCard) if c.isVisible())
        first.findChildren(FoldButton)[0].setChecked(True)
        QApplication.processEvents()
        press(first, "Remove this version")
        QApplication.processEvents()
    assert report[-1] == ()
    assert not button(page, "Start").isEnabled()


def test_back_to_the_presets_own(page: GoalPage) -> None:
    """Given a changed recipe, when it is taken back, then the empty tuple shows that and the page shows the preset's
    own."""
    press(page, "Customize…")
    report = recorded(page.recipes_changed)
    page._on_recipes_changed(((Recipe(title="Changed"), True),))
    press(page, "Reset to the preset")
    assert report[-1] == ()
    QApplication.processEvents()
    first = next(c for c in page.findChildren(RecipeCard) if c.isVisible())
    assert first.accessibleName() == "Faster engine"
    press(page, "Back")
    assert page.state == "full"


def test_what_to_expect_is_reported_and_follows_the_choice(page: GoalPage, examples: ModuleType) -> None:
    """Given a forecast for the model, then it is above the cards, and changes with the preset, in place."""
    page.show_value(replace(examples.goal(), expected="about 1 min 20 s, 900 MB of memory"))
    assert "For your model on this computer: about 1 min 20 s, 900 MB of memory." in text_of(page)
    content = page.widget()
    page.show_value(replace(examples.goal(), chosen="fastest", expected="about 3 min, 1.2 GB of memory"))
    assert page.widget() is content
    assert "about 3 min, 1.2 GB of memory" in text_of(page)
    page.show_value(
        replace(examples.goal(), chosen="fastest", expected="about 3 min", short_of_memory="More than is free.")
    )
    assert page.widget() is content and "More than is free." in text_of(page)
    page.show_value(replace(examples.goal(), chosen="fastest", expected="about 3 min"))
    assert "More than is free." not in text_of(page)


def test_a_limit_that_cannot_be_proven_is_said_once(page: GoalPage) -> None:
    """Given too few examples for the limit, Then the line above shows it, and the slider does not count 0 of them."""
    assert "That is at most" in text_of(page)
    few = FewValue(kind="images", n_test=24, n_needed=321, limit_pct=1.0, offer_pct=None, labelled=False)
    page.show_few(few)
    assert "24 pictures for the test cannot prove" in text_of(page) and "That is at most" not in text_of(page)
    page.show_few(None)
    assert "That is at most" in text_of(page)


def test_tall_page_lists_what_is_tried(page: GoalPage, examples: ModuleType) -> None:
    """Given a window of usual height, Then only the goals are shown; in one of 3840 x 2160 what the chosen goal tries is
    listed, too, and follows the choice."""
    plan = child(page, PlanCard)
    assert not plan.isVisible()
    page.resize(3632, 2068)
    value = examples.goal()
    assert plan.isVisible()
    assert [recipe.title in said_in(plan) for recipe, _ in value.recipes] == [is_on for _, is_on in value.recipes]
    page.show_value(replace(value, chosen="smallest", recipes=((Recipe(title="Only this one"), True),)))
    QApplication.processEvents()
    assert "Only this one" in said_in(plan) and value.recipes[0][0].title not in said_in(plan)
    page.show_value(value)
    used = [step.technique for recipe, is_on in value.recipes if is_on for step in recipe.steps]
    summaries = [row.summary for row in value.techniques if row.id in used]
    assert summaries and all(any(summary in text for text in said_in(plan)) for summary in summaries)
    page.resize(2352, 1300)
    assert plan.isVisible() and not any(summary in text for summary in summaries for text in said_in(plan))
    page.resize(1072, 714)
    assert not plan.isVisible()


def said_in(card: PlanCard) -> list[str]:
    """All texts that are seen in a card."""
    return [label.text() for label in card.findChildren(QLabel) if label.isVisibleTo(card)]
