"""Runs that ended without a verdict on the page Compare: what decides them is the primary button."""

from dataclasses import replace
from types import ModuleType
from typing import Any

from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from widgets.pages.compare.page import ComparePage
from widgets.pages.compare.table import rows
from widgets.pages.compare.value import GoOnValue, UndecidedValue
from widgets.theme import Theme


def table_text(page: ComparePage) -> str:
    """Return the text of every cell of the table, row by row."""
    assert page._value is not None
    return " ".join(cell.text for row in rows(page._value) for cell in row.cells)


def test_a_busy_computer_offers_to_measure_again(
    theme: Theme, examples: ModuleType, shown: Any, press: Any, said: Any, qtbot: QtBot
) -> None:
    """Given that other programs alone left open what is faster, then it can be measured again, and examples to tune with,
    which would not help, are not offered."""
    value = examples.nothing_faster()
    page = ComparePage(theme)
    page.show(replace(value, ways=replace(value.ways, limit_pct=None, is_busy=True)))
    shown(page)
    assert "Give it more to tune with" not in said(page)
    with qtbot.waitSignal(page.again_requested, timeout=1000):
        press(page, "Measure again now")


def test_a_computer_that_stays_busy_is_waited_for(
    theme: Theme, examples: ModuleType, shown: Any, press: Any, said: Any, qtbot: QtBot
) -> None:
    """Given other programs that disturbed two runs, Then they are named, the primary button measures again, and a second
    one waits until the computer is idle, which can be stopped."""
    value = examples.nothing_faster()
    ways = replace(value.ways, limit_pct=None, is_busy=True, disturbed_by=("browser", "backup"), can_wait=True)
    versions = (replace(value.versions[0], verdict="original"), *value.versions[1:])
    page = ComparePage(theme)
    page.show(replace(value, versions=versions, ways=ways, undecided=UndecidedValue("again")))
    shown(page)
    assert "browser, backup" in said(page) and "Keep this one" not in str(table_text(page))
    assert primary_buttons(page) == ["Measure again"]
    with qtbot.waitSignal(page.again_requested, timeout=1000):
        press(page, "Measure again")
    for button, waits in (("Wait until it is idle", True), ("Waiting… Stop", False)):
        with qtbot.waitSignal(page.idle_requested, timeout=1000) as told:
            press(page, button)
        assert told.args == [waits]


def test_what_was_not_tested_is_proven_by_the_primary_button(
    theme: Theme, examples: ModuleType, shown: Any, press: Any, qtbot: QtBot
) -> None:
    """Given a faster version that was not tested, Then the one primary button proves it, and says how long that takes."""
    page = ComparePage(theme)
    page.show(replace(examples.nothing_faster(), undecided=UndecidedValue("prove", "b", "about 10 s")))
    shown(page)
    assert primary_buttons(page) == ["Prove it (about 10 s)"]
    with qtbot.waitSignal(page.alone_requested, timeout=1000) as told:
        press(page, "Prove it (about 10 s)")
    assert told.args == ["b"]


def primary_buttons(page: ComparePage) -> list[str]:
    """Texts of the primary buttons that are shown."""
    buttons = page.findChildren(QPushButton)
    return [b.text() for b in buttons if b.property("kind") == "primary" and b.isVisibleTo(page)]


def test_more_time_is_the_way_on_where_nothing_is_settled(
    theme: Theme, examples: ModuleType, shown: Any, press: Any, said: Any, qtbot: QtBot
) -> None:
    """Given a run that its time ended, then the primary button goes on with it; beside a winner it is a second one, with
    the reason."""
    page = ComparePage(theme)
    page.show(replace(examples.nothing_faster(), go_on=GoOnValue(6, is_way_on=True)))
    shown(page)
    primary = [b.text() for b in page.findChildren(QPushButton) if b.property("kind") == "primary"]
    assert primary == ["Go on for up to 6 minutes"]
    with qtbot.waitSignal(page.go_on_requested, timeout=1000) as told:
        press(page, "Go on for up to 6 minutes")
    assert told.args == [6]
    page.show(replace(examples.compare(), go_on=GoOnValue(5, "“B” looked better still.")))
    primary = [
        b.text() for b in page.findChildren(QPushButton) if b.property("kind") == "primary" and b.isVisibleTo(page)
    ]
    assert primary == ["Export…"] and "“B” looked better still." in said(page)
