"""Words that are missing; one always stays."""

from workers.evaluate.stress.base import SHARE_WORDS, SHARES, Generator, Stress
from workers.evaluate.stress.letters import SOURCE, chosen


def apply(text: str, severity: int, rng: Generator) -> str:
    words = text.split()
    gone = set(chosen(len(words), SHARES[severity - 1], rng)) if len(words) > 1 else set()
    return " ".join(word for i, word in enumerate(words) if i not in gone) if gone else text


STRESS = Stress(
    "text_dropped", "Missing words", "With missing words", "texts", "text", SOURCE, 14, SHARE_WORDS, (1, 2, 3), apply
)
