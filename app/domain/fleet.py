"""Choose versions for several computers: one for each of them, or one for all; nothing here measures anything."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.choose import TIE_SHARE, Objective, cost_of, is_gain, is_safe
from app.domain.variant import Variant
from workers.contracts.text import Text
from workers.contracts.translation import _

WORK = {"runtime", "steps", "settings", "elsewhere"}
"""Fields of a recipe that make a version; two runs hold the same version if these are equal."""

AS_FOR = "as-for/"
"""Beginning of the ids of recipes that were planned for another computer."""


@dataclass(frozen=True)
class DeviceRun:
    """The versions of one run, measured on one computer ("" is this one), and the id of the recommended one."""

    computer: str
    run_id: str
    variants: tuple[Variant, ...]
    recommended_id: str | None = None


@dataclass(frozen=True)
class FleetVersion:
    """One version on all computers; `variants` are in the order of the runs, None where it was not made.

    The planner fits recipes to a computer, so that versions of one title may differ. `title` then names the computer.
    """

    title: Text
    variants: tuple[Variant | None, ...]
    is_baseline: bool = False


@dataclass(frozen=True)
class Fleet:
    """The runs of one goal on several computers, their versions, and the one version for all of them, if any."""

    runs: tuple[DeviceRun, ...]
    versions: tuple[FleetVersion, ...]
    for_all: FleetVersion | None

    def recommended(self, run: DeviceRun) -> FleetVersion | None:
        """Return the version that is recommended for one computer, None if it keeps the original."""
        at = self.runs.index(run)
        ids = ((version, version.variants[at]) for version in self.versions)
        return next((v for v, one in ids if one is not None and one.id == run.recommended_id), None)


def fleet_of(runs: Sequence[DeviceRun], objective: Objective) -> Fleet:
    """Return all versions of these runs side by side; the original comes first, others in the order of their runs.

    The one version for all computers is proven safe and a gain on each of them. Of several, the one is taken that gains
    most where it gains least. Within a tie of 3 % fewer changed predictions decide, then the order.
    """
    by_work: dict[str, dict[int, Variant]] = {}
    for at, run in enumerate(runs):
        for variant in sorted(run.variants, key=lambda variant: variant.index):
            work = "" if variant.is_baseline else variant.recipe.model_dump_json(include=WORK)
            by_work.setdefault(work, {})[at] = variant
    versions = _with_own_titles(list(by_work.values()), runs)
    originals = next((version.variants for version in versions if version.is_baseline), ())
    costs = {
        number: _worst_cost(version, originals, objective)
        for number, version in enumerate(versions)
        if len(runs) > 1 and not version.is_baseline and all(_holds(one, objective) for one in version.variants)
    }
    least = min(costs.values(), default=0.0)
    tied = [number for number, cost in costs.items() if cost <= least * (1 + TIE_SHARE)]
    best = min(tied, key=lambda number: (_changed(versions[number]), number), default=None)
    return Fleet(tuple(runs), versions, None if best is None else versions[best])


def worst_speedup(version: FleetVersion) -> float | None:
    """Return the least speedup over all computers, None if one of them did not measure it."""
    found = [one.measurement.shown_speedup if one is not None else None for one in version.variants]
    known = [speedup for speedup in found if speedup is not None]
    return min(known) if known and len(known) == len(found) else None


def made_for(title: str, computer: str) -> str:
    """Return the title of a version as it was made for one computer."""
    return _("{0}, as for {1}").format(_(title), computer or _("this computer"))


def _version(found: dict[int, Variant], count: int) -> FleetVersion:
    own = found[_planned_on(found)]
    return FleetVersion(own.title, tuple(found.get(at) for at in range(count)), own.is_baseline)


def _planned_on(found: Mapping[int, Variant]) -> int:
    """Return the number of the run whose planner chose this version for its own computer."""
    return next((at for at, one in found.items() if not one.recipe.id.startswith(AS_FOR)), min(found))


def _with_own_titles(versions: Sequence[dict[int, Variant]], runs: Sequence[DeviceRun]) -> tuple[FleetVersion, ...]:
    """Return the versions; those of one recipe have the names of their computers in their titles."""
    own, apart = [_planned_on(found) for found in versions], []
    recipes = Counter(found[at].recipe.id for found, at in zip(versions, own, strict=True))
    for found, at in zip(versions, own, strict=True):
        version = _version(found, len(runs))
        if recipes[found[at].recipe.id] > 1:
            version = replace(version, title=made_for(version.title, runs[at].computer))
        apart.append(version)
    return tuple(apart)


def _holds(variant: Variant | None, objective: Objective) -> bool:
    if variant is None or not variant.is_side_by_side:
        return False
    return is_safe(variant) and is_gain(variant, objective)


def _worst_cost(version: FleetVersion, originals: Sequence[Variant | None], objective: Objective) -> float:
    """Return the highest cost relative to the original of the same computer."""
    worst = 0.0
    for one, original in zip(version.variants, originals, strict=True):
        assert one is not None
        base = 1.0 if objective == "speed" or original is None else cost_of(original, objective)
        worst = max(worst, cost_of(one, objective) / base)
    return worst


def _changed(version: FleetVersion) -> float:
    agreements = (one.judgement.agreement for one in version.variants if one is not None and one.judgement is not None)
    return max((1.0 - agreement for agreement in agreements if agreement is not None), default=1.0)
