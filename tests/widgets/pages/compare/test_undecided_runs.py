"""Runs that ended without a verdict on the page Compare: what decides them is the primary button."""

from dataclasses import replace
from types import ModuleType
from typing import Any

from read_page import words as text_of

from tests.widgets.qt_actions import button_texts, press
from widgets.pages.compare.page import ComparePage
from widgets.pages.compare.table import rows
from widgets.pages.compare.value import GoOnValue, UndecidedValue


def table_text(page: ComparePage) -> str:
    """Return the text of every cell of the table, row by row."""
    assert page._value is not None
    return " ".join(cell.text for row in rows(page._value) for cell in row.cells)


def test_a_busy_computer_offers_to_measure_again(opened: Any, examples: ModuleType) -> None:
    """Given that other programs alone left open what is faster, then it can be measured again, and examples to tune with,
    which would not help, are not offered."""
    value = examples.nothing_faster()
    page = opened(ComparePage, replace(value, options=replace(value.options, limit_pct=None, is_busy=True)))
    assert "Add examples for tuning" not in text_of(page)
    press(page, "Measure again now", page.again_requested)


def test_a_computer_that_stays_busy_is_waited_for(opened: Any, examples: ModuleType) -> None:
    """Given other programs that disturbed two runs, Then they are named, the primary button measures again, and a second
    one waits until the computer is idle, which can be stopped."""
    value = examples.nothing_faster()
    options = replace(value.options, limit_pct=None, is_busy=True, disturbed_by=("browser", "backup"), can_wait=True)
    versions = (replace(value.versions[0], verdict="original"), *value.versions[1:])
    page = opened(ComparePage, replace(value, versions=versions, options=options, undecided=UndecidedValue("again")))
    assert "browser, backup" in text_of(page) and "Keep this one" not in str(table_text(page))
    assert button_texts(page, "primary") == ["Measure again"]
    press(page, "Measure again", page.again_requested)
    for button, waits in (("Wait until it is idle", True), ("Waiting… Stop", False)):
        assert press(page, button, page.idle_requested) == [waits]


def test_more_time_is_the_main_action_where_nothing_is_settled(opened: Any, examples: ModuleType) -> None:
    """Given a run that its time ended, then the primary button goes on with it; next to a winner it is a second one,
    with the reason."""
    page = opened(ComparePage, replace(examples.nothing_faster(), go_on=GoOnValue(6, is_way_on=True)))
    assert button_texts(page, "primary") == ["Continue for up to 6 minutes"]
    assert press(page, "Continue for up to 6 minutes", page.go_on_requested) == [6]
    page.show_value(replace(examples.compare(), go_on=GoOnValue(5, "“B” looked better still.")))
    assert button_texts(page, "primary") == ["Export…"] and "“B” looked better still." in text_of(page)
