"""Find texts that are nearly equal: MinHash of word shingles (`datasketch`) selects pairs, Jaccard decides.

Broder 1997, "On the resemblance and containment of documents"; Leskovec, Rajaraman, Ullman, "Mining of Massive
Datasets", chapter 3 (banding).
"""

import re
import unicodedata
from collections.abc import Sequence

from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.translation import mark

STAGE = mark("Looking for texts that are alike")
JACCARD = 0.8
"""Texts with at least this Jaccard similarity count as nearly equal."""
LOOKED_UP = 0.7
"""MinHash only estimates the similarity, so its threshold is a little lower and few pairs are missed."""
PERMUTATIONS = 128
SHINGLE_WORDS = 3
SHORT_WORDS = 8
"""Texts with fewer words are cut into runs of characters, because one different word would change all word shingles."""
SHINGLE_CHARS = 4
FEWEST_SHINGLES = 5
MOST_CHARS = 100_000
"""Of longer texts only the beginning is compared."""
WORD = re.compile(r"\w+")


def normal_text(text: str) -> str:
    """Return the text in one Unicode form, without differences in case and white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def shingles(text: str) -> frozenset[str]:
    """Return runs of three words, or of four characters for a short text."""
    words = WORD.findall(normal_text(text[:MOST_CHARS]))
    if len(words) >= SHORT_WORDS:
        return frozenset(" ".join(words[i : i + SHINGLE_WORDS]) for i in range(len(words) - SHINGLE_WORDS + 1))
    joined = " ".join(words)
    return frozenset(joined[i : i + SHINGLE_CHARS] for i in range(max(1, len(joined) - SHINGLE_CHARS + 1)))


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the Jaccard similarity: shared shingles as a share of all, 0..1."""
    return len(first & second) / max(1, len(first | second))


def near_texts(texts: Sequence[str], ctx: JobContext) -> list[tuple[int, int]]:
    """Return pairs (i, j), i < j, whose shingles agree by at least 80 %, or that differ in case and blanks alone."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=LOOKED_UP, num_perm=PERMUTATIONS)
    sets = [shingles(text) for text in texts]
    plain: dict[str, int] = {}
    pairs: list[tuple[int, int]] = []
    for number, found in enumerate(in_steps(ctx, STAGE, sets, "texts")):
        first = plain.setdefault(normal_text(texts[number]), number)
        if first != number:
            pairs.append((first, number))
        elif len(found) >= FEWEST_SHINGLES:
            sketch = MinHash(num_perm=PERMUTATIONS, seed=1)
            sketch.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in found])
            others = (int(other) for other in index.query(sketch))
            pairs += [(other, number) for other in others if jaccard(sets[other], found) >= JACCARD]
            index.insert(number, sketch)
    return sorted(pairs)
