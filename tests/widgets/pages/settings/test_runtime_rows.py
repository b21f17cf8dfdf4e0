"""The runtimes on the page Settings."""

from dataclasses import replace
from types import ModuleType
from typing import Any

from PySide6.QtWidgets import QApplication
from read_page import words as text_of

from widgets.pages.settings.page import SettingsPage
from workers.contracts.specs import Described


def test_reason_of_a_missing_runtime_is_a_sentence(opened: Any, examples: ModuleType) -> None:
    """Given a reason as a worker words it, Then the page shows it as a sentence; one that is a sentence stays as it is."""
    reasons = ("needs an NVIDIA GPU and its driver; none was found here", "No NVIDIA GPU found.")
    runtimes = tuple((Described(id=reason, title="Engine", available=False, hint=reason), None) for reason in reasons)
    page = opened(SettingsPage, replace(examples.settings(), runtimes=runtimes))
    assert "Needs an NVIDIA GPU and its driver; none was found here.\n" in text_of(page) + "\n"
    assert "No NVIDIA GPU found." in text_of(page) and "found.." not in text_of(page)


def test_page_stays_in_place_when_the_runtimes_come_late(opened: Any, examples: ModuleType) -> None:
    """Given a page that was scrolled before the runtimes are known, When they come, Then the page stays where it is."""
    page = opened(SettingsPage, replace(examples.settings(), runtimes=(), device=""))
    page.verticalScrollBar().setValue(300)
    page.show_value(examples.settings())
    QApplication.processEvents()
    assert page.verticalScrollBar().value() == 300
