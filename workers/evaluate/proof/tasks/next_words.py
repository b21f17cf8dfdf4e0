"""Judge language models in lock step: both read the same texts, and each next word is compared.

Two engines with the same weights disagree on 2 % of next words, all of them near ties, so requiring the same word is
too strict. A next word counts as changed if the version's pick has less than half of the probability of the original's
pick, in the original's own distribution. This is 0 for BF16, .001 for careful 8 bits, and .19 for careless 4 bits
(measured on SmolLM2-135M, 7,680 places). Logits that are only scaled keep every pick, so the perplexity has to hold as
well. The end of an answer is one word of hundreds, so a version that never ends its answers is detected separately.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.reading import FETTLES_OWN, IN_A_ROW
from workers.contracts.proof.proving import LEAST_TEXTS
from workers.contracts.translation import _
from workers.contracts.wording import percent
from workers.evaluate.data.answered import ANSWER_AT
from workers.evaluate.data.dataset import Item
from workers.evaluate.data.facts import TOKENS
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, Gate, ProofTask, Units
from workers.evaluate.proof.stats import binomial_upper, bootstrap_sums, mean_upper
from workers.infer.next_tokens import KEPT
from workers.pipeline.next_words import changed_places

TEXT_CHANGED = 0.05
"""A text is displayed as changed if this share of its next words changed, or if its answer begins with another word.
The verdict counts words.
"""

PERPLEXITY_PER_LIMIT = 2.0
"""The perplexity may rise by 2 % if 1 % of next words may change."""

MOST_SURENESS_MOVED = 0.05
"""How much the probability of the original's pick may move in a text on average. Who draws words by chance sees other
words if it is .54 instead of .63, as with logits times .8. Where the original is too sure of itself, its perplexity
falls by that. Noise that scatters around it moves it by .02 at most.
"""

MOST_END_MOVED = 0.4
"""How much less (or more) likely the end of an answer may become where answers end: half a nat. On
SmolLM2-135M-Instruct BF16 moved it by .03 nats, 8 bits by .1 to .2, and 4 bits without data by 1.0. A version whose
answers never end moved it by 3.5, with 5 of 19,890 next words changed.
"""

LEAST_ENDS = 10
"""The end of answers is judged with at least this many texts with an end, and dialogues with this many answers."""

FIRST_WORDS = 0.1
"""Share of the first words of answers that may differ. Near ties are one in hundreds; a damaged beginning changes all.
"""

ANSWERS_PER_LIMIT = 2.0
"""If 1 % of all words may change, 2 % of the words of answers may."""

LOST = 100.0
"""Nats that count for a place where the version gives NaN."""

Floats = NDArray[np.float64]
Pair = tuple[NDArray[np.float32], NDArray[np.float32]]


def compare(case: Case) -> Differences:
    """Compare both models text by text: how many next words changed, and how well both predict what follows."""
    pairs, items = case.pairs, case.facts
    comparable = [at for at, (old, new) in enumerate(pairs) if len(old) and len(old) == len(new)]
    kept = [at for at in comparable if FETTLES_OWN not in items[at].facts]
    if not kept:
        return Differences(
            case.items, np.zeros(len(case.items), np.bool_), np.zeros(len(case.items)),
            unseen=_("These texts hold no next word that could be compared."),
        )  # fmt: skip
    facts = {at: _of_text(*pairs[at], _answer_at(items[at])) for at in comparable}
    changed, sizes, same, old_loss, new_loss, far, other = np.stack([facts[at] for at in kept]).T
    total, share = sizes.sum(), changed / sizes
    ratio = float(np.exp((new_loss.sum() - old_loss.sum()) / total))
    sums = bootstrap_sums(np.column_stack([new_loss - old_loss, sizes]), case.seed)
    draws = np.exp(sums[:, 0] / sums[:, 1]) - 1
    of_dialogues, unproven = _dialogues(case, pairs, comparable)
    notes = (
        _("Of {0:,} next words {1:,} are ones that the original finds less than half as likely as its own.").format(
            int(total), int(changed.sum())
        ),
        _("The likeliest next word is the same for {0} of them; perplexity {1:.4g} instead of {2:.4g}.").format(
            percent(float(same.sum() / total)),
            float(np.exp(new_loss.sum() / total)),
            float(np.exp(old_loss.sum() / total)),
        ),
        _("The longest of these texts has {0:,} words or pieces of words: longer chats were not compared.").format(
            _longest(items, kept, sizes)
        ),
    )
    return Differences(
        case.items[kept],
        other > 0,
        share,
        similarity=1 - share,
        notes=notes,
        figures={"similarity": float(same.sum() / total), "similarity_min": None, "kl_mean": float(far.sum() / total)},
        units=Units(changed, sizes, np.asarray([IN_A_ROW not in items[at].facts for at in kept], np.bool_)),
        gates=(
            Gate(ratio - 1, draws, PERPLEXITY_PER_LIMIT, _("The perplexity rose too much")),
            _sureness_kept([pairs[at] for at in kept], case.seed),
            *of_dialogues,
        ),
        unproven=unproven,
        beside=_displayed(case, {at: row for at, row in facts.items() if FETTLES_OWN in items[at].facts}),
        least_items=LEAST_TEXTS + sum(IN_A_ROW in item.facts for item in items),
    )


def _sureness_kept(pairs: Sequence[Pair], seed: int) -> Gate:
    """Return a gate on how far the probability of the original's pick moved, on average over texts.

    Within a text, higher and lower ones cancel out, as those of noise do. Across texts they do not.
    """
    moved = np.asarray(
        [abs(float(np.nan_to_num(_of_pick(old, new) - np.exp(old[:, 2 + KEPT])).mean())) for old, new in pairs]
    )
    report = _("How sure it is differs from the original on average")
    draws = bootstrap_sums(moved, seed) / len(moved)
    return Gate(float(moved.mean()), draws, 0.0, report, MOST_SURENESS_MOVED)


def _of_pick(old: NDArray[np.float32], new: NDArray[np.float32]) -> Floats:
    """Return the version's probability of the original's pick, (places,); 0 where it is not among the likeliest."""
    same = new[:, 2 : 2 + KEPT] == old[:, 2:3]
    return np.asarray((np.exp(new[:, 2 + KEPT :].astype(np.float64)) * same).sum(axis=-1), np.float64)


def _longest(items: Sequence[Item], kept: Sequence[int], sizes: Floats) -> int:
    """Return the number of tokens of the longest text, of which only a passage may be judged."""
    return max(int(items[at].facts.get(TOKENS, size)) for at, size in zip(kept, sizes, strict=True))


def _displayed(case: Case, facts: Mapping[int, Floats]) -> Differences | None:
    """Return the results of Fettle's own dialogues.

    `facts` holds the rows of `_of_text` by their position among the items of the case.
    """
    if not facts:
        return None
    rows = np.stack(list(facts.values()))
    share = rows[:, 0] / rows[:, 1]
    return Differences(case.items[list(facts)], rows[:, -1] > 0, share, similarity=1 - share)


def _answer_at(item: Item) -> int | None:
    """Return the place where the answer of an item begins; None if the text has no answer."""
    return int(item.facts[ANSWER_AT]) if ANSWER_AT in item.facts else None


def _of_text(old: NDArray[np.float32], new: NDArray[np.float32], answer_at: int | None) -> Floats:
    """Return the figures of one text, (7,). If the version gives NaN, all places changed.

    The figures are: changed places, all places, places with the same pick, −log p of the following words by the
    original and by the version, a lower bound of the KL divergence, and whether the text is displayed as changed.
    """
    sure = np.isfinite(new).all(axis=-1)
    changed, same = changed_places(old, new), old[:, 2] == new[:, 2]
    lost = np.where(sure, -new[:, 1].astype(np.float64), LOST)
    far = least_kl(old, new)
    begins_otherwise = answer_at is not None and changed[answer_at : answer_at + 1].any()
    other = changed.mean() > TEXT_CHANGED or begins_otherwise
    losses = -old[:, 1].astype(np.float64).sum(), lost.sum()
    return np.asarray([changed.sum(), len(old), (same & sure).sum(), *losses, far.sum(), other])


def _dialogues(case: Case, pairs: Sequence[Pair], comparable: Sequence[int]) -> tuple[list[Gate], list[str]]:
    """Return gates on rare events that decide a chat, and sentences about what cannot be judged.

    The gates look at how answers begin, continue and end. The ends are those of answers, or of all texts if no answer
    can be separated. Ends are not judged if the answers of the model have no end token.
    """
    items, ends = case.facts, case.old.ends
    begins = [(at, row) for at in comparable if (row := _answer_at(items[at])) is not None]
    answers = [(pairs[at][0][row:], pairs[at][1][row:]) for at, row in begins if row < len(pairs[at][0])]
    if len(answers) < min(LEAST_ENDS, sum(ANSWER_AT in item.facts for item in case.data.test)):
        return [], [_("The dialogues with answers were not reached: how answers begin is not known.")]
    gates = _beginnings(answers, case.seed) if answers else []
    if not ends:
        return gates, []
    moved = [_end_moved(*pair, ends) for pair in answers or [pairs[at] for at in comparable]]
    moved = [part for part in moved if len(part)]
    if len(moved) < LEAST_ENDS:
        few = _(
            "In {0} of these texts an answer ends: too few to know whether it still ends its answers. Add dialogues "
            "with answers, or shorter texts."
        ).format(len(moved))
        return gates, [few]
    return [*gates, _end(moved, case.seed)], []


def _beginnings(answers: Sequence[Pair], seed: int) -> list[Gate]:
    """Return gates on the first words of answers and on all their words.

    First words show whether whole answers break.
    """
    rows = [changed_places(old, new) for old, new in answers]
    facts = np.asarray([[changed[0], changed.sum(), len(changed)] for changed in rows], np.float64)
    sums = bootstrap_sums(facts, seed)
    first, others = facts[:, 0].mean(), facts[:, 1].sum() / facts[:, 2].sum()
    report = _("Answers begin with another word"), _("In answers other words stand")
    words = Units(facts[:, 1], facts[:, 2], np.ones(len(facts), np.bool_))
    exact_first = partial(binomial_upper, float(facts[:, 0].sum()), len(facts))
    exact_others = partial(binomial_upper, words.hits / words.effect, words.total / words.effect)
    return [
        Gate(float(first), sums[:, 0] / len(facts), 0.0, report[0], FIRST_WORDS, exact_first),
        Gate(float(others), sums[:, 1] / sums[:, 2], ANSWERS_PER_LIMIT, report[1], exact=exact_others),
    ]


def _end_moved(old: NDArray[np.float32], new: NDArray[np.float32], ends: Sequence[int]) -> Floats:
    """Return by how many nats the end is more likely, (k,), wherever one of `ends` follows."""
    rows = np.isin(old[:, 0], ends)
    return np.asarray(np.nan_to_num(new[rows, 1], nan=-LOST) - old[rows, 1], np.float64)


def _end(moved: Sequence[Floats], seed: int) -> Gate:
    """Return a gate on the mean size of the change.

    The sign is ignored, because answers that end too soon do not make up for those that never end.
    """
    facts = np.asarray([[np.abs(part).sum(), len(part), part.sum()] for part in moved])
    sums, (size, count, signed) = bootstrap_sums(facts[:, :2], seed), facts.sum(axis=0)
    report = (
        _("An end is less likely than with the original where answers end")
        if signed < 0
        else _("An end is more likely than with the original where answers end")
    )
    draws = 1 - np.exp(-sums[:, 0] / sums[:, 1])
    exact = partial(mean_upper, 1 - np.exp(-facts[:, 0] / facts[:, 1]))
    return Gate(1 - float(np.exp(-size / count)), draws, 0.0, report, MOST_END_MOVED, exact)


def least_kl(old: NDArray[np.float32], new: NDArray[np.float32]) -> Floats:
    """Return lower bounds of KL(original‖version) in nats, (places,).

    They are computed over the tokens that both keep, with all others as one (data processing inequality). A place is 0
    if the version gives NaN.
    """
    mine, theirs = old[:, 2 : 2 + KEPT], new[:, 2 : 2 + KEPT]
    same = (mine[:, :, None] == theirs[:, None, :]) & (mine[:, :, None] >= 0)
    shares, others = (np.exp(part[:, 2 + KEPT :].astype(np.float64)) for part in (old, new))
    p, q = shares * same.any(axis=-1), np.einsum("pij,pj->pi", same, others)
    p = np.column_stack([p, np.clip(1 - p.sum(axis=-1), 0, None)])
    q = np.column_stack([q, np.clip(1 - q.sum(axis=-1), 1e-12, None)])
    ratio = np.where(p > 0, p, 1) / np.where(p > 0, np.maximum(q, 1e-12), 1)
    report = (p * np.log(ratio)).sum(axis=-1)
    return np.where(np.isfinite(new).all(axis=-1), report, 0.0)


TASK = ProofTask("language-model", order=5, fits=lambda case: case.old.answer_kind == "next_tokens", compare=compare)
