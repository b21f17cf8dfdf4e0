"""Texts beside texts: what a reader would notice, and the counts that error rates and chrF are made of."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CHRF_ORDER, CHRF_BETA = 6, 2.0
"""Character n-grams up to six letters, recall twice as important (Popović 2015, W15-3049; sacrebleu's defaults)."""

_NEGATIONS = """
no not never nothing nobody none neither nor cannot without nicht nichts nie niemals niemand kein keine keinen keinem
keiner keines ohne ne pas jamais rien aucun aucune sans ni non nunca nada nadie ninguno ninguna sin não nenhum nenhuma
sem mai niente nessuno nessuna senza niet geen nooit zonder ingen inget aldrig ikke не нет никогда ничего без nigdy bez
不 没 無 未
"""
NEGATIONS = frozenset(_NEGATIONS.split())
"""Words that turn a meaning round (Polarity=Neg of Universal Dependencies): one that is lost or new matters, however
long the text is."""

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SIGNS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # of languages that put no blanks between words
_WORD = re.compile(rf"[{_SIGNS}]|[^\W{_SIGNS}]+(?:['’][^\W{_SIGNS}]+)*")


def tidy(text: str) -> str:
    """Compatible letters made the same (NFKC), white space of any kind a single blank."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def words_of(text: str) -> list[str]:
    """Words in small letters, without marks; of Chinese and Japanese single characters."""
    return _WORD.findall(tidy(text).casefold())


def turned_round(old: str, new: str) -> bool:
    """Whether a number or a negation is lost, new or another one."""
    return any(_meaning(old)[k] != _meaning(new)[k] for k in (0, 1))


def _meaning(text: str) -> tuple[Counter[str], int]:
    words = words_of(text)
    negations = sum(word in NEGATIONS or word.endswith(("n't", "n’t")) for word in words)
    return Counter(_NUMBER.findall(tidy(text))), negations


def part_missing(old: str, new: str, least: int = 2) -> bool:
    """Whether `least` words in a row are missing or too many, or the last one is missing."""
    from rapidfuzz.distance import Levenshtein

    a, b = words_of(old), words_of(new)
    for step in Levenshtein.opcodes(a, b):
        length = max(step.src_end - step.src_start, step.dest_end - step.dest_start)
        if step.tag in ("delete", "insert") and length >= least:
            return True
        if step.tag == "delete" and step.src_end == len(a):
            return True
    return False


def character_distance(old: str, new: str) -> float:
    """Levenshtein's distance as a share of the longer text, 0..1; 0 for two empty ones."""
    from rapidfuzz.distance import Levenshtein

    return float(Levenshtein.normalized_distance(tidy(old), tidy(new)))


def word_distance(old: str, new: str) -> float:
    """The same over words."""
    from rapidfuzz.distance import Levenshtein

    return float(Levenshtein.normalized_distance(words_of(old), words_of(new)))


def edits(texts: Sequence[Sequence[str] | str], truth: Sequence[Sequence[str] | str]) -> NDArray[np.float64]:
    """(n,): words (of lists) or characters (of texts) to change, add or take away."""
    from rapidfuzz.distance import Levenshtein

    return np.asarray([Levenshtein.distance(a, b) for a, b in zip(texts, truth, strict=True)], np.float64)


def chrf_counts(text: str, truth: str) -> NDArray[np.float64]:
    """(18,): for each n-gram length how many `text` has, how many `truth` has, and how many they share.

    Counts of several texts add up to those of all (chrF of a corpus). White space does not count.
    """
    a, b = ("".join(part.split()) for part in (text, truth))
    counts: list[int] = []
    for order in range(1, CHRF_ORDER + 1):
        mine, theirs = (Counter(part[i : i + order] for i in range(len(part) - order + 1)) for part in (a, b))
        counts += [mine.total(), theirs.total(), (mine & theirs).total()]
    return np.asarray(counts, np.float64)


def chrf_of(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """(…,) chrF, 0..100, of counts (…, 18). Lengths that either has not are left out, as sacrebleu does."""
    mine, theirs, shared = (counts[..., k::3] for k in range(3))
    known = (mine > 0) & (theirs > 0)
    orders = np.maximum(known.sum(axis=-1), 1)
    precision = np.where(known, shared / np.maximum(mine, 1), 0.0).sum(axis=-1) / orders
    recall = np.where(known, shared / np.maximum(theirs, 1), 0.0).sum(axis=-1) / orders
    factor = CHRF_BETA**2
    below = factor * precision + recall
    return np.asarray(100 * (1 + factor) * precision * recall / np.where(below > 0, below, 1.0), np.float64)


def chrf(text: str, truth: str) -> float:
    """chrF of one text, 0..100; two empty ones are the same."""
    if not text.split() and not truth.split():
        return 100.0
    return float(chrf_of(chrf_counts(text, truth)))
