"""The card states a version's speed as the verdict does, with its caveat."""

import pytest
from card_facts import ORIGINAL, SPEC, VARIANT, facts

from workers.contracts.bundles import SpeedFacts
from workers.export.card.page.page import tiles
from workers.export.card.speed import FIRST_LOOK, NOT_SETTLED
from workers.export.card.text import card
from workers.export.python_folder import COMMANDS

TIMED = {**VARIANT, "speedup": 1.55, "speedup_low": 1.41, "speedup_high": 1.71, "latency_mean_ms": 29.2}


@pytest.mark.parametrize(
    ("speed", "sentence"),
    [(SpeedFacts(state="not_settled"), NOT_SETTLED), (SpeedFacts(state="first_look"), FIRST_LOOK)],
)
def test_a_speed_that_is_not_settled_is_not_claimed(speed: SpeedFacts, sentence: str) -> None:
    """Given a version whose speed other programs left open, or that was measured at another moment, Then neither card,
    page nor header has a factor, and the card gives the reason."""
    report = facts(variant=TIMED, speed=speed)
    text = card(report, SPEC, COMMANDS)
    assert sentence in text and "1.55" not in text and "1.41" not in text
    assert "times faster" not in text and "3.80 times smaller" in text
    assert "as fast as the original" not in [title for title, _, _ in tiles(report)]


def test_a_speed_under_load_is_a_lower_bound() -> None:
    """Given a version that is faster by every method to compare while other programs run, Then the card claims the bound that
    all agree on, and mentions that other programs were running."""
    report = facts(variant=TIMED, speed=SpeedFacts(state="at_least", at_least=1.5299))
    text = card(report, SPEC, COMMANDS)
    assert ". At least 1.52 times faster and 3.80 times smaller" in text and "other programs were running" in text
    assert "1.55" not in text and "1.71" not in text
    assert ("as fast as the original", "≥ 1.52 ×") in [tile[:2] for tile in tiles(report)]


def test_a_settled_speed_has_its_interval() -> None:
    """Given a version that was measured in turn on a quiet computer, Then the factor and its interval are claimed; of
    the original neither."""
    text = card(facts(variant=TIMED), SPEC, COMMANDS)
    assert "1.55 times faster" in text and "with 95 % confidence between 1.41 and 1.71 times" in text
    assert "times as fast" not in card(facts(variant=ORIGINAL), SPEC, COMMANDS)
