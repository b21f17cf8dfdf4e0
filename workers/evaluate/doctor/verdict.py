"""Decide from the evidence whether the chosen preprocessing fits, another fits better, or it is unclear."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workers.contracts.data.doctor import DoctorEvidence, DoctorResult, PreparationTried
from workers.contracts.pipeline import spec_text
from workers.contracts.translation import _, joined, mark, ngettext
from workers.contracts.wording import percent
from workers.evaluate.doctor.evidence import PreparationScore, compared, sign_p
from workers.evaluate.doctor.material import Example
from workers.evaluate.doctor.pictures import picture_words
from workers.evaluate.doctor.search import oddness
from workers.evaluate.proof.stats import at_least, binomial_interval
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, Preprocess, TextSteps


def words_of(steps: Preprocess) -> str:
    """Return a preprocessing in words.

    Example: "shorter side 256, middle 224 × 224, RGB, 0 to 1, ImageNet’s mean and spread".
    """
    if isinstance(steps, ImageSteps):
        return picture_words(steps)
    if isinstance(steps, AudioSteps):
        if not steps.frame_samples:
            size = _("whole sounds at {2:,} Hz")
        elif steps.context_samples:
            size = _("pieces of {0:,} samples after {1:,} old ones at {2:,} Hz")
        else:
            size = _("pieces of {0:,} samples at {2:,} Hz")
        loud = "" if steps.scale == 1 else _("values times {0:g}").format(steps.scale)
        state = "" if steps.carry_state else _("the state begins anew each time")
        return joined(
            [size.format(steps.frame_samples, steps.context_samples, steps.sample_rate_hz), loud, state], ", "
        )
    if isinstance(steps, TextSteps):
        case = _("in small letters") if steps.lowercase else _("letters as they are")
        marks = _("with the tokenizer’s own marks") if steps.special_tokens else _("without the tokenizer’s own marks")
        return joined([case, marks, _("at most {0:,} tokens").format(steps.max_length)], ", ")
    return _array_words(steps)


def _array_words(steps: ArraySteps) -> str:
    parts = {"same": [], "reversed": [_("in reversed order")], "halves": [_("the halves swapped")]}[steps.order]
    if steps.scale != 1:
        parts.append(_("times {0:g}").format(steps.scale))
    if steps.offset:
        parts.append((_("plus {0:g}") if steps.offset > 0 else _("minus {0:g}")).format(abs(steps.offset)))
    if steps.swap is not None:
        parts.append(_("{0:g} given as {1:g}").format(steps.swap[0], steps.swap[1]))
    return _("values {0}").format(joined(parts, ", ")) if parts else _("values as they are")


FEWEST = 8
"""With fewer examples, even a preprocessing that is always right cannot be distinguished from guessing with many tries.
"""
FAR, NEAR = 0.10, 0.01
"""Differences of the score from which another preprocessing is called far better, or better at all."""
SURE = 0.05
"""Largest p-value, after correction, of a difference that counts as proven by the exact tests."""
LEAST_CONFIDENCE = 0.02
"""Without labels, the confidence for examples must exceed that for noise by at least this much."""


def judge(
    rows: Sequence[PreparationScore], chosen: PreparationScore, examples: Sequence[Example], evidence: DoctorEvidence,
    tried: int,
) -> DoctorResult:  # fmt: skip
    """Return the verdict over the rows of the last comparison, without the fields that describe the search.

    Among preprocessings that cannot be distinguished, the usual one counts as the best.

    Args:
        rows: The rows, the best first.
        chosen: Row of the chosen preprocessing.
        examples: The examples.
        evidence: Whether labels or confidence decide.
        tried: Number of all tried preprocessings, by which the tests are corrected.
    """
    best = _usual_of_the_best([row for row in rows if not row.problem and row.n], chosen)
    if best is None:
        return unclear(evidence, _("The model runs with no preprocessing that was tried."), chosen.problem or "")
    if best.n < FEWEST:
        few = ngettext(
            "There is only {0} example that can be used: too few to compare.",
            "There are only {0} examples that can be used: too few to compare.",
            best.n,
        )
        return unclear(evidence, few.format(best.n), MORE)
    guess = _guess(best, examples, evidence)
    if _p_of_guessing(best, guess, evidence) * tried >= SURE or (
        evidence == "confidence" and best.mean < LEAST_CONFIDENCE
    ):
        return unclear(evidence, *_nothing_fits(best, guess, evidence), guess)
    if chosen.problem:
        what = _("The model does not run with the chosen preparation; with another it does: {0}.").format(
            words_of(best.steps)
        )
        return DoctorResult(
            verdict="far_better", evidence=evidence, what=what, why=chosen.problem, ways=(),
            best=preparation_row(best, chosen), p_value=0.0, guess=guess,
        )  # fmt: skip
    p_value, difference = compared(best, chosen)
    p_value = min(1.0, p_value * tried)
    if p_value >= SURE and _p_of_guessing(chosen, guess, evidence) >= SURE:
        more = _more(min(best.n, chosen.n), examples)
        return unclear(evidence, _("The best one so far may be so by chance."), more, guess)
    if best is chosen or p_value >= SURE or difference < NEAR:
        return _fits(rows, chosen, evidence, tried, p_value, guess, examples)
    far = difference >= FAR
    what = _("Another preparation fits far better: {0}.") if far else _("Another preparation fits better: {0}.")
    same = min(best.n, chosen.n)
    why = _("With it: {0}. With the chosen one: {1}.").format(
        _figure(best, evidence, same), _figure(chosen, evidence, same)
    )
    return DoctorResult(
        verdict="far_better" if far else "better", evidence=evidence, what=what.format(words_of(best.steps)), why=why,
        ways=(), best=preparation_row(best, chosen), p_value=p_value, guess=guess,
    )  # fmt: skip


def _more(tried: int, examples: Sequence[Example]) -> str:
    """Return advice that would decide: more examples, or more time if some examples were not tried."""
    if tried >= len(examples):
        return MORE
    return joined([_("In the time, {0:,} of {1:,} examples were tried.").format(tried, len(examples)), _(LATER)])


def _usual_of_the_best(rows: Sequence[PreparationScore], chosen: PreparationScore) -> PreparationScore | None:
    """Return the row that counts as the best among those that cannot be distinguished from the best.

    It is the chosen one, else the least unusual one, else the one that was tried first.
    """
    if not rows:
        return None
    equals = [row for row in rows if row.n * 2 >= rows[0].n and not _is_worse(row, rows[0])]
    return chosen if chosen in equals else min(equals, key=lambda row: (oddness(row.steps), row.number))


def _is_worse(row: PreparationScore, best: PreparationScore) -> bool:
    p_value, difference = compared(best, row)
    return row is not best and (p_value < SURE or difference >= FAR / 2)


MORE = mark("Add more, some hundreds if you can.")
LATER = mark("Check again when the computer is less busy.")


def unclear(evidence: DoctorEvidence, what: str, why: str, guess: float | None = None) -> DoctorResult:
    """Return that no preprocessing can be recommended; `what` and `why` are the sentences on what is missing."""
    what = joined([_("It cannot be told which preparation fits."), what])
    return DoctorResult(verdict="unclear", evidence=evidence, what=what, why=why, ways=(), guess=guess)


def _nothing_fits(best: PreparationScore, guess: float, evidence: DoctorEvidence) -> tuple[str, str]:
    if evidence == "labels":
        what = _("With none of them the answers are better than guessing ({0}; guessing {1}).").format(
            _figure(best, evidence), percent(guess, 0)
        )
        return what, mark("Check that the labels mean what the model means, and that the examples are of its kind.")
    what = _("The model is no surer of these examples than of noise.")
    return what, mark("Add labels, or choose examples of the kind that the model knows.")


def _guess(best: PreparationScore, examples: Sequence[Example], evidence: DoctorEvidence) -> float:
    """Return the share of right predictions if the same predictions were assigned in another order.

    One half for an area.
    """
    if evidence != "labels":
        return 0.0
    ids = [example.ids for example in examples[: best.n]]
    if not any(ids):
        return 0.5
    predicted = np.asarray(best.predicted)
    return float(np.mean([np.isin(predicted, accepted).mean() for accepted in ids]))


def _p_of_guessing(best: PreparationScore, guess: float, evidence: DoctorEvidence) -> float:
    scores = np.asarray(best.score)
    if evidence == "labels" and set(best.score) <= {0.0, 1.0}:
        return at_least(int(scores.sum()), best.n, guess)
    return sign_p(scores - guess)


def _fits(
    rows: Sequence[PreparationScore], chosen: PreparationScore, evidence: DoctorEvidence, tried: int, p_value: float,
    guess: float, examples: Sequence[Example],
) -> DoctorResult:  # fmt: skip
    """Return that the chosen preprocessing fits, and name any other one that did better on these examples.

    A better result that may be due to chance can still be real.
    """
    able = [row for row in rows if not row.problem and row.n * 2 >= chosen.n and row.mean >= chosen.mean + NEAR]
    rival = max(able, key=lambda row: row.mean, default=None)
    same = chosen.n if rival is None else min(chosen.n, rival.n)
    why = [
        ngettext("{0} preprocessing was tried.", "{0} preprocessings were tried.", tried).format(tried),
        _("With the chosen one: {0}.").format(_figure(chosen, evidence, same)),
    ]
    if rival is None:
        what = _("The chosen preparation fits.")
        why.append(_("None of the others is better."))
    else:
        what = _("The chosen preparation works, but another may fit better: {0}.").format(words_of(rival.steps))
        other = _("With the other: {0}, which may be so by chance.").format(_figure(rival, evidence, same))
        why += [other, _(_more(same, examples))]
    return DoctorResult(
        verdict="fits", evidence=evidence, what=what, why=joined(why), ways=(), best=preparation_row(chosen, chosen),
        rival=None if rival is None else preparation_row(rival, chosen), p_value=p_value, guess=guess,
    )  # fmt: skip


def _figure(row: PreparationScore, evidence: DoctorEvidence, count: int | None = None) -> str:
    """Return the result of a preprocessing in words, on its first `count` examples if `count` is given."""
    if count is not None and count < row.n:
        row = replace(row, score=row.score[:count])
    if evidence == "confidence":
        if row.mean <= 0:
            return _("the model is no surer of {0:,} examples than of noise").format(row.n)
        return _("the model is {0:.0f} points surer of {1:,} examples than of noise").format(100 * row.mean, row.n)
    if set(row.score) <= {0.0, 1.0}:
        return _("{0:,} of {1:,} answers are right ({2})").format(int(sum(row.score)), row.n, percent(row.mean, 0))
    return _("{0} of pairs of moments in {1:,} examples are in the right order").format(percent(row.mean), row.n)


def preparation_row(row: PreparationScore, chosen: PreparationScore) -> PreparationTried:
    """Return a row in words for people."""
    low, high = bounds(row)
    return PreparationTried(
        words=words_of(row.steps), spec=spec_text(row.steps), preprocess=row.steps, is_chosen=row is chosen,
        score=row.mean if row.n else None, low=low, high=high, n=row.n, problem=row.problem,
    )  # fmt: skip


def bounds(row: PreparationScore) -> tuple[float | None, float | None]:
    """Return the two-sided 95 % interval: exact for shares of right predictions, else Student's."""
    if row.n < 2:
        return None, None
    if set(row.score) <= {0.0, 1.0}:
        return binomial_interval(int(sum(row.score)), row.n)
    from scipy.special import stdtrit

    reach = float(stdtrit(row.n - 1, 0.975)) * float(np.std(row.score, ddof=1)) / math.sqrt(row.n)
    return row.mean - reach, row.mean + reach
