"""Test the words of a forecast."""

import pytest

from app.domain.words.results import CLEARLY_LONGER, forecast_words
from workers.contracts.wording import duration


@pytest.mark.parametrize(("limit_s", "is_named"), [(None, False), (100.0, False), (100.0 * CLEARLY_LONGER, True)])
def test_forecast_names_a_limit_that_is_clearly_longer(limit_s: float | None, is_named: bool) -> None:
    """Given a run of 100 seconds, Then its time limit is named only where it is clearly longer."""
    assert (duration(limit_s or 100.0) in forecast_words(100.0, 900_000_000, limit_s)) == is_named
