"""What was found under stress, as the page "Under stress" shows it."""

from collections.abc import Sequence
from pathlib import Path

from app.controllers.words import tr
from app.domain.variant import Variant
from app.services.after.stressing import Stressed
from app.services.records.facts import RunFacts
from widgets.pages.stress.value import StressCellValue, StressFound, StressRowValue, StressValue
from widgets.parts.format import percent
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckState, CheckValue
from workers.contracts.stress import FULL_S, QUICK_S, AttackRow, PoisonFinding, StressRow, UnfamiliarRow

LEVELS: dict[str, CheckState] = {"info": "ok", "warning": "warn", "danger": "bad"}
PROVEN = 0.05


def stress_value(facts: RunFacts, versions: Sequence[Variant], chosen: Variant, found: Stressed | None) -> StressValue:
    """The offer, or what was found about the chosen version."""
    return StressValue(
        kind=facts.data.kind if facts.data else "images",
        versions=tuple((version.id, version.title) for version in versions),
        chosen=chosen.id,
        quick_s=QUICK_S,
        full_s=FULL_S,
        found=_found(found) if found is not None else None,
    )


def _found(stressed: Stressed) -> StressFound:
    result, folder = stressed.result, stressed.folder
    clean = result.clean
    told = tr("Original {0}, optimized {1}").format(percent(clean.original), percent(clean.optimized))
    unchanged = StressRowValue(
        "clean", tr("Unchanged"), (), clean.verdict, told, _picture(folder, result.picture, tr("Unchanged"))
    )
    return StressFound(
        headline=result.headline,
        measure=result.measure,
        full=result.full,
        n_answered=result.n_answered,
        seconds=result.seconds,
        rows=(unchanged, *(_row(row, folder) for row in result.rows)),
        nonsense=tuple(_nonsense(row, folder) for row in result.unfamiliar),
        attacks=tuple(_attack(attack) for attack in result.attacks),
        poison=tuple(_poison(finding) for finding in result.poison),
        notes=result.notes,
    )


def _row(row: StressRow, folder: Path) -> StressRowValue:
    cells = tuple(
        StressCellValue(cell.severity, cell.level, cell.original, cell.optimized, cell.verdict) for cell in row.cells
    )
    return StressRowValue(row.id, row.title, cells, row.verdict, row.words, _picture(folder, row.picture, row.title))


def _nonsense(row: UnfamiliarRow, folder: Path) -> StressRowValue:
    cell = StressCellValue(1, "", row.original, row.optimized, row.verdict)
    return StressRowValue(row.id, row.title, (cell,), row.verdict, row.words, _picture(folder, row.picture, row.title))


def _picture(folder: Path, name: str | None, title: str) -> PictureValue:
    return PictureValue(path=str(folder / name), name=title) if name else PictureValue()


def _attack(attack: AttackRow) -> CheckValue:
    if attack.why_not:
        return CheckValue("waiting", f"{attack.title}: {attack.why_not}", tr("not made"))
    state: CheckState = "ok"
    if attack.optimized_fooled > attack.original_fooled:
        state = "bad" if attack.p <= PROVEN else "warn"
    budget = tr("eps {0:.3f}, {1:,} queries, {2} start").format(attack.eps, attack.queries, attack.restarts)
    return CheckValue(state, f"{attack.title}: {attack.words}", budget)


def _poison(finding: PoisonFinding) -> CheckValue:
    named = ", ".join(finding.items[:5])
    more = len(finding.items) - 5
    if more > 0:
        named = tr("{0} and {1:,} more").format(named, more)
    told = " ".join(filter(None, (finding.what, finding.hint)))
    return CheckValue(LEVELS[finding.level], f"{told} ({named})" if named else told)
