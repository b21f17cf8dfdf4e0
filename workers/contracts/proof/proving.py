"""What a proof is made of: levels of looks, fingerprints of examples, and examples that are added to a run later."""

import math

from workers.contracts.base import Frozen

LEAST_TEXTS = 30
"""Of a language model's, at least: their places count, but those of one text depend on each other."""

LEAST_EFFECT = 5.0
"""What the number of places is divided by at least (`workers.evaluate.proof.differences.Units`)."""

FIRST_LEVEL, LATER_LEVEL = 0.04, 0.01
"""One-sided levels of a verdict's average: of the first look at some items, and of all later ones together."""


def level_of_look(earlier: int) -> float:
    """One-sided level of a look at items that were looked at so many times before: .04, then .01·6/(π²k²), which add up
    to .05 however many there are (Bonferroni over a convergent series).
    """
    return FIRST_LEVEL if earlier == 0 else LATER_LEVEL * 6 / (math.pi**2 * earlier**2)


class FreshParams(Frozen):
    """kind ``fresh``: the test items of `data_dir` that are, to the model, in none of the data folders `known`."""

    data_dir: str
    known: tuple[str, ...]


class FreshResult(Frozen):
    """`items` are numbers of test items; the others were tested with already, or a version was tuned with them."""

    items: tuple[int, ...]
    in_test: int = 0
    in_calibration: int = 0


NOBODYS = 0
"""The fingerprint of an item by which no set is known again."""


class FingerprintsParams(Frozen):
    """kind ``fingerprints``: of the test items of `data_dir`, by what the model gets; writes `path`."""

    data_dir: str


class FingerprintsResult(Frozen):
    """`path` holds (n,) uint64: the low 64 bits of each item's digest, which is the same for what is the same to the
    model; `NOBODYS` for items that every set gets from Fettle.
    """

    path: str = "fingerprints.npy"
    n: int


class JudgePart(Frozen):
    """More examples with both answers; only `items` of them count."""

    data_dir: str
    original_answers: str
    variant_answers: str
    items: tuple[int, ...]
