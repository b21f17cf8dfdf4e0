"""Convert the result of a stress test to rows of its tables and lists."""

from widgets.parts.format import percent
from widgets.parts.small import CheckState, CheckValue
from workers.contracts.after.stress import (
    AttackRow,
    PoisonFinding,
    StressCell,
    StressResult,
    StressRow,
    StressVerdict,
    TriggerFindings,
    UnfamiliarRow,
)
from workers.contracts.translation import _, joined

LEVELS: dict[str, CheckState] = {"info": "ok", "warning": "warn", "danger": "bad"}
STATES: dict[StressVerdict, CheckState] = {"worse": "bad", "unclear": "warn", "even": "ok"}


def unchanged_row(result: StressResult) -> StressRow:
    """Return the row of the unchanged inputs."""
    clean, title = result.clean, _("Unchanged")
    report = _("Original {0}, optimized {1}").format(percent(clean.original), percent(clean.optimized))
    return StressRow(
        id="", title=title, group="corruption", source="", cells=(), verdict=clean.verdict, words=report,
        picture=result.picture,
    )  # fmt: skip


def unfamiliar_row(row: UnfamiliarRow) -> StressRow:
    """Return a row with two cells: how well inputs are distinguished (AUROC), and the false alarms (FPR95).

    Older results have no separation, only the confidence of both versions.
    """
    before, after = row.original_separation, row.optimized_separation
    cells: tuple[StressCell, ...] = ()
    if before is not None and after is not None:
        apart = StressCell(
            severity=1, level="", n=row.n, original=before.auroc, optimized=after.auroc, verdict=row.verdict
        )
        cells = apart, StressCell(severity=2, level="", n=row.n, original=before.fpr95, optimized=after.fpr95)
    facts = row.model_dump(include={"id", "title", "verdict", "words", "picture"})
    return StressRow(group="drift", source="", cells=cells, **facts)


def attack_check(attack: AttackRow) -> CheckValue:
    """Return the result of an attack with its budget, or why none was made."""
    if attack.why_not:
        return CheckValue("waiting", joined((_(attack.title), _(attack.why_not)), ": "), _("not made"))
    budget = _("eps {0:.3f}, {1:,} queries, starts: {2}").format(attack.eps, attack.queries, attack.restarts)
    return CheckValue(STATES[attack.verdict], joined((_(attack.title), attack.words), ": "), budget)


def trigger_checks(triggers: TriggerFindings) -> tuple[CheckValue, ...]:
    """Return the result of the search for triggers, and what was not searched."""
    if triggers.why_not:
        return (CheckValue("waiting", _(triggers.why_not), _("not looked for")),)
    tried = _("{0:,} tried").format(triggers.tried)
    rest = (CheckValue("waiting", _(text)) for text in triggers.not_looked)
    return (CheckValue("bad" if triggers.danger else "ok", triggers.words, tried), *rest)


def poison_checks(result: StressResult) -> tuple[CheckValue, ...]:
    """Return the findings, the number of examples concerned, and what was not checked; each sentence once."""
    found = [_poison(finding) for finding in result.poison]
    scope = result.poison_scope
    if scope is not None:
        known = {finding.what for finding in result.poison}
        report = [text for text in (scope.words, *scope.not_looked) if text and text not in known]
        found += [CheckValue("waiting", _(text)) for text in report]
        looked = any(one.looked for one in scope.classes)
        if not looked and all(finding.check == "none" for finding in result.poison):
            found[0] = CheckValue("waiting", found[0].what, _("not looked for"))
    return tuple(found)


def _poison(finding: PoisonFinding) -> CheckValue:
    named = ", ".join(finding.items[:5])
    more = len(finding.items) - 5
    if more > 0:
        named = _("{0} and {1:,} more").format(named, more)
    report = joined((finding.what, finding.hint))
    return CheckValue(LEVELS[finding.level], f"{report} ({named})" if named else report)
