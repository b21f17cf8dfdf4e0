"""The runtimes on the page Settings."""

from dataclasses import replace
from types import ModuleType
from typing import Any

from widgets.pages.settings.page import SettingsPage
from workers.contracts.specs import Described


def test_reason_of_a_missing_runtime_is_a_sentence(opened: Any, examples: ModuleType, said: Any) -> None:
    """Given a reason as a worker words it, Then the page shows it as a sentence; one that is a sentence stays as it is."""
    reasons = ("needs an NVIDIA GPU and its driver; none was found here", "No NVIDIA GPU found.")
    runtimes = tuple((Described(id=reason, title="Engine", available=False, hint=reason), None) for reason in reasons)
    page = opened(SettingsPage, replace(examples.settings(), runtimes=runtimes))
    assert "Needs an NVIDIA GPU and its driver; none was found here.\n" in said(page) + "\n"
    assert "No NVIDIA GPU found." in said(page) and "found.." not in said(page)
