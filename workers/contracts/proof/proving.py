"""Contracts of proofs: levels of looks, fingerprints of examples, and examples added to a run later."""

import math

from workers.contracts.base import Frozen

LEAST_TEXTS = 30
"""Minimum number of texts for a language model: positions count, but those of one text depend on each other."""

LEAST_EFFECT = 5.0
"""Minimum divisor of the number of positions (`workers.evaluate.proof.differences.Units`)."""

FIRST_LEVEL, LATER_LEVEL = 0.04, 0.01
"""One-sided levels of a verdict's average: of the first look at items, and of all later ones together."""


def level_of_look(earlier: int) -> float:
    """Return the one-sided level of a look at items after `earlier` looks.

    The levels are 0.04, then 0.01·6/(π²k²) for k = `earlier`. They add up to at most 0.05 for any number of looks
    (Bonferroni over a convergent series).
    """
    return FIRST_LEVEL if earlier == 0 else LATER_LEVEL * 6 / (math.pi**2 * earlier**2)


class ItemsParams(Frozen):
    """Test items of `data_dir`: the kind ``fresh`` finds those whose model inputs are in no folder of `known`.

    The kind ``fingerprints`` hashes the model inputs of all of them.
    """

    data_dir: str
    known: tuple[str, ...] = ()


class FreshResult(Frozen):
    """Result of the kind ``fresh``: numbers of new test items; the others were used for a test or for tuning before."""

    items: tuple[int, ...]
    in_test: int = 0
    in_calibration: int = 0


NOBODYS = 0
"""Fingerprint of items that do not identify a set."""


class FingerprintsResult(Frozen):
    """Result of the kind ``fingerprints``.

    Attributes:
        path: File with (n,) uint64: the low 64 bits of each item's digest, which is the same for equal model inputs.
            `NOBODYS` marks items that Fettle adds to every set.
    """

    path: str = "fingerprints.npy"
    n: int


class PredictionPair(Frozen):
    """Examples with the predictions of both versions.

    Attributes:
        items: Numbers of the items that count; None means all.
        first_number: Offset from an item's position to its number in a table of all examples.
    """

    data_dir: str
    original_answers: str
    variant_answers: str
    items: tuple[int, ...] | None = None
    first_number: int = 0
