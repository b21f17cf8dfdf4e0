"""Check before a run whether the examples suffice to prove the limit."""

from app.domain.choose import LEAST_ALIKE_ITEMS
from app.domain.proof.examples import fewest_examples, least_limit_pct, least_to_prove, texts_to_evaluate
from app.services.opening.opening import ReadData
from workers.contracts.proof.proving import LEAST_TEXTS
from workers.contracts.translation import _, ngettext
from workers.contracts.wording import percent_of


def enough_items(limit_pct: float) -> int:
    """Return how many test examples prove the limit in percent, or let rounded numbers be recommended unproven."""
    return min(LEAST_ALIKE_ITEMS, fewest_examples(limit_pct))


def few_items(data: ReadData, limit_pct: float, *, by_words: bool = False) -> bool:
    """Return whether the examples are too few to prove the limit or to recommend rounded numbers unproven."""
    return not by_words and data.result.n_test < enough_items(limit_pct)


def most_texts(data: ReadData, limit_pct: float) -> int | None:
    """Return how many of a language model's test items a run evaluates, None for all.

    These are the items that Fettle adds, and then as many texts as the limit requires.
    """
    result = data.result
    texts = texts_to_evaluate(limit_pct, result.n_of_person)
    return None if result.origin != "person" or texts >= result.n_of_person else result.n_added + texts


def reach_warning(data: ReadData, limit_pct: float, *, by_words: bool = False) -> str | None:
    """Return what so few examples can prove at best and how many the limit requires, else None.

    There is no warning about inputs made by Fettle. `by_words` counts the next words of a language model; it needs as
    many texts as other models need examples, since a text may break as a whole.
    """
    have, needed = data.result.n_of_person, least_to_prove(limit_pct)
    if by_words and data.result.origin == "person" and have < LEAST_TEXTS:
        return _("{0:,} texts for the test prove nothing: add texts, at least {1} in all.").format(have, LEAST_TEXTS)
    if data.result.origin != "person" or (needed is not None and have >= needed):
        return None
    best = percent_of(least_limit_pct(have))
    if needed is None:
        none = ngettext(
            "{0} example for the test proves a loss below {1} at best: no limit of 0 % can be proven.",
            "{0:,} examples for the test prove a loss below {1} at best: no limit of 0 % can be proven.",
            have,
        )
        if by_words:
            none = _("{0:,} texts for the test prove a loss below {1} at best: no limit of 0 % can be proven.")
        return none.format(have, best)
    more = ngettext(
        "{0} example for the test proves a loss below {1} at best; your limit of {2} takes at least {3:,}. Add "
        "examples, or allow more.",
        "{0:,} examples for the test prove a loss below {1} at best; your limit of {2} takes at least {3:,}. Add "
        "examples, or allow more.",
        have,
    )
    if by_words:
        more = _(
            "{0:,} texts for the test prove a loss below {1} at best; your limit of {2} takes at least {3:,}. Add "
            "texts, or allow more."
        )
    return more.format(have, best, percent_of(limit_pct), needed)
