"""Decide from the evidence whether the chosen preprocessing fits, another fits better, or it is unclear."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workers.contracts.data.doctor import DoctorEvidence, DoctorResult, PreparationTried
from workers.contracts.pipeline import spec_text
from workers.contracts.translation import _
from workers.contracts.wording import counted, is_are, percent
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
        size = _("pieces of {0:,} samples").format(steps.frame_samples) if steps.frame_samples else "whole sounds"
        before = _(" after {0:,} old ones").format(steps.context_samples) if steps.context_samples else ""
        loud = "" if steps.scale == 1 else _(", values times {0:g}").format(steps.scale)
        state = "" if steps.carry_state else ", the state begins anew each time"
        return _("{0}{1} at {2:,} Hz{3}{4}").format(size, before, steps.sample_rate_hz, loud, state)
    if isinstance(steps, TextSteps):
        case = "in small letters" if steps.lowercase else "letters as they are"
        marks = "with" if steps.special_tokens else "without"
        return _("{0}, {1} the tokenizer’s own marks, at most {2:,} tokens").format(case, marks, steps.max_length)
    return _array_words(steps)


def _array_words(steps: ArraySteps) -> str:
    parts = {"same": [], "reversed": ["in reversed order"], "halves": ["the halves swapped"]}[steps.order]
    if steps.scale != 1:
        parts.append(_("times {0:g}").format(steps.scale))
    if steps.offset:
        parts.append(f"{'plus' if steps.offset > 0 else 'minus'} {abs(steps.offset):g}")
    if steps.swap is not None:
        parts.append(_("{0:g} given as {1:g}").format(steps.swap[0], steps.swap[1]))
    return "values " + (", ".join(parts) or "as they are")


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
        return unclear(evidence, "The model runs with no preprocessing that was tried.", chosen.problem or "")
    if best.n < FEWEST:
        few = _("There {0} only {1} that can be used: too few to compare.").format(
            is_are(best.n), counted(best.n, "example")
        )
        return unclear(evidence, few, MORE)
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
            verdict="far_better", evidence=evidence, what=what, why=f"{chosen.problem.rstrip('.')}.", ways=(),
            best=preparation_row(best, chosen), p_value=0.0, guess=guess,
        )  # fmt: skip
    p_value, difference = compared(best, chosen)
    p_value = min(1.0, p_value * tried)
    if p_value >= SURE and _p_of_guessing(chosen, guess, evidence) >= SURE:
        more = _more(min(best.n, chosen.n), examples)
        return unclear(evidence, "The best one so far may be so by chance.", more, guess)
    if best is chosen or p_value >= SURE or difference < NEAR:
        return _fits(rows, chosen, evidence, tried, p_value, guess, examples)
    far = difference >= FAR
    what = _("Another preparation fits {0}better: {1}.").format("far " if far else "", words_of(best.steps))
    same = min(best.n, chosen.n)
    why = _("With it {0}; with the chosen one {1}.").format(
        _figure(best, evidence, same), _figure(chosen, evidence, same)
    )
    return DoctorResult(
        verdict="far_better" if far else "better", evidence=evidence, what=what, why=why, ways=(),
        best=preparation_row(best, chosen), p_value=p_value, guess=guess,
    )  # fmt: skip


def _more(tried: int, examples: Sequence[Example]) -> str:
    """Return advice that would decide: more examples, or more time if some examples were not tried."""
    if tried >= len(examples):
        return MORE
    return _("In the time, {0:,} of {1:,} examples were tried. {2}").format(tried, len(examples), LATER)


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


MORE = "Add more, some hundreds if you can."
LATER = "Check again when the computer is less busy."


def unclear(evidence: DoctorEvidence, what: str, why: str, guess: float | None = None) -> DoctorResult:
    """Return that no preprocessing can be recommended; `what` and `why` are the sentences on what is missing."""
    what = _("It cannot be told which preparation fits. {0}").format(what).rstrip()
    return DoctorResult(verdict="unclear", evidence=evidence, what=what, why=why, ways=(), guess=guess)


def _nothing_fits(best: PreparationScore, guess: float, evidence: DoctorEvidence) -> tuple[str, str]:
    if evidence == "labels":
        by_luck = _("guessing {0}").format(percent(guess, 0))
        what = _("With none of them the answers are better than guessing ({0}; {1}).").format(
            _figure(best, evidence), by_luck
        )
        return what, "Check that the labels mean what the model means, and that the examples are of its kind."
    what = "The model is no surer of these examples than of noise."
    return what, "Add labels, or choose examples of the kind that the model knows."


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
    report = _("{0} preprocessings were tried. With the chosen one {1}").format(tried, _figure(chosen, evidence, same))
    if rival is None:
        what, why = "The chosen preparation fits.", _("{0}; none of the others is better.").format(report)
    else:
        what = _("The chosen preparation works, but another may fit better: {0}.").format(words_of(rival.steps))
        other = _figure(rival, evidence, same)
        why = _("{0}; with the other {1}, which may be so by chance. {2}").format(report, other, _more(same, examples))
    return DoctorResult(
        verdict="fits", evidence=evidence, what=what, why=why, ways=(), best=preparation_row(chosen, chosen),
        rival=None if rival is None else preparation_row(rival, chosen), p_value=p_value, guess=guess,
    )  # fmt: skip


def _figure(row: PreparationScore, evidence: DoctorEvidence, count: int | None = None) -> str:
    """Return the result of a preprocessing in words, on its first `count` examples if `count` is given."""
    if count is not None and count < row.n:
        row = replace(row, score=row.score[:count])
    if evidence == "confidence":
        more = "no" if row.mean <= 0 else _("{0:.0f} points").format(100 * row.mean)
        return _("the model is {0} surer of {1:,} examples than of noise").format(more, row.n)
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
