"""Slips of fingers: a neighboring key, a letter twice, a letter less (after Belinkov and Bisk, arXiv 1711.02173)."""

from workers.evaluate.stress.base import SHARE_WORDS, SHARES, Generator, Stress
from workers.evaluate.stress.letters import change_letters, one_of

ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
KEYS = {
    letter: [row[place] for place in (i - 1, i + 1) if 0 <= place < len(row)]
    for row in ROWS
    for i, letter in enumerate(row)
}


def _slip(letter: str, rng: Generator) -> str:
    kind = int(rng.integers(3))
    if kind == 0 and letter.lower() in KEYS:
        key = one_of(KEYS[letter.lower()], rng)
        return key.upper() if letter.isupper() else key
    return letter * 2 if kind == 1 else ""


def apply(text: str, severity: int, rng: Generator) -> str:
    return change_letters(text, SHARES[severity - 1], rng, str.isalpha, _slip)


STRESS = Stress(
    "text_typos", "Typos", "With typos", "texts", "text", "arXiv 1711.02173", 10, SHARE_WORDS, (1, 2, 3), apply
)
