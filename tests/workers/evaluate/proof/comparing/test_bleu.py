"""BLEU of a corpus compared with sacrebleu, for texts with many, short and no matches."""

import numpy as np
import pytest
import sacrebleu

from workers.evaluate.proof.comparing.bleu import bleu_counts, bleu_of

RIGHT = [
    "The cat sat on the mat, and nobody minded.", 'It costs 1,234.50 euros - or 3-4 dollars; isn\'t that "fine"?',
    "Where is the nearest station, please?", "A &amp; B said: no.",
]  # fmt: skip
NEAR = [
    "The cat sat on a mat and nobody minded it.", 'It costs 1,234.50 euro - or 3-4 dollars; is that "fine"?',
    "Where is the station?", "A & B said no.",
]  # fmt: skip
SHORT = ["The cat.", "It costs euros.", "station", "no"]


@pytest.mark.parametrize("texts", [RIGHT, NEAR, SHORT, ["x y z"] * 4, RIGHT[::-1], [""] * 4])
def test_bleu_of_a_corpus_is_sacrebleus(texts: list[str]) -> None:
    """Given texts near and far, then the value of all of them together is the reference's."""
    wanted = sacrebleu.corpus_bleu(texts, [RIGHT]).score
    assert float(bleu_of(bleu_counts(texts, RIGHT).sum(axis=0))) == pytest.approx(wanted, abs=1e-9)


def test_bleu_of_several_sums_is_that_of_each() -> None:
    """Given sums of several draws, then each has its own value."""
    both = np.stack([bleu_counts(texts, RIGHT).sum(axis=0) for texts in (RIGHT, NEAR)])
    assert bleu_of(both).tolist() == [float(bleu_of(row)) for row in both] and bleu_of(both)[0] == pytest.approx(100)
