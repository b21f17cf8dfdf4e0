"""Texts beside texts: what a reader would notice, and the counts that error rates are made of."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

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
"""Words that turn a meaning round (Polarity=Neg of Universal Dependencies): one that is lost or new matters, however
long the text is."""

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
"""Numerals as they are said (NumType=Card of Universal Dependencies), without those that are articles as well (one, un,
ein): in transcripts most numbers are words."""

_UNITS = """
mcg µg mg g kg t lb lbs oz ml cl dl l gal mm cm dm m km ft yd mi ms s sec min h hr hrs W kW MW GW mW Wh kWh MWh V
mV kV A mA Hz kHz MHz GHz Pa hPa kPa bar psi K C F J kJ cal kcal B kB KB MB GB TB bit kbit Mbit Gbit am pm a.m p.m AM PM
k M bn EUR USD GBP CHF JPY
"""
"""Behind a number they are half of what it says: 5 mg are not 5 g (SI Brochure, 9th edition, and what is usual beside).
MW is not mW, so that small and large letters count."""

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]
Step = tuple[str, int, int, int, int]

_LATIN = re.compile(r"[a-z0-9]+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_LONGEST_FIRST = sorted(unicodedata.normalize("NFKC", _UNITS).split(), key=len, reverse=True)
_UNIT = re.compile(rf"(?<=\d) ?({'|'.join(map(re.escape, _LONGEST_FIRST))})(?!\w)")
_MARK = re.compile(r"(?<![\w)])-(?=[.,]?\d)|[%‰°$¢£¥\u20a0-\u20cf]|[<>≤≥±](?= ?\d)")
"""Beside a number: a minus in front of it, percent, degrees, currencies, more or less than."""
_MINUS = re.compile("[\u2212\u2013]")  # the sign itself, and the dash that is set for it

_SIGNS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # of languages that put no blanks between words
_WORD = re.compile(rf"[{_SIGNS}]|[^\W{_SIGNS}]+(?:['’][^\W{_SIGNS}]+)*")

_INSIDE = re.compile(r"(?<=[\w,;)] )[^\W\d_]{2,}(?:['’][^\W\d_]+)*(?![\w'’])")
"""Words behind another word, not at the beginning of a sentence, whole as `_WORD` has them."""


def tidy(text: str) -> str:
    """Compatible letters made the same (NFKC), white space of any kind a single blank."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def words_of(text: str) -> list[str]:
    """Words in small letters, without marks; of Chinese and Japanese single characters."""
    return _words(tidy(text))


def _words(tidied: str) -> list[str]:
    return _WORD.findall(tidied.casefold())


class _Read:
    """A text as it is read, each part worked out once."""

    def __init__(self, text: str) -> None:
        self.tidy = tidy(text)

    @cached_property
    def words(self) -> list[str]:
        return _words(self.tidy)

    @cached_property
    def meaning(self) -> tuple[Counter[str], int]:
        """Numbers with their units and signs, and how many negations."""
        negations = [word for word in self.words if word in NEGATIONS or word.endswith(("n't", "n’t"))]
        numbers = [*_NUMBER.findall(self.tidy), *(word for word in self.words if word in NUMBER_WORDS)]
        signs = _MARK.findall(_MINUS.sub("-", self.tidy))
        return Counter([*numbers, *_UNIT.findall(self.tidy), *signs]), len(negations)

    @cached_property
    def names(self) -> set[str]:
        """Words that begin large within a sentence, in small letters; () where all or nearly all words do."""
        words = _INSIDE.findall(self.tidy)
        large = {word.casefold() for word in words if word[0].isupper()}
        return large if any(word[0].islower() for word in words) else set()

    def turned_round(self, other: "_Read") -> bool:
        if self.meaning != other.meaning:
            return True
        return not (self.names.issubset(other.words) and other.names.issubset(self.words))


def turned_round(old: str, new: str) -> bool:
    """Whether a number, its unit or sign, a negation or a name is lost, new or another one."""
    return _Read(old).turned_round(_Read(new))


def part_missing(old: str, new: str, least: int = 2) -> bool:
    """Whether `least` words in a row are missing or too many, or the first or the last one is missing."""
    words, steps = _steps(old, new)
    inside = any(max(b - a, d - c) >= least for tag, a, b, c, d in steps if tag in ("delete", "insert"))
    return inside or _lacks_an_end(words, steps)


def end_missing(old: str, new: str) -> bool:
    """Whether the first or the last word is missing, alone or with others: what becomes of sound that is cut."""
    return _lacks_an_end(*_steps(old, new))


def _steps(old: str, new: str) -> tuple[list[str], list[Step]]:
    """The words of `old`, and what makes the other text of them, as difflib's opcodes."""
    from rapidfuzz.distance import Levenshtein

    words = words_of(old)
    steps = Levenshtein.opcodes(words, words_of(new))
    return words, [(one.tag, one.src_start, one.src_end, one.dest_start, one.dest_end) for one in steps]


def _lacks_an_end(words: list[str], steps: list[Step]) -> bool:
    return any(tag == "delete" and (start == 0 or end == len(words)) for tag, start, end, _, _ in steps)


def character_distance(old: str, new: str) -> float:
    """Levenshtein's distance as a share of the longer text, 0..1; 0 for two empty ones."""
    from rapidfuzz.distance import Levenshtein

    return float(Levenshtein.normalized_distance(tidy(old), tidy(new)))


def word_distance(old: str, new: str) -> float:
    """The same over words."""
    from rapidfuzz.distance import Levenshtein

    return float(Levenshtein.normalized_distance(words_of(old), words_of(new)))


def compare_texts(
    case: Case,
    severity_of: Callable[[Sequence[str], Sequence[str]], NDArray[np.float64]],
    is_other: Callable[[str, str, float], bool],
    told: str,
    unseen: str,
    loss: Loss | None,
) -> Differences:
    """Items are those where either says anything: silence proves nothing.

    `severity_of` gets the original's texts and the other ones, `is_other` a pair of them with its severity. `told` is
    the sentence on how many are the same, `unseen` the one for items of which the original says nothing at all.
    """
    old, new = case.texts("old"), case.texts("new")
    tidied = list(zip(map(tidy, old), map(tidy, new), strict=True))
    said = np.asarray([bool(a or b) for a, b in tidied], np.bool_)
    kept = np.flatnonzero(said).tolist()
    same = np.asarray([a == b for a, b in tidied], np.bool_)
    severity = severity_of([old[at] for at in kept], [new[at] for at in kept])
    changed = [
        not same[at] and is_other(old[at], new[at], far) for at, far in zip(kept, severity.tolist(), strict=True)
    ]
    alike = int(same[said].sum())
    return Differences(
        case.items[said],
        np.asarray(changed, np.bool_),
        severity,
        similarity=1 - severity,
        loss=loss,
        notes=[told.format(alike, len(kept))] if alike < len(kept) else [],
        unseen="" if any(a for a, _ in tidied) else unseen.format(len(tidied)),
    )


def references(case: Case) -> list[str] | None:
    """The right texts of the items, "" where one has none; None where all lack them."""
    texts = [" ".join((item.transcript or item.group).split()) for item in case.facts]
    return texts if any(texts) else None


def edit_counts(old: Sequence[str], new: Sequence[str], truth: Sequence[str], *, by_word: bool) -> NDArray[np.float64]:
    """(n, 3): words (parted by blanks) or characters to change, add or take away in both models' texts, and how many
    the right ones have."""
    from rapidfuzz.distance import Levenshtein

    def split(text: str) -> Sequence[str]:
        return text.split() if by_word else " ".join(text.split())

    rows = [
        [Levenshtein.distance(split(a), split(c)), Levenshtein.distance(split(b), split(c)), len(split(c))]
        for a, b, c in zip(old, new, truth, strict=True)
    ]
    return np.asarray(rows, np.float64)


def rouge_l(text: str, truth: str) -> float:
    """F1 of the longest common subsequence of words (Lin 2004, W04-1013), 0..1; words are small letters and figures
    of the Latin alphabet as rouge-score takes them, any others where there are none of these."""
    from rapidfuzz.distance import LCSseq

    a, b = (_LATIN.findall(part.lower()) or words_of(part) for part in (text, truth))
    shared = LCSseq.similarity(a, b)
    return 2 * shared / (len(a) + len(b)) if shared else 0.0


def text_loss(
    case: Case,
    counts: NDArray[np.float64],
    value: Callable[[NDArray[np.float64]], Pair],
    also: Callable[[str, str], bool] | None = None,
) -> Loss | None:
    """A continuous score by references: `counts` (n, k) of the items that have one (NaN for others) add up to what
    `value` turns (…, k) into both models' scores, larger for better.

    A lost “not” is three of a hundred letters, so that such a score hardly sees it: texts whose numbers, negations and
    names were right and are not any more count as lost wholly, those that became right as gained, and the larger loss
    decides. Where both differ from what is right, another number is lost, too: the right text may spell what the
    original writes in digits. `also(right, text)` says what else is wrong wholly.
    """
    known = np.isfinite(counts).all(axis=1)
    if not known.any():
        return None
    lost = _meanings_lost(case, also)[known]
    before, after = value(counts[known].sum(axis=0, keepdims=True))
    drawn = bootstrap_sums(np.column_stack([counts[known], lost]), case.seed)
    drawn_before, drawn_after = value(drawn[:, :-1])
    original = float(before[0])
    drop, draws = original - float(after[0]), drawn_before - drawn_after
    if lost.any():
        drop = max(drop, float(lost.mean()) * original)
        draws = np.maximum(draws, drawn[:, -1] / len(lost) * original)
    return Loss("texts", original, drop, draws, int(known.sum()))


def _meanings_lost(case: Case, also: Callable[[str, str], bool] | None) -> NDArray[np.float64]:
    """(n,): 1 where the version's text means neither what the right one does nor what the original's does, −1 where it
    became right."""
    truth = references(case) or [""] * len(case.items)
    rows = np.zeros(len(truth))
    for at, texts in enumerate(zip(truth, case.texts("old"), case.texts("new"), strict=True)):
        if texts[0]:
            right, old, new = map(_Read, texts)
            was, is_now = right.turned_round(old), right.turned_round(new)
            if was and is_now:
                rows[at] = float(old.turned_round(new))
                continue
            if also is not None:
                was, is_now = was or also(texts[0], texts[1]), is_now or also(texts[0], texts[2])
            rows[at] = float(is_now) - float(was)
    return rows
