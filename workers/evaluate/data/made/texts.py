"""Generate sentences of several lengths from a small vocabulary of plain words."""

import numpy as np

SUBJECTS = [
    "the delivery", "my order", "this phone", "the hotel room", "our teacher", "the new update", "a small shop",
    "the battery", "the film", "customer service", "the garden", "this recipe", "the train", "her speech", "the price",
    "a quiet street", "the doctor", "the software",
]  # fmt: skip
VERBS = [
    "arrived", "was", "seems", "looked", "felt", "stayed", "became", "sounded", "turned out", "is still", "has been",
    "remained", "appeared", "proved",
]  # fmt: skip
QUALITIES = [
    "late again", "wonderful", "far too expensive", "broken", "better than expected", "very friendly", "slow",
    "a complete waste of money", "easy to use", "cold and wet", "surprisingly good", "terrible", "fine for the price",
    "boring", "full of mistakes", "great", "unclear", "worth every cent", "not what I wanted", "clean and comfortable",
]  # fmt: skip
LINKS = ["and", "but", "because", "while", "although", "so", "even though", "after", "before", ", and then"]


def make_text(rng: np.random.Generator, words: int) -> str:
    """Return a text of about `words` words, in clauses that are joined to sentences."""
    parts: list[str] = []
    while sum(part.count(" ") + 1 for part in parts) < words:
        if parts:
            parts.append("." if rng.random() < 0.4 else str(rng.choice(LINKS)))
        parts.append(" ".join(str(rng.choice(stock)) for stock in (SUBJECTS, VERBS, QUALITIES)))
    text = " ".join(parts).replace(" .", ".").replace(" ,", ",")
    return ". ".join(part.strip()[:1].upper() + part.strip()[1:] for part in text.split(". ")) + "."
