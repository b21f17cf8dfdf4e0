"""Define kinds of stress for texts: a share of their letters, words or places is changed."""

from collections.abc import Callable
from functools import partial

from workers.contracts.translation import mark
from workers.evaluate.stress.base import SHARE_WORDS, SHARES, Generator, Stress

LOOK_ALIKE = str.maketrans(
    "aceiopsxyABCEHIKMOPTX",
    "\u0430\u0441\u0435\u0456\u043e\u0440\u0455\u0445\u0443\u0410\u0412\u0421\u0415\u041d\u0406\u041a\u041c\u041e\u0420\u0422\u0425",
)
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
KEYS = {
    letter: [row[place] for place in (i - 1, i + 1) if 0 <= place < len(row)]
    for row in ROWS
    for i, letter in enumerate(row)
}
"""The neighbors of each key on its row of the keyboard."""


def _chosen(count: int, share: float, rng: Generator) -> list[int]:
    """Return which of `count` places are changed, in order: a share of them, at least one if there are any."""
    if count == 0:
        return []
    size = min(count, max(1, round(count * share)))
    return sorted(int(place) for place in rng.choice(count, size, replace=False))


def _change_letters(
    text: str, share: float, rng: Generator, may: Callable[[str], bool], change: Callable[[str], str]
) -> str:
    """Apply `change` to a share of the letters that `may` accepts."""
    places = [i for i, letter in enumerate(text) if may(letter)]
    letters = list(text)
    for i in _chosen(len(places), share, rng):
        letters[places[i]] = change(text[places[i]])
    return "".join(letters)


def typos(text: str, share: float, rng: Generator) -> str:
    """Make typing errors: a neighboring key, a doubled letter, a missing letter."""

    def slip(letter: str) -> str:
        kind = int(rng.integers(3))
        if kind == 0 and letter.lower() in KEYS:
            keys = KEYS[letter.lower()]
            key = keys[int(rng.integers(len(keys)))]
            return key.upper() if letter.isupper() else key
        return letter * 2 if kind == 1 else ""

    return _change_letters(text, share, rng, str.isalpha, slip)


def case(text: str, share: float, rng: Generator) -> str:
    """Swap the case of a share of the letters."""
    return _change_letters(text, share, rng, lambda letter: letter.swapcase() != letter, str.swapcase)


def homoglyphs(text: str, share: float, rng: Generator) -> str:
    """Replace letters by letters of other alphabets that look the same."""
    return _change_letters(
        text, share, rng, lambda letter: ord(letter) in LOOK_ALIKE, lambda letter: letter.translate(LOOK_ALIKE)
    )


def spaces(text: str, share: float, rng: Generator) -> str:
    """Remove blanks, double them or put them into words; their number is a share of the words."""
    words = max(1, len(text.split()))
    letters = list(text)
    for place in _chosen(len(letters), share * words / max(1, len(letters)), rng):
        letter = letters[place]
        letters[place] = ("" if rng.random() < 0.5 else "  ") if letter.isspace() else f"{letter} "
    return "".join(letters)


def dropped(text: str, share: float, rng: Generator) -> str:
    """Drop words; at least one word stays."""
    words = text.split()
    gone = set(_chosen(len(words), share, rng)) if len(words) > 1 else set()
    return " ".join(word for i, word in enumerate(words) if i not in gone) if gone else text


_kind = partial(
    Stress, takes="texts", group="text", strengths=SHARES, levels=SHARE_WORDS, quick=(1, 2, 3),
    source=mark("5, 10 and 20 % of the places"),
)  # fmt: skip

KINDS = (
    _kind("text_typos", mark("Typos"), "With typos", typos, source="arXiv 1711.02173"),
    _kind("text_case", "Wrong case", "With letters in wrong case", case),
    _kind("text_spaces", "Stray blanks", "With stray blanks", spaces),
    _kind("text_homoglyphs", "Look-alike letters", "With look-alike letters", homoglyphs, source="arXiv 2106.09898"),
    _kind("text_dropped", "Missing words", "With missing words", dropped),
)
