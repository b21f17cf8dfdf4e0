"""Define how a run ended, as one value for headline, pages, badges, JSON and exit code.

An outcome is never stored: it follows from the versions and the search's state (`SearchEnd`), so it stays correct when
more examples or more time change either.
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
    is_eligible,
    is_gain,
    is_probably_unsafe,
    is_regressed,
    is_safe,
    is_safe_or_untested,
    is_unsettled,
    looks_better,
    looks_like_gain,
    needs_quiet,
)
from app.domain.variant import Variant
from workers.contracts.base import Frozen
from workers.contracts.planning import Reason
from workers.contracts.text import Text


class Ending(StrEnum):
    """How a run ended.

    - `unsettled`: a version looked better and its predictions hold, but a side-by-side measurement did not show it.
    - `busy`: the same, and only other programs prevented the decision.
    - `untested`: a version is better, but its predictions were not tested.
    - `built`: engines were built for cards that this computer lacks, so nothing could be measured.
    - `none_fits`: no recipe of the goal fits this model and computer.
    - `few_examples`: a version is better, but so few examples say nothing about its predictions.
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
    """One side-by-side measurement: its versions without the original, and the number of sets and blocks."""

    number: int
    variant_ids: tuple[str, ...]
    sets: int
    blocks: int


class SearchEnd(Frozen):
    """Stored state of a search; owned by its run.

    Attributes:
        planned: Number of planned recipes.
        untried: Number of recipes that were not begun or were stopped because the time was up.
        final: State of the final run.
        limit_s: Time limit in all, None for none.
        more_s: Approximate time of the rest, None if nothing is left.
        rounds: Rounds of the final run.
        went_on_s: Seconds that were granted later, one value each time.
        built_for: Architectures (``sm89``) of other cards that engines were built for; nothing was measured then.
        none_fits: Why the goal's first recipe cannot be tried, if none can.
        few_items: Number of test examples if rounded numbers can neither be proven nor be recommended unproven.
        enough_items: Number of test examples that would suffice.
        busy_tries: Runs of the project in a row, with this one, that other programs left without a verdict.
        spare_s: Time left at the end, None without a limit.
        disturbed_by: Names of these programs, busiest first.
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
    disturbed_by: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How a run ended, with its versions.

    `best` is recommended. `open` are undecided versions that looked better than it (or the original). `built` have
    engines for other cards. `tried` counts versions with figures. `untested` are untested gains that are better than
    `best`, the best last. `short` are those that `few_items` examples cannot judge. `partly` are gains that time let
    predict too few examples, the best first.
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
    partly: tuple[Variant, ...] = ()

    @property
    def can_go_on(self) -> bool:
        """Return whether more time could change the result."""
        return self.end.more_s is not None

    @property
    def chosen_from(self) -> int:
        """Return how many versions the recommended one was chosen from, 0 without one; choosing flatters the best."""
        return self.tried if self.best is not None else 0

    @property
    def is_undecided(self) -> bool:
        """Return whether nothing is recommended although a version that looked faster was not refuted."""
        return self.ending in (Ending.UNSETTLED, Ending.UNTESTED, Ending.BUSY)

    @property
    def needs_new_run(self) -> bool:
        """What is open can only be settled by measuring again: this run cannot go on, or was disturbed."""
        return self.ending is Ending.BUSY or (self.ending is Ending.UNSETTLED and not self.can_go_on)

    @property
    def is_recommended(self) -> bool:
        """Return whether a version is recommended, which is exit code 0."""
        return self.best is not None


def outcome_of(versions: Sequence[Variant], objective: Objective, end: SearchEnd) -> Outcome:
    """Return the outcome of a run from all its versions; the original may be among them."""
    tried = [version for version in versions if not version.is_baseline]
    if end.built_for:
        built = tuple(version for version in tried if version.artifact_key and version.state != "dropped")
        return Outcome(Ending.BUILT, None, (), 0, end, built=built)
    best, is_proven = choose([version for version in tried if version.is_side_by_side], objective)
    few_items = _few_items(versions, end)
    short = tuple(short_of_examples(tried, objective)) if few_items is not None else ()
    left = tuple(v for v in open_versions(tried, best, objective) if v not in short)
    untested = tuple(v for v in untested_gains(tried, best, objective) if v not in short)
    partly = tuple(v for v in _partly_tested(tried, objective) if best is None and v not in short)
    measured = sum(1 for version in tried if version.measurement.n)
    if best is not None:
        ending = Ending.PROVEN if is_proven else Ending.ALIKE
    elif untested:
        ending = Ending.UNTESTED
    elif left:
        ending = Ending.BUSY if all(needs_quiet(version, objective) for version in left) else Ending.UNSETTLED
    elif short:
        ending = Ending.FEW_EXAMPLES
    elif end.none_fits is not None and not measured:
        ending = Ending.NONE_FITS
    elif not end.untried and end.final != "cut_off" and not partly:
        ending = Ending.NOTHING_FASTER
    else:
        ending = Ending.TIME_UP if measured else Ending.NOTHING_TRIED
    return Outcome(ending, best, left, measured, end, untested, short=short, few_items=few_items, partly=partly)


def first_open(outcome: Outcome, limit_pct: float) -> Variant:
    """Return the most promising undecided version: one that will hardly be safe only if all others are such, too."""
    return next((v for v in outcome.open if not is_probably_unsafe(v, limit_pct)), outcome.open[0])


def open_versions(tried: Sequence[Variant], best: Variant | None, objective: Objective) -> list[Variant]:
    """Return versions that could turn out to be better than `best` (None: the original), most promising first.

    A side-by-side measurement has neither shown nor refuted their gain, or other programs disturbed it.
    """
    found = [
        version
        for version in tried
        if is_eligible(version) and (is_unsettled(version, objective) or needs_quiet(version, objective))
    ]
    if best is not None:
        found = [version for version in found if _may_replace(version, best, objective)]
    return sorted(found, key=lambda version: (not is_safe_or_untested(version), -(version.measurement.speedup or 0.0)))


def untested_gains(tried: Sequence[Variant], best: Variant | None, objective: Objective) -> list[Variant]:
    """Return untested gains that would replace `best` (None: the original) if they were safe, the best last.

    Those without a changed calibration result are better than all others.
    """
    found = [
        version
        for version in tried
        if version.untested
        and version.judgement is None
        and is_gain(version, objective)
        and is_eligible(version)
        and version.state != "dropped"
    ]
    if best is not None:
        found = [v for v in found if is_safe_or_untested(v) and not (is_safe(best) and is_as_good(best, v, objective))]
    held = {version.id: version.screening is None or not version.screening.changed for version in found}
    return sorted(found, key=lambda version: (held[version.id], -cost_of(version, objective)))


def _partly_tested(tried: Sequence[Variant], objective: Objective) -> list[Variant]:
    """Return gains that might be safe if they predicted the examples that time left out, the best first."""
    judged = ((version, version.judgement) for version in tried if is_gain(version, objective))
    found = [one for one, its in judged if its is not None and its.verdict == "not_enough_data" and its.n_unasked]
    return sorted((one for one in found if one.state != "dropped"), key=lambda version: cost_of(version, objective))


def _may_replace(version: Variant, best: Variant, objective: Objective) -> bool:
    if is_safe_or_untested(version) != is_safe_or_untested(best):
        return is_safe_or_untested(version)
    return looks_better(version, best, objective)


def short_of_examples(tried: Sequence[Variant], objective: Objective) -> list[Variant]:
    """Return gains with rounded numbers and no evidence against them, the best first; only more examples can help."""
    found = [version for version in tried if exactness(version) == FEWER and _nothing_against(version)]
    found = [
        one for one in found if is_gain(one, objective) or (not one.is_side_by_side and looks_like_gain(one, objective))
    ]
    return sorted(found, key=lambda version: (not version.is_side_by_side, -(version.measurement.speedup or 0.0)))


def _few_items(versions: Sequence[Variant], end: SearchEnd) -> int | None:
    """Return the number of test examples if they are still too few after additions, else None."""
    if end.few_items is None:
        return None
    most = max([end.few_items, *(version.judgement.n for version in versions if version.judgement is not None)])
    return most if most < end.enough_items else None


def _nothing_against(version: Variant) -> bool:
    """Return whether none of its evaluated results changed, in test or calibration set."""
    if version.state == "dropped" or is_regressed(version):
        return False
    if version.judgement is not None:
        return version.judgement.verdict == "not_enough_data" and not version.judgement.changed_count
    return version.screening is None or not version.screening.changed
