"""Compare texts: find differences that a reader would notice, and count the edits for error rates."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workers.contracts.translation import _, mark
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, Loss
from workers.evaluate.proof.stats import bootstrap_sums

_NEGATIONS = """
no not never nothing nobody none neither nor cannot without nicht nichts nie niemals niemand kein keine keinen keinem
keiner keines ohne ne pas jamais rien aucun aucune sans ni non nunca nada nadie ninguno ninguna sin não nenhum nenhuma
sem mai niente nessuno nessuna senza niet geen nooit zonder ingen inget aldrig ikke не нет никогда ничего без nigdy bez
不 没 無 未
"""
NEGATIONS = frozenset(_NEGATIONS.split())
"""Words that negate a meaning (Polarity=Neg of Universal Dependencies). A lost or new one matters, however long the
text is.
"""

_NUMBER_WORDS = """
two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion first third half
zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig
neunzig hundert tausend deux trois quatre cinq sept huit neuf dix onze douze treize quatorze quinze seize vingt trente
quarante cinquante soixante mille dos tres cuatro cinco seis siete ocho nueve diez doce trece catorce quince veinte
treinta cuarenta cincuenta sesenta setenta ochenta noventa cien ciento mil tre quattro cinque sette otto nove
dieci undici dodici venti trenta quaranta cinquanta cento dois duas três quatro sete oito dez onze vinte trinta
quarenta twee drie vijf zes zeven acht negen tien twaalf twintig dertig veertig vijftig honderd duizend два три четыре
пять шесть семь восемь девять десять двадцать тридцать сорок пятьдесят сто тысяча
二 三 四 五 六 七 八 九 十 百 千 万 億 亿
"""
NUMBER_WORDS = frozenset(_NUMBER_WORDS.split())
"""Spoken numerals (NumType=Card of Universal Dependencies), because most numbers in transcripts are words. Words that
are articles as well (one, un, ein) are left out.
"""

_UNITS = """
mcg µg mg g kg t lb lbs oz ml cl dl l gal mm cm dm m km ft yd mi ms s sec min h hr hrs W kW MW GW mW Wh kWh MWh V
mV kV A mA Hz kHz MHz GHz Pa hPa kPa bar psi K C F J kJ cal kcal B kB KB MB GB TB bit kbit Mbit Gbit am pm a.m p.m AM PM
k M bn EUR USD GBP CHF JPY
"""
"""Units after a number are half of its meaning: 5 mg are not 5 g (SI Brochure, 9th edition, and further common units).
Upper and lower case matter, since MW is not mW.
"""

FITTING_ERROR = 0.9
"""With more of the error by the references of other items, the references do not fit."""

MISFIT = mark(
    "By the reference texts the original is hardly better than with those of other examples: the texts, their order or "
    "the preparation probably do not fit. Changed results decide instead of the labels."
)

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]
Step = tuple[str, int, int, int, int]

_LATIN = re.compile(r"[a-z0-9]+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_LONGEST_FIRST = sorted(unicodedata.normalize("NFKC", _UNITS).split(), key=len, reverse=True)
_UNIT = re.compile(rf"(?<=\d) ?({'|'.join(map(re.escape, _LONGEST_FIRST))})(?!\w)")
_MARK = re.compile(r"(?<![\w)])-(?=[.,]?\d)|[%‰°$¢£¥\u20a0-\u20cf]|[<>≤≥±](?= ?\d)")
"""Signs next to a number: a minus in front of it, percent, degrees, currencies, more or less than."""
_DEBRIS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff\ufffd\u202a-\u202e\u2066-\u2069]|<[|/]?\w{1,30}\|?>")
"""What only a broken decoder leaves in a text: bytes that are no letter, control characters, also those that turn the
direction of a line, and names of tokens such as </s> and <unk>."""

_QUESTION, _END = re.compile(r"[?？؟¿\u037e]"), re.compile(r"[.!?…。！？؟\u037e]\W*$")
"""Marks of a question, the last one Greek, and the mark at the end of a text."""
_NEXT_LINE, _INDENT = re.compile(r"\n"), re.compile(r"\n(?: {2}|\t)")

_PAUSE = re.compile(r"[.,;:!?。，、；：！？…]")

_MINUS = re.compile("[\u2212\u2013]")  # The minus sign and the dash that is often set for it.

_SIGNS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # Characters of languages that do not separate words by blanks.
_WORD = re.compile(rf"[{_SIGNS}]|[^\W{_SIGNS}]+(?:['’][^\W{_SIGNS}]+)*")

_INSIDE = re.compile(r"(?<=[\w,;)] )[^\W\d_]{2,}(?:['’][^\W\d_]+)*(?![\w'’])")
"""Words after another word, so not at the beginning of a sentence, complete as in `_WORD`."""


def tidy(text: str) -> str:
    """Return the text with compatible letters unified (NFKC) and each run of white space as a single blank."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def words_of(text: str) -> list[str]:
    """Return the words in lower case without punctuation; in Chinese and Japanese, each character is a word."""
    return _words(tidy(text))


def _words(tidied: str) -> list[str]:
    return _WORD.findall(tidied.casefold())


class _Text:
    """A text with its words, numbers and names, each computed once."""

    def __init__(self, text: str) -> None:
        self.tidy = tidy(text)

    @cached_property
    def words(self) -> list[str]:
        return _words(self.tidy)

    @cached_property
    def meaning(self) -> tuple[Counter[str], int]:
        """Return the numbers with their units and signs, marks of a broken decoder, and the number of negations."""
        negations = [word for word in self.words if word in NEGATIONS or word.endswith(("n't", "n’t"))]
        numbers = [*_NUMBER.findall(self.tidy), *(word for word in self.words if word in NUMBER_WORDS)]
        signs = _MARK.findall(_MINUS.sub("-", self.tidy))
        return Counter([*numbers, *_UNIT.findall(self.tidy), *signs, *_DEBRIS.findall(self.tidy)]), len(negations)

    @cached_property
    def names(self) -> set[str]:
        """Return capitalized words within a sentence, in lower case; an empty set if all such words are capitalized."""
        words = _INSIDE.findall(self.tidy)
        large = {word.casefold() for word in words if word[0].isupper()}
        return large if any(word[0].islower() for word in words) else set()

    def meaning_changed(self, other: "_Text") -> bool:
        if self.meaning != other.meaning:
            return True
        return not (self.names.issubset(other.words) and other.names.issubset(self.words))


def meaning_changed(old: str, new: str) -> bool:
    """Return whether a number, its unit or sign, a negation or a name is lost, new or different."""
    return _Text(old).meaning_changed(_Text(new))


def form_lost(old: str, new: str) -> bool:
    """Return whether a reader would see another form of the text, although its words may be the same.

    All capitals, marks between words, line breaks or indentations are lost, of two and more; a question became a
    statement, or the other way round; or a word is said twice. A mark that is lost at the end is not noticed.
    """
    if sum(map(str.isupper, old)) > 1 and not any(map(str.isupper, new)):
        return True
    before, after = old.strip(), new.strip()
    if any(len(form.findall(before)) > 1 and not form.search(after) for form in (_PAUSE, _NEXT_LINE, _INDENT)):
        return True
    asks = bool(_QUESTION.search(before)) != bool(_QUESTION.search(after))
    is_other = asks and bool(_END.search(before) and _END.search(after))
    return is_other or _said_twice(new) > _said_twice(old)


def _said_twice(text: str) -> int:
    return sum(a == b and len(a) > 1 for a, b in pairwise(words_of(text)))


def words_missing(old: str, new: str) -> bool:
    """Return whether two words in a row are missing or added, or the first or the last word is missing."""
    words, steps = _steps(old, new)
    inside = any(max(b - a, d - c) >= 2 for tag, a, b, c, d in steps if tag in ("delete", "insert"))
    return inside or _lacks_an_end(words, steps)


def end_missing(old: str, new: str) -> bool:
    """Return whether the first or the last word is missing, as happens to the transcript of a cut recording."""
    return _lacks_an_end(*_steps(old, new))


def _steps(old: str, new: str) -> tuple[list[str], list[Step]]:
    """Return the words of `old`, and the steps that turn them into the other text, in the form of difflib's opcodes."""
    from rapidfuzz.distance import Levenshtein

    words = words_of(old)
    steps = Levenshtein.opcodes(words, words_of(new))
    return words, [(one.tag, one.src_start, one.src_end, one.dest_start, one.dest_end) for one in steps]


def _lacks_an_end(words: list[str], steps: list[Step]) -> bool:
    return any(tag == "delete" and (start == 0 or end == len(words)) for tag, start, end, _, _ in steps)


def character_distance(old: str, new: str) -> float:
    """Return Levenshtein's distance in characters as a share of the longer text, 0..1; 0 for two empty texts."""
    from rapidfuzz.distance import Levenshtein

    return float(Levenshtein.normalized_distance(tidy(old), tidy(new)))


def word_distance(old: str, new: str) -> float:
    """Return Levenshtein's distance in words as a share of the longer text, 0..1."""
    from rapidfuzz.distance import Levenshtein

    return float(Levenshtein.normalized_distance(words_of(old), words_of(new)))


def compare_texts(
    case: Case, severity_of: Callable[[Sequence[str], Sequence[str]], NDArray[np.float64]],
    is_other: Callable[[str, str, float], bool], same_note: str, unseen: str, scored: tuple[Loss | None, list[str]],
) -> Differences:  # fmt: skip
    """Compare both models' texts over the items where either gives any text, because silence proves nothing.

    Args:
        case: Predictions of both models.
        severity_of: Function from the original's and the version's texts to severities (n,).
        is_other: Function that decides for two texts and their severity whether the result changed.
        same_note: Sentence about how many texts are equal.
        unseen: Sentence for items for which the original gives no text at all.
        scored: Loss of a score by labels, if known, and notes about it, see `text_loss`.
    """
    old, new = case.texts("old"), case.texts("new")
    tidied = list(zip(map(tidy, old), map(tidy, new), strict=True))
    has_text = np.asarray([bool(a or b) for a, b in tidied], np.bool_)
    kept = np.flatnonzero(has_text).tolist()
    same = np.asarray([a == b for a, b in tidied], np.bool_)
    severity = severity_of([old[at] for at in kept], [new[at] for at in kept])
    changed = [
        old[at] != new[at] and is_other(old[at], new[at], far) for at, far in zip(kept, severity.tolist(), strict=True)
    ]
    alike = int(same[has_text].sum())
    return Differences(
        case.items[has_text], np.asarray(changed, np.bool_), severity, similarity=1 - severity, loss=scored[0],
        notes=[*([same_note.format(alike, len(kept))] if alike < len(kept) else []), *scored[1]],
        unseen="" if any(a for a, _ in tidied) else unseen.format(len(tidied)),
    )  # fmt: skip


def references(case: Case) -> list[str] | None:
    """Return the reference texts, "" where an item has none; None if all lack them."""
    texts = [" ".join((item.transcript or item.group).split()) for item in case.facts]
    return texts if any(texts) else None


def scored_texts(case: Case) -> tuple[list[str], list[str], list[str], bool]:
    """Return the texts of both models, the right texts, and whether these are labels.

    Without references the texts of the original are the right ones. Items without a right text are left out.
    """
    truth = references(case)
    right = truth or case.texts("old")
    at = [i for i, text in enumerate(right) if text.strip()]
    old, new = ([case.texts(which)[i] for i in at] for which in ("old", "new"))
    return old, new, [right[i] for i in at], truth is not None


def edit_counts(old: Sequence[str], new: Sequence[str], truth: Sequence[str], *, by_word: bool) -> NDArray[np.float64]:
    """Return the edit counts of each item, (n, 3).

    Args:
        old: Texts of the original.
        new: Texts of the version.
        truth: Reference texts.
        by_word: Count words (separated by blanks) instead of characters.

    Returns:
        Edits from the original's text and from the version's text to the reference, and the length of the reference.
    """
    from rapidfuzz.distance import Levenshtein

    def split(text: str) -> Sequence[str]:
        return text.split() if by_word else " ".join(text.split())

    rows = [
        [Levenshtein.distance(split(a), split(c)), Levenshtein.distance(split(b), split(c)), len(split(c))]
        for a, b, c in zip(old, new, truth, strict=True)
    ]
    return np.asarray(rows, np.float64)


def rouge_l(text: str, truth: str) -> float:
    """Return ROUGE-L: F1 of the longest common subsequence of words (Lin 2004, W04-1013), 0..1.

    Words consist of lower-case letters and digits of the Latin alphabet, as in rouge-score. Texts without such words
    use all other words.
    """
    from rapidfuzz.distance import LCSseq

    a, b = (_LATIN.findall(part.lower()) or words_of(part) for part in (text, truth))
    shared = LCSseq.similarity(a, b)
    return 2 * shared / (len(a) + len(b)) if shared else 0.0


def text_loss(
    case: Case, count: Callable[[Sequence[str]], NDArray[np.float64]], value: Callable[[NDArray[np.float64]], Pair]
) -> tuple[Loss | None, list[str]]:
    """Return the loss of a continuous score by reference texts, and notes; no loss if no item has one.

    There is none either if the original's texts are hardly nearer to their own references than to those of the next
    items: by references that do not fit, no version is worse.

    A lost “not” is three of a hundred letters, so that such a score hardly notices it. Texts whose numbers, negations
    and names were right and no longer are therefore count as lost completely. Those that became right count as gained,
    and the larger loss decides. If both models differ from the reference, a number that differs between them counts as
    lost, too: the reference may spell out the digits of the original. A text that lost its beginning or its end counts
    as lost completely as well, because one word of forty hardly shows.

    Args:
        case: Predictions of both models.
        count: Function from the n references to counts (n, k) of the items. Counts of several items add up.
        value: Function from sums of counts (…, k) to both models' scores, larger is better.
    """
    truth = references(case)
    if truth is None:
        return None, []
    known = np.asarray([bool(text) for text in truth], np.bool_)
    counts, lost = count(truth)[known], _meanings_lost(case, truth)[known]
    before, after = value(counts.sum(axis=0, keepdims=True))
    if 1 - before[0] > FITTING_ERROR * (1 - value(_of_others(count, truth, known))[0][0]):
        return None, [_(MISFIT)]
    drawn = bootstrap_sums(np.column_stack([counts, lost]), case.seed)
    drawn_before, drawn_after = value(drawn[:, :-1])
    original = float(before[0])
    drop, draws = original - float(after[0]), drawn_before - drawn_after
    if lost.any():
        drop = max(drop, float(lost.mean()) * original)
        draws = np.maximum(draws, drawn[:, -1] / len(lost) * original)
    return Loss("texts", original, drop, draws, int(known.sum())), []


def _of_others(
    count: Callable[[Sequence[str]], NDArray[np.float64]], truth: Sequence[str], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the summed counts (1, k) if each text with a reference had that of the next one."""
    others, at = list(truth), np.flatnonzero(known)
    for mine, theirs in zip(at.tolist(), np.roll(at, 1).tolist(), strict=True):
        others[mine] = truth[theirs]
    return np.asarray(count(others)[known].sum(axis=0, keepdims=True), np.float64)


def _meanings_lost(case: Case, truth: Sequence[str]) -> NDArray[np.float64]:
    """Return the lost meanings (n,): 1 where lost, −1 where the version's text became right.

    A meaning is lost if the version's text means neither the same as the reference nor the same as the original's text.
    """
    rows = np.zeros(len(truth))
    for at, texts in enumerate(zip(truth, case.texts("old"), case.texts("new"), strict=True)):
        if texts[0]:
            right, old, new = map(_Text, texts)
            if form_lost(texts[1], texts[2]) and not form_lost(texts[0], texts[1]):
                rows[at] = 1.0
                continue
            was, is_now = right.meaning_changed(old), right.meaning_changed(new)
            if was and is_now:
                rows[at] = float(old.meaning_changed(new))
                continue
            was, is_now = was or end_missing(texts[0], texts[1]), is_now or end_missing(texts[0], texts[2])
            rows[at] = float(is_now) - float(was)
    return rows
