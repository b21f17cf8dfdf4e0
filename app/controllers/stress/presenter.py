"""Format the results of a stress test as the page "Under stress" shows them."""

from collections.abc import Sequence
from pathlib import Path

from app.domain.variant import Variant
from app.services.after.stressing import Stressed
from app.services.records.facts import RunFacts
from widgets.pages.stress.value import StressFound, StressRowValue, StressValue
from widgets.parts.format import percent
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckState, CheckValue
from workers.contracts.after.stress import (
    FULL_S,
    QUICK_S,
    AttackRow,
    PoisonFinding,
    StressCell,
    StressResult,
    StressRow,
    StressVerdict,
    TriggerFindings,
    UnfamiliarRow,
)
from workers.contracts.translation import _

LEVELS: dict[str, CheckState] = {"info": "ok", "warning": "warn", "danger": "bad"}
STATES: dict[StressVerdict, CheckState] = {"worse": "bad", "unclear": "warn", "even": "ok"}


def stress_value(facts: RunFacts, versions: Sequence[Variant], chosen: Variant, found: Stressed | None) -> StressValue:
    """Return the offer, or the results for the chosen version."""
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
    told = _("Original {0}, optimized {1}").format(percent(clean.original), percent(clean.optimized))
    picture = _picture(folder, result.picture, _("Unchanged"))
    unchanged = StressRowValue(_("Unchanged"), (), clean.verdict, told, picture)
    return StressFound(
        result=result,
        rows=(unchanged, *(_row(row, folder) for row in result.rows)),
        near=tuple(_unfamiliar(row, folder) for row in result.unfamiliar if row.near),
        far=tuple(_unfamiliar(row, folder) for row in result.unfamiliar if not row.near),
        attacks=tuple(_attack(attack) for attack in result.attacks),
        triggers=_triggers(result.triggers) if result.triggers is not None else (),
        poison=_poisons(result),
    )


def _row(row: StressRow, folder: Path) -> StressRowValue:
    picture = _picture(folder, row.picture, row.title)
    return StressRowValue(row.title, row.cells, row.verdict, row.words, picture, row.source)


def _unfamiliar(row: UnfamiliarRow, folder: Path) -> StressRowValue:
    """Return a row of unfamiliar inputs; older results have no separation, only the confidence of both versions."""
    before, after = row.original_separation, row.optimized_separation
    if before is None or after is None:
        cells: tuple[StressCell, ...] = ()
    else:
        apart = StressCell(
            severity=1, level="", n=row.n, original=before.auroc, optimized=after.auroc, verdict=row.verdict
        )
        alarms = StressCell(severity=2, level="", n=row.n, original=before.fpr95, optimized=after.fpr95)
        cells = (apart, alarms)
    return StressRowValue(row.title, cells, row.verdict, row.words, _picture(folder, row.picture, row.title))


def _picture(folder: Path, name: str | None, title: str) -> PictureValue:
    return PictureValue(path=str(folder / name), name=title) if name else PictureValue()


def _attack(attack: AttackRow) -> CheckValue:
    if attack.why_not:
        return CheckValue("waiting", f"{attack.title}: {attack.why_not}", _("not made"))
    budget = _("eps {0:.3f}, {1:,} queries, starts: {2}").format(attack.eps, attack.queries, attack.restarts)
    return CheckValue(STATES[attack.verdict], f"{attack.title}: {attack.words}", budget)


def _triggers(found: TriggerFindings) -> tuple[CheckValue, ...]:
    if found.why_not:
        return (CheckValue("waiting", found.why_not, _("not looked for")),)
    tried = _("{0:,} tried").format(found.tried)
    rest = (CheckValue("waiting", text) for text in found.not_looked)
    return (CheckValue("bad" if found.danger else "ok", found.words, tried), *rest)


def _poisons(result: StressResult) -> tuple[CheckValue, ...]:
    """Return the findings, the number of examples concerned, and what was not checked; each sentence once."""
    found = [_poison(finding) for finding in result.poison]
    scope = result.poison_scope
    if scope is not None:
        known = {finding.what for finding in result.poison}
        told = [text for text in (scope.words, *scope.not_looked) if text and text not in known]
        found += [CheckValue("waiting", text) for text in told]
        looked = any(one.looked for one in scope.classes)
        if not looked and all(finding.check == "none" for finding in result.poison):
            found[0] = CheckValue("waiting", found[0].what, _("not looked for"))
    return tuple(found)


def _poison(finding: PoisonFinding) -> CheckValue:
    named = ", ".join(finding.items[:5])
    more = len(finding.items) - 5
    if more > 0:
        named = _("{0} and {1:,} more").format(named, more)
    told = " ".join(filter(None, (finding.what, finding.hint)))
    return CheckValue(LEVELS[finding.level], f"{told} ({named})" if named else told)
