"""Before a run: whether the examples that are there can prove the limit at all."""

from app.domain.choose import LEAST_ALIKE_ITEMS
from app.domain.proof.examples import least_limit_pct, least_to_prove, least_to_tell, texts_to_ask
from app.services.opening.opening import ReadData
from workers.contracts.proof.proving import LEAST_TEXTS
from workers.contracts.wording import percent_of


def enough_items(limit_pct: float) -> int:
    """So many test examples prove the limit in percent, or let rounded numbers be recommended unproven."""
    return min(LEAST_ALIKE_ITEMS, least_to_tell(limit_pct))


def few_items(data: ReadData, limit_pct: float, *, by_words: bool = False) -> bool:
    """So few examples that none proves the limit, and that rounded numbers are not recommended unproven either."""
    return not by_words and data.result.n_test < enough_items(limit_pct)


def most_texts(data: ReadData, limit_pct: float) -> int | None:
    """Return how many test items of a language model a run asks, the first ones: what Fettle adds, and as many texts as
    the limit takes. None for all.
    """
    result = data.result
    texts = texts_to_ask(limit_pct, result.n_of_person)
    return None if result.origin != "person" or texts >= result.n_of_person else result.n_added + texts


def reach_warning(data: ReadData, limit_pct: float, *, by_words: bool = False) -> str | None:
    """What so few examples can prove at best and how many the limit takes; None where there are enough, where they are
    not the person's. `by_words`: a language model's next words are counted, and as many texts are needed as examples
    of any other kind, since a text may break wholly.
    """
    have, needed = data.result.n_of_person, least_to_prove(limit_pct)
    if by_words and data.result.origin == "person" and have < LEAST_TEXTS:
        return f"{have:,} texts for the test prove nothing: add texts, at least {LEAST_TEXTS} in all."
    if data.result.origin != "person" or (needed is not None and have >= needed):
        return None
    things = "texts" if by_words else "examples"
    can = f"{have:,} {things} for the test prove a loss below {percent_of(least_limit_pct(have))} at best"
    return (
        f"{can}: no limit of 0 % can be proven."
        if needed is None
        else (f"{can}; your limit of {percent_of(limit_pct)} takes at least {needed:,}. Add {things}, or allow more.")
    )
