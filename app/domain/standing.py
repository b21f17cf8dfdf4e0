"""Determine the standing of one version, which all pages, lists, logs and documents put into the same words."""

from enum import StrEnum

from app.domain import choose
from app.domain.variant import Variant


class Standing(StrEnum):
    """Standing of a version; the first that applies of dropped, answers beyond the limit, speed, and proof.

    `not_tested`: a gain or possible gain without any look at test items. `not_settled`: other programs disturbed the
    speed comparison. `unconfirmed`: the answers are safe, but a side-by-side measurement has not shown the gain.
    """

    DROPPED = "dropped"
    CUT_OFF = "cut_off"
    REGRESSED = "regressed"
    NOT_SETTLED = "not_settled"
    SLOW_TAIL = "slow_tail"
    NOT_FASTER = "not_faster"
    ALIKE_SLOWER = "alike_slower"
    UNCONFIRMED = "unconfirmed"
    SAFE = "safe"
    ALIKE = "alike"
    NOT_ON_CARD = "not_on_card"
    NOT_ENOUGH_DATA = "not_enough_data"
    NOT_TESTED = "not_tested"
    UNMEASURED = "unmeasured"


def standing_of(variant: Variant, objective: choose.Objective = "speed") -> Standing:
    """Return the standing of a version other than the original under a goal of `objective`."""
    if variant.state == "dropped":
        return Standing.CUT_OFF if variant.untested == "no_time" else Standing.DROPPED
    if choose.is_regressed(variant):
        return Standing.REGRESSED
    if choose.needs_quiet(variant, objective):
        return Standing.NOT_SETTLED
    if choose.is_slower(variant) and not choose.is_gain(variant, objective):
        return Standing.ALIKE_SLOWER if choose.is_safe(variant) else Standing.NOT_FASTER
    if choose.has_slow_tail(variant):
        return Standing.SLOW_TAIL
    if choose.is_safe(variant):
        is_shown = variant.is_side_by_side and choose.is_gain(variant, objective)
        return Standing.SAFE if is_shown else Standing.UNCONFIRMED
    return _unproven(variant)


def _unproven(variant: Variant) -> Standing:
    if choose.is_alike_not_proven(variant):
        return Standing.ALIKE
    judgement = variant.judgement
    if judgement is None:
        return Standing.UNMEASURED if variant.screening is None else Standing.NOT_TESTED
    if judgement.verdict == "unmeasured":
        return Standing.NOT_ON_CARD if judgement.n else Standing.UNMEASURED
    return Standing.NOT_ENOUGH_DATA
