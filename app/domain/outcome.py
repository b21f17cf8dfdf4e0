"""How a run ended, as one value: headline, pages, badges, JSON and exit code are all made from it.

Nothing here is stored twice: an outcome follows from the versions and from what the search kept (`SearchEnd`), so it
stays true where more examples or more time change either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from app.domain.choose import (
    FEWER,
    Objective,
    choose,
    cost_of,
    exactness,
    is_as_good,
    is_gain,
    is_regressed,
    is_safe,
    is_unsettled,
    looks_better,
    looks_like_gain,
    may_be_safe,
    may_win,
    needs_quiet,
)
from app.domain.variant import Variant
from workers.contracts.base import Frozen
from workers.contracts.planning import Reason


class Ending(StrEnum):
    """`unsettled`: a version looked better and answers alike, but that was not shown beside the original; `busy`: and
    only other programs left it open. `untested`: it is better, and its answers were not tested. `built`:
    engines were built for cards that are not here, so that nothing could be measured. `none_fits`: none of the goal's
    ways is for this model and this computer. `few_examples`: one is better, and so few examples tell nothing about
    its answers.
    """

    PROVEN = "proven"
    ALIKE = "alike_not_proven"
    NOTHING_FASTER = "nothing_faster"
    UNSETTLED = "unsettled"
    UNTESTED = "untested"
    BUSY = "busy"
    TIME_UP = "time_up"
    NOTHING_TRIED = "nothing_tried"
    BUILT = "built"
    NONE_FITS = "none_fits"
    FEW_EXAMPLES = "few_examples"


FinalState = Literal["none", "done", "cut_off"]


class Round(Frozen):
    """One measurement in turn: of which versions (the original apart), in how many sets of processes."""

    number: int
    variant_ids: tuple[str, ...]
    sets: int
    blocks: int


class SearchEnd(Frozen):
    """What a search keeps of its time. `untried` ways were not begun, or were cut off, because it was up.

    `limit_s` is the time that it had in all, None for no limit. `more_s` is about how long the rest would take, None
    where nothing is left to do. `went_on_s` are the seconds that were given later, each time. `built_for` names the
    architectures (``sm89``) of cards elsewhere that engines were built for; nothing was measured then. `none_fits` says
    why the goal's first way cannot be tried, where none can. `few_items` are the test examples, where they are so few
    that rounded numbers can neither be proven nor be recommended unproven, None where there are more; `enough_items`
    would do.

    `spare_s` is what was left of its time when it ended, None without a limit.
    `busy_tries` is how many runs of the project in a row, with this one, other programs left without a verdict;
    `disturbed_by` names these programs, the busiest first.
    """

    planned: int = 0
    untried: int = 0
    final: FinalState = "none"
    limit_s: float | None = None
    more_s: float | None = None
    rounds: tuple[Round, ...] = ()
    went_on_s: tuple[float, ...] = ()
    built_for: tuple[str, ...] = ()
    none_fits: Reason | None = None
    few_items: int | None = None
    enough_items: int = 0
    busy_tries: int = 0
    spare_s: float | None = None
    disturbed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """`best` is recommended; `open` are versions that looked better than it (or than the original) and are not settled.
    `built` are versions with engines for cards elsewhere.

    `tried` versions have figures. `untested` are gains whose answers were not tested and that are better than `best`,
    the best last. `short` are those about which so few examples tell nothing (`few_items` of them). `more_s` is None
    where more time would change nothing.
    """

    ending: Ending
    best: Variant | None
    open: tuple[Variant, ...]
    tried: int
    end: SearchEnd
    untested: tuple[Variant, ...] = ()
    built: tuple[Variant, ...] = ()
    short: tuple[Variant, ...] = ()
    few_items: int | None = None

    @property
    def can_go_on(self) -> bool:
        """More time could change the result."""
        return self.end.more_s is not None

    @property
    def chosen_from(self) -> int:
        """How many versions the recommended one is the best of: who is chosen looks better than it is. 0 for none."""
        return self.tried if self.best is not None else 0

    @property
    def is_undecided(self) -> bool:
        """Nothing is recommended, and a version that is or looked faster was not refuted: no reason to keep the
        original for good.
        """
        return self.ending in (Ending.UNSETTLED, Ending.UNTESTED, Ending.BUSY)

    @property
    def is_recommended(self) -> bool:
        """A version is recommended: exit code 0."""
        return self.best is not None


def outcome_of(versions: Sequence[Variant], objective: Objective, end: SearchEnd) -> Outcome:
    """What came of a run, by all its versions (the original's figures may be among them)."""
    tried = [version for version in versions if not version.is_baseline]
    if end.built_for:
        built = tuple(version for version in tried if version.artifact_key and version.state != "dropped")
        return Outcome(Ending.BUILT, None, (), 0, end, built=built)
    choice = choose([version for version in tried if version.is_side_by_side], objective)
    few_items = _few_items(versions, end)
    short = tuple(short_of_examples(tried, objective)) if few_items is not None else ()
    left = tuple(v for v in open_versions(tried, choice.variant, objective) if v not in short)
    untested = tuple(v for v in untested_gains(tried, choice.variant, objective) if v not in short)
    measured = sum(1 for version in tried if version.measurement.n)
    if choice.variant is not None:
        ending = Ending.PROVEN if choice.proven else Ending.ALIKE
    elif untested:
        ending = Ending.UNTESTED
    elif left:
        ending = Ending.BUSY if all(needs_quiet(version, objective) for version in left) else Ending.UNSETTLED
    elif short:
        ending = Ending.FEW_EXAMPLES
    elif end.none_fits is not None and not measured:
        ending = Ending.NONE_FITS
    elif not end.untried and end.final != "cut_off":
        ending = Ending.NOTHING_FASTER
    else:
        ending = Ending.TIME_UP if measured else Ending.NOTHING_TRIED
    return Outcome(ending, choice.variant, left, measured, end, untested, short=short, few_items=few_items)


def open_versions(tried: Sequence[Variant], best: Variant | None, objective: Objective) -> list[Variant]:
    """Return those that could turn out to be better than `best` (None: than the original), most promising first.

    These are versions whose gain was neither shown nor refuted beside the original, or whose comparison other programs
    disturbed.
    """
    found = [
        version
        for version in tried
        if may_win(version) and (is_unsettled(version, objective) or needs_quiet(version, objective))
    ]
    if best is not None:
        found = [version for version in found if _may_replace(version, best, objective)]
    return sorted(found, key=lambda version: (not may_be_safe(version), -(version.measurement.speedup or 0.0)))


def untested_gains(tried: Sequence[Variant], best: Variant | None, objective: Objective) -> list[Variant]:
    """Return gains without a verdict that would win against `best` (None: the original) if they were safe, the best
    last.
    """
    found = [
        version
        for version in tried
        if version.untested and version.judgement is None and is_gain(version, objective) and may_win(version)
    ]
    if best is not None:
        found = [v for v in found if may_be_safe(v) and not (is_safe(best) and is_as_good(best, v, objective))]
    return sorted(found, key=lambda version: -cost_of(version, objective))


def _may_replace(version: Variant, best: Variant, objective: Objective) -> bool:
    if may_be_safe(version) != may_be_safe(best):
        return may_be_safe(version)
    return looks_better(version, best, objective)


def short_of_examples(tried: Sequence[Variant], objective: Objective) -> list[Variant]:
    """Of few examples: gains with rounded numbers that nothing speaks against, the best first. Time changes nothing for
    them, more examples might.
    """
    found = [version for version in tried if exactness(version) == FEWER and _nothing_against(version)]
    found = [
        one for one in found if is_gain(one, objective) or (not one.is_side_by_side and looks_like_gain(one, objective))
    ]
    return sorted(found, key=lambda version: (not version.is_side_by_side, -(version.measurement.speedup or 0.0)))


def _few_items(versions: Sequence[Variant], end: SearchEnd) -> int | None:
    """How many test examples there are where they are few, None where they are not: some may have been added since."""
    if end.few_items is None:
        return None
    most = max([end.few_items, *(version.judgement.n for version in versions if version.judgement is not None)])
    return most if most < end.enough_items else None


def _nothing_against(version: Variant) -> bool:
    """No result of it that was looked at changed, neither of the test nor in calibration."""
    if version.state == "dropped" or is_regressed(version):
        return False
    if version.judgement is not None:
        return version.judgement.verdict == "not_enough_data" and not version.judgement.changed_count
    return version.screening is None or not version.screening.changed
