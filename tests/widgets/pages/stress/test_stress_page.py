"""The page "Under stress" by mouse: the offer, the table, another version, the way back."""

from types import ModuleType
from typing import Any

import pytest
from read_page import words as text_of

from widgets.pages.stress.page import StressPage
from widgets.pages.stress.table import CellLabel
from widgets.parts.buttons import PrimaryButton
from widgets.parts.pictures import PictureLabel
from widgets.theme import Theme
from workers.contracts.translation import set_language


@pytest.fixture
def page(theme: Theme) -> StressPage:
    return StressPage(theme)


def test_the_offer_states_what_comes_and_starts_it(page: StressPage, examples: ModuleType, shown: Any) -> None:
    """Given a version that was not tried yet, Then what will be done is reported, and a click starts the quick or
    full test."""
    page.show_value(examples.stress(found=False))
    shown(page, 816, 614)
    text = text_of(page)
    for part in ("Harder inputs", "Out of distribution", "Attacks", "Triggers", "Calibration examples", "Noise, blur"):
        assert part in text


def test_the_table_holds_both_versions_at_each_severity(page: StressPage, examples: ModuleType, shown: Any) -> None:
    """Given findings, Then kinds, severities, both shares, verdicts, pictures and budgets can be read, by a screen reader,
    too; what is worse is explained in a sentence; no button is primary any more."""
    page.show_value(examples.stress())
    shown(page)
    text = text_of(page)
    for part in ("In the dark (severity 5) the optimized model gets 12 %", "Severity 1", "Severity 3", "Severity 5",
                 "Loses more", "Cannot tell", "As good", "lose at most 2 %", "Nearly like your examples", "Told apart", "False alarms",
                 "Nothing like your examples", "Triggers", "60 tried", "was not looked for", "85.0 %", "33.0 %", "Original 95.0 %, optimized 94.4 %",
                 "180 pictures at each severity, in 52 s", "eps 0.031, 100 queries, starts: 1", "not made",
                 "more did not fit into 60 s"):  # fmt: skip
        assert part in text, part
    report = {cell.accessibleName() for cell in page.findChildren(CellLabel)}
    assert "Dark, 5: original 45.0 %, optimized 33.0 %" in report and len(report) == 13
    assert len(page.findChildren(PictureLabel)) == 6
    assert not [button for button in page.findChildren(PrimaryButton) if button.isVisible()]


def test_names_and_verdicts_are_translated(page: StressPage, examples: ModuleType, shown: Any) -> None:
    """Given findings that were stored in English and another language, Then the names of changes and attacks and the
    verdicts are in that language."""
    set_language("de")
    try:
        page.show_value(examples.stress())
        shown(page)
        text = text_of(page)
    finally:
        set_language("en")
    for part in ("Dunkel", "Verliert mehr", "Nicht zu sagen", "Gleich gut"):
        assert part in text, part
    assert [part for part in ("Dark", "Loses more", "Cannot tell", "As good") if part in text] == []


def test_other_kinds_name_their_levels(page: StressPage, examples: ModuleType, shown: Any) -> None:
    """Given sounds, Then each figure is with its level in words."""
    page.show_value(examples.stress_sounds())
    shown(page)
    assert all(level in text_of(page) for level in ("20 dB", "10 dB", "0 dB", "Hiss", "40 sounds"))
