"""Sentences about results and about what a run is doing."""

import pytest

from app.domain.words.results import waiting_words


@pytest.mark.parametrize(
    ("share", "is_busy"), [(None, False), (0.025, False), (0.14, False), (0.15, True), (0.9, True)]
)
def test_waiting_for_quiet_names_only_a_load_that_counts(share: float | None, is_busy: bool) -> None:
    """Given a share of the processor that other programs use, Then it is named only where a measurement waits for it."""
    assert ("other programs use" in waiting_words(share)) is is_busy
