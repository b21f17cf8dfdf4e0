"""What the page shows for a result that is alike and not proven: how many more examples, and of which kind."""

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from read_page import words as text_of

from widgets.pages.compare.page import ComparePage
from widgets.pages.compare.value import EvaluatedValue


def test_where_no_number_can_be_given(opened: Any, examples: ModuleType) -> None:
    """Given answers that change, so that more examples alone may not do, then no number is made up."""
    page = opened(ComparePage, replace(examples.not_proven(), needed=None, labelled=False))
    assert "the number needed is unknown" in text_of(page) and "of about" not in text_of(page)
    assert "labels help most" in text_of(page)


@pytest.mark.parametrize("needed", [None, 300])
def test_what_is_there_is_not_asked_for(opened: Any, needed: int | None, examples: ModuleType) -> None:
    """Given examples with labels, then no text states that labels would help, or that none are needed."""
    page = opened(ComparePage, replace(examples.not_proven(), needed=needed))
    asks = ("labels help", "No labels needed", "With labels, Fettle also")
    assert not any(words in text_of(page) for words in asks) and "like the existing ones" in text_of(page)


def test_evaluated_row_states_that_no_more_were_planned(opened: Any, examples: ModuleType) -> None:
    """Given texts of which so many were read as the limit takes, then lack of time is not the reason that is named."""
    for as_planned in (False, True):
        page = opened(
            ComparePage, replace(examples.not_proven(), evaluated=EvaluatedValue(539, 617, as_planned=as_planned))
        )
        assert ("time limit of the run was reached" in text_of(page)) is not as_planned
        assert "Only 539 of your 617" in text_of(page)


def test_proof_card_is_shown_once_all_examples_were_tested(opened: Any, examples: ModuleType) -> None:
    """Given a result that is not proven, Then the card with the missing examples is shown only if all existing ones were tested."""
    whole = examples.not_proven()
    assert "How to prove it" in text_of(opened(ComparePage, whole))
    assert "How to prove it" not in text_of(opened(ComparePage, replace(whole, evaluated=EvaluatedValue(539, 617))))
