"""Letters of other alphabets that look the same (after Boucher and others, "Bad Characters", arXiv 2106.09898)."""

from workers.evaluate.stress.base import SHARE_WORDS, SHARES, Generator, Stress
from workers.evaluate.stress.letters import change_letters

LOOK_ALIKE = str.maketrans(
    "aceiopsxyABCEHIKMOPTX",
    "\u0430\u0441\u0435\u0456\u043e\u0440\u0455\u0445\u0443\u0410\u0412\u0421\u0415\u041d\u0406\u041a\u041c\u041e\u0420\u0422\u0425",
)


def apply(text: str, severity: int, rng: Generator) -> str:
    return change_letters(
        text,
        SHARES[severity - 1],
        rng,
        lambda letter: ord(letter) in LOOK_ALIKE,
        lambda letter, _rng: letter.translate(LOOK_ALIKE),
    )


STRESS = Stress(
    "text_homoglyphs", "Look-alike letters", "With look-alike letters", "texts", "text", "arXiv 2106.09898", 13,
    SHARE_WORDS, (1, 2, 3), apply,
)  # fmt: skip
