"""Blanks that are missing, doubled or in the middle of a word."""

from workers.evaluate.stress.base import SHARE_WORDS, SHARES, Generator, Stress
from workers.evaluate.stress.letters import SOURCE, chosen


def apply(text: str, severity: int, rng: Generator) -> str:
    words = max(1, len(text.split()))
    letters = list(text)
    for place in chosen(len(letters), SHARES[severity - 1] * words / max(1, len(letters)), rng):
        letter = letters[place]
        letters[place] = ("" if rng.random() < 0.5 else "  ") if letter.isspace() else f"{letter} "
    return "".join(letters)


STRESS = Stress(
    "text_spaces", "Stray blanks", "With stray blanks", "texts", "text", SOURCE, 12, SHARE_WORDS, (1, 2, 3), apply
)
