"""What a number of examples can prove at all."""

import pytest

from app.domain.proof.examples import FIRST_LEVEL, least_limit_pct, least_to_prove, texts_to_ask
from workers.evaluate.proof.stats import binomial_upper


@pytest.mark.parametrize(("limit_pct", "examples"), [(1.0, 321), (5.0, 63), (0.3, 1072), (100.0, 1), (0.0, None)])
def test_the_least_number_for_a_limit(limit_pct: float, examples: int | None) -> None:
    """Given a limit, Then the number is the one of the design."""
    assert least_to_prove(limit_pct) == examples


@pytest.mark.parametrize("limit_pct", [0.3, 1.0, 2.5, 5.0])
def test_it_is_the_judges_own_bound(limit_pct: float) -> None:
    """Given that number, Then the bound of no change in so many is within the limit, and of one less it is not."""
    examples = least_to_prove(limit_pct)
    assert examples is not None
    assert binomial_upper(0, examples, 1 - FIRST_LEVEL) <= limit_pct / 100
    assert binomial_upper(0, examples - 1, 1 - FIRST_LEVEL) > limit_pct / 100


@pytest.mark.parametrize("limit_pct", [1.0, 5.0, 10.0])
def test_texts_to_ask_prove_a_limit_where_a_sixth_of_it_changes(limit_pct: float) -> None:
    """Given the texts that are asked, then a version that changes a sixth of what the limit allows is within it."""
    texts, limit = texts_to_ask(limit_pct, 10_000), limit_pct / 100
    assert binomial_upper(limit / 6 * texts, texts, 1 - FIRST_LEVEL) <= limit
    assert texts_to_ask(limit_pct, 20) == 20


@pytest.mark.parametrize("examples", [1, 12, 48, 63, 144, 321, 5000])
def test_the_least_limit_for_a_number(examples: int) -> None:
    """Given a number of examples, Then they are enough for the limit that is told, and not for a tenth of a percent less."""
    limit_pct = least_limit_pct(examples)
    needed, below = least_to_prove(limit_pct), least_to_prove(limit_pct - 0.1)
    assert needed is not None and needed <= examples
    assert below is None or below > examples
