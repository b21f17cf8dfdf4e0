"""In which order versions are tested, and where the testing ends: a fixed sequence.

Every version that is judged on the same items is a chance to be wrong: of ten that lose what the limit allows, one is
called safe in a third of all runs. A fixed sequence (Learn then Test, arXiv 2110.01052, section 4.2; Maurer, Hothorn
and Lehmacher 1995) errs no more often than a single test: the order is set before any test item is looked at, each
version is tested at the full level, and the first that is not safe ends it. The order is by how much each changed on
the calibration items.

A version that is no better than one before it is left out: where its turn came, that one would be safe already. What is
left gets better step by step, so that the last safe one is the best of all.
"""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.choose import FEWER, TIE_SHARE, Objective, cost_of, exactness, is_gain, is_safe
from app.domain.proof.examples import least_to_prove
from app.domain.screening import Screening, Untested
from app.domain.variant import Variant


@dataclass(frozen=True)
class Sequenced:
    """Gains in the order in which they are tested, and those that are `dominated` by one before them."""

    tested: tuple[Variant, ...]
    dominated: tuple[Variant, ...]


def sequence_of(versions: Sequence[Variant], objective: Objective) -> Sequenced:
    """By the share that changed on the calibration items, then by how exact the numbers are, then the better one first;
    where there are no such items by exactness alone, as they were planned. Nothing of that comes from a test item. What
    the calibration items refuse is not in it."""
    gains = [v for v in versions if not v.is_baseline and v.state != "dropped" and is_gain(v, objective)]
    gains = [v for v in gains if v.screening is None or not v.screening.regressed]
    gains.sort(key=lambda version: _place(version, objective))
    tested: list[Variant] = []
    dominated: list[Variant] = []
    for version in gains:
        is_better = not tested or cost_of(version, objective) * (1 + TIE_SHARE) < cost_of(tested[-1], objective)
        (tested if is_better else dominated).append(version)
    return Sequenced(tuple(tested), tuple(dominated))


def _place(version: Variant, objective: Objective) -> tuple[float, tuple[int, int], float, int]:
    screening = version.screening or Screening()
    return screening.share, _exactness(version), cost_of(version, objective) if screening.n else 0.0, version.index


def _exactness(version: Variant) -> tuple[int, int]:
    """Smaller is more exact: 32 bits, 16 bits, then more bits before fewer; what is not known comes last."""
    bits = [int(number) for number in re.findall(r"\d+", version.precision)]
    kind = exactness(version)
    return kind, -min(bits, default=0) if kind == FEWER else 0


def can_prove(items: int, limit_pct: float, level: float) -> bool:
    """Whether so many items prove the limit at all, where none changes: known before any is looked at. Where they do
    not, no version can be called safe, so that all may be looked at."""
    needed = least_to_prove(limit_pct, level)
    return needed is not None and items >= needed


def capped(version: Variant) -> Variant:
    """A version behind the end of the sequence: its figures are told, and nothing is proven by them."""
    if not is_safe(version) or version.judgement is None:
        return version
    judgement = version.judgement.model_copy(update={"verdict": "not_enough_data"})
    return dataclasses.replace(version, judgement=judgement)


def not_tested(version: Variant, why: Untested) -> Variant:
    """The version without a verdict of this sequence, and why; one of before is told, and proves nothing."""
    screening = (version.screening or Screening()).model_copy(update={"untested": why})
    return dataclasses.replace(capped(version), screening=screening)
