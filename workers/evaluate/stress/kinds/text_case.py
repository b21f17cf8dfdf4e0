"""Letters that are large instead of small, and the other way round."""

from workers.evaluate.stress.base import SHARE_WORDS, SHARES, Generator, Stress
from workers.evaluate.stress.letters import SOURCE, change_letters


def apply(text: str, severity: int, rng: Generator) -> str:
    return change_letters(text, SHARES[severity - 1], rng, lambda a: a.swapcase() != a, lambda a, _rng: a.swapcase())


STRESS = Stress(
    "text_case", "Wrong case", "With letters in wrong case", "texts", "text", SOURCE, 11, SHARE_WORDS, (1, 2, 3), apply
)
