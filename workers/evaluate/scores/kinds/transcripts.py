"""Speech to text: how many characters are wrong.

Fits models that give a score for each character and moment (CTC; Graves et al., ICML 2006), whose classes are single
characters and a blank: the best of each moment is read, repetitions and blanks fall out.
"""

import numpy as np

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.predictions import Values
from workers.evaluate.scores.base import Floats, Score, Words, alone, beside, mean_draws

BLANKS = ("", "<blank>", "<pad>", "[pad]", "_", "<s>")
SPACES = ("|", "<space>", "▁")
LONGEST_NAME = 1

CER = Words(
    "cer", "Character error rate", "share of the characters that are wrong, missing or too many", higher_is_better=False
)


def fits(case: Case) -> bool:
    """Scores of characters for each moment, beside what was said or the original's own reading."""
    answer = case.old.answer
    classes = case.data.classes
    if classes is None or case.old.predicted is not None or not len(case.items):
        return False
    names = [name for name in classes if name.casefold() not in (*BLANKS, *SPACES)]
    first = answer[int(case.items[0])]
    characters = sum(len(name) == LONGEST_NAME for name in names) >= 0.9 * max(1, len(names))
    return characters and first.ndim == 2 and first.shape[1] == len(classes) and len(names) < len(classes)


def measure(case: Case) -> list[TaskScore]:
    names = case.data.classes or ()
    old = [read(values, names) for values in case.answers("old")]
    new = [read(values, names) for values in case.answers("new")]
    said = [item.transcript.strip() if item.transcript else "" for item in case.facts]
    if any(said):
        at = [i for i, text in enumerate(said) if text]
        truth = [said[i] for i in at]
        wrong = np.column_stack([errors([row[i] for i in at], truth) for row in (old, new)])
        length = np.asarray([len(text) for text in truth], np.float64)
        draws = mean_draws(np.column_stack([wrong, length]), case.seed)
        values = (float(wrong[:, 0].sum() / length.sum()), float(wrong[:, 1].sum() / length.sum()))
        return [beside(CER, "speech to text", len(at), values, (draws[:, 1] - draws[:, 0]) / draws[:, 2])]
    length = np.asarray([len(text) for text in old], np.float64)
    if not length.sum():
        return []
    wrong = errors(new, old)
    draws = mean_draws(np.column_stack([wrong, length]), case.seed)
    value = float(wrong.sum() / length.sum())
    return [alone(CER, "speech to text", len(old), value, draws[:, 0] / np.maximum(draws[:, 1], 1e-12))]


def read(values: Values, names: tuple[str, ...]) -> str:
    """(moments, characters) as text."""
    best = np.argmax(values, axis=1)
    kept = best[np.r_[True, best[1:] != best[:-1]]] if len(best) else best
    letters = [names[int(k)] for k in kept]
    words = ["" if n.casefold() in BLANKS else " " if n in SPACES else n for n in letters]
    return " ".join("".join(words).split())


def errors(texts: list[str], truth: list[str]) -> Floats:
    """(n,): characters to change, add or take away in each text (Levenshtein's distance)."""
    from rapidfuzz.distance import Levenshtein

    return np.asarray([Levenshtein.distance(text, right) for text, right in zip(texts, truth, strict=True)], np.float64)


SCORE = Score("transcripts", "Speech to text", "rapidfuzz", 50, fits, measure, gate=True)
