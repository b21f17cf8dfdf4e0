"""Format the results of one goal on several computers for the page Compare."""

from app.domain.choose import Objective
from app.domain.fleet import DeviceRun, Fleet, FleetVersion, worst_speedup
from app.domain.standing import standing_of
from app.domain.variant import Variant
from widgets.pages.compare.value import DeviceValue, FleetValue, OnDeviceValue
from workers.contracts.translation import _


def fleet_value(fleet: Fleet, shown_run: str, objective: Objective) -> FleetValue:
    """Return the table of all measured versions; the original comes first, then the one for all, then by the worst."""
    versions = [row for row in fleet.versions if any(one is not None and one.is_measured for one in row.variants)]
    versions.sort(key=lambda row: (not row.is_baseline, row is not fleet.for_all, -(worst_speedup(row) or 0.0)))
    rows = tuple(
        (_(row.title), tuple(_cell(one, run, objective) for one, run in zip(row.variants, fleet.runs, strict=True)))
        for row in versions
    )
    for_all = fleet.for_all
    return FleetValue(
        devices=tuple(_device(run, fleet.recommended(run), run.run_id == shown_run) for run in fleet.runs),
        rows=rows,
        for_all=_(for_all.title) if for_all is not None else "",
        worst=worst_speedup(for_all) if for_all is not None else None,
    )


def _device(run: DeviceRun, best: FleetVersion | None, is_shown: bool) -> DeviceValue:
    chosen = next((variant for variant in run.variants if variant.id == run.recommended_id), None)
    speedup = chosen.measurement.shown_speedup if chosen is not None else None
    return DeviceValue(run.run_id, run.computer, _(best.title) if best else "", speedup, is_shown)


def _cell(variant: Variant | None, run: DeviceRun, objective: Objective) -> OnDeviceValue:
    if variant is None:
        return OnDeviceValue()
    measured, is_best = variant.measurement, variant.id == run.recommended_id
    if variant.is_baseline:
        return OnDeviceValue("original", measured.typical_ms, is_best=run.recommended_id is None)
    speedup = measured.meaningful_speedup if variant.is_side_by_side else None
    standing = standing_of(variant, objective)
    return OnDeviceValue(standing.value, measured.typical_ms, speedup, bool(measured.under_load), is_best)
