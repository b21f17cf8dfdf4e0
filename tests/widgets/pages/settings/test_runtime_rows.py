"""The runtimes on the page Settings."""

from dataclasses import replace
from types import ModuleType
from typing import Any

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
