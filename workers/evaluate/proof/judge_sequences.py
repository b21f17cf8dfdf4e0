"""Judging models that answer with texts: each text as a whole is the same as before, or another one."""

from dataclasses import replace

import numpy as np

from workers.contracts.specs import Judgement
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.proof.judge_classes import judge_classes
from workers.evaluate.proof.judge_vectors import SAFE_MEAN, compare
from workers.evaluate.proof.predictions import Answers


def judge_sequences(data: DataSet, old: Answers, new: Answers, max_loss_pct: float, seed: int) -> Judgement:
    """Every text that is not the same token by token is a changed answer, with the bounds that hold for classes.

    How alike the scores of the first token are is told where they differ by more than rounding.
    """
    numbers: dict[bytes, int] = {}
    first, second = _numbered(old, numbers), _numbered(new, numbers)
    unnamed = replace(data, classes=("",) * len(numbers))  # a text that is answered is no part of the examples
    judgement = judge_classes(unnamed, first, second, max_loss_pct, seed)
    kept = [i for i in range(_common(old, new)) if old.finite[i]]
    if not kept:
        return judgement
    name = next(iter(old.others))
    alike = compare(name, [old.others[name][i] for i in kept], [new.others[name][i] for i in kept], False, seed)
    if alike.mean >= SAFE_MEAN:
        return judgement
    note = f"The scores of the first word of each answer are alike to {alike.mean:.3f} on average."
    return judgement.model_copy(update={"notes": (*judgement.notes, note)})


def _common(old: Answers, new: Answers) -> int:
    """For how many items the first scores of both were kept."""
    return min((len(kept) for answers in (old, new) for kept in answers.others.values()), default=0)


def _numbered(answers: Answers, numbers: dict[bytes, int]) -> Answers:
    """The same with one number for each different text, −1 where there is no answer. `numbers` grows."""
    texts = [np.asarray(part, np.float32).tobytes() for part in answers.answer]
    found = np.asarray([numbers.setdefault(text, len(numbers)) for text in texts], np.int64)
    return replace(answers, predicted=np.where(answers.finite, found, -1), scores="none")
