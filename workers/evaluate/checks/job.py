"""Run the job ``data_check``: read the sets, run every check, and collect the findings."""

import traceback
from collections.abc import Sequence

from workers.contracts.data.checks import MAX_NAMED, CheckFinding, DataCheckParams, DataCheckResult, Suspect
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, joined
from workers.evaluate.checks import kinds
from workers.evaluate.checks.base import Check, Material, Outcome
from workers.evaluate.checks.gather import gather
from workers.evaluate.checks.reading import DataSplit, read_parts
from workers.evaluate.data.base import reason_of
from workers.evaluate.data.thumbnails import thumbnail_of
from workers.evaluate.kinds import kinds_in
from workers.evaluate.look.drawing import save_small

FOLDER, SIDE_PX = "suspects", 160
LEVELS = {"danger": 0, "warning": 1, "info": 2}


def check_data(params: DataCheckParams, ctx: JobContext) -> DataCheckResult:
    """Check one or two data sets.

    Raises:
        InputRefused: If the data cannot be read at all.
    """
    parts = read_parts(params)
    material = gather(parts, ctx)
    outcomes = []
    for check in kinds_in(kinds, "CHECK"):
        ctx.check_cancelled()
        outcomes.append(_outcome(check, material, ctx))
    result = _result(parts, material, outcomes)
    suspects = (suspect for outcome in outcomes for suspect in outcome.suspects)
    return result.model_copy(update={"suspects": drawn(tuple(suspects), parts, ctx)})


def _outcome(check: Check, material: Material, ctx: JobContext) -> Outcome:
    """Return the result of one check; if its method fails on unusual numbers, report that and continue."""
    try:
        return check.run(material, ctx)
    except (ValueError, ArithmeticError) as error:
        ctx.log(f"The check {check.id} failed: {traceback.format_exc()}", "warning")
        what = _("One check could not be made ({0}): {1}").format(_(check.title), reason_of(error, 200))
        return Outcome((CheckFinding(check=check.id, level="warning", what=what),))


def _result(parts: tuple[DataSplit, ...], material: Material, outcomes: list[Outcome]) -> DataCheckResult:
    second = int(material.sides.sum())
    counts: dict[str, int | None] = {
        "items": len(material.sides) - second, "against_items": second if material.is_pair else None,
    }  # fmt: skip
    for outcome in outcomes:
        counts |= outcome.counts
    findings = [*_about_reading(parts), *(finding for outcome in outcomes for finding in outcome.findings)]
    return DataCheckResult(
        kind=material.kind,
        findings=tuple(sorted(findings, key=lambda finding: LEVELS[finding.level])),
        counts=counts,
        leaked=counts.get("leaked") or 0,
        unreadable=tuple(name for name, _, _ in material.unreadable)[:MAX_NAMED],
        leave_out=tuple(dict.fromkeys(source for outcome in outcomes for source in outcome.leave_out)),
    )


def _about_reading(parts: tuple[DataSplit, ...]) -> list[CheckFinding]:
    """Return findings about reading: separators, encodings, columns, the meaning of labels, the number of items."""
    found = []
    for part in parts:
        report = dict.fromkeys((finding.level, finding.what) for finding in part.collection.findings)
        total, used = len(part.collection.entries), len(part.entries)
        if used < total and len({id(p.collection) for p in parts}) == len(parts):
            report["info", _("Of {0:,} items {1:,} were looked at, chosen by chance.").format(total, used)] = None
        for level, what in report:
            named = joined([f"{part.name}:", _(what)]) if len(parts) > 1 else what
            found.append(CheckFinding(check="reading", level=level, what=named))
    return found


def drawn(suspects: Sequence[Suspect], parts: Sequence[DataSplit], ctx: JobContext) -> tuple[Suspect, ...]:
    """Return the suspects with small pictures below the work folder, so that the window opens none of the files."""
    wanted = {suspect.source for suspect in suspects}
    entries = {entry.source: entry for part in reversed(parts) for entry in part.entries if entry.source in wanted}
    done = []
    for number, suspect in enumerate(suspects):
        ctx.check_cancelled()
        picture = thumbnail_of(entries[suspect.source], SIDE_PX) if suspect.source in entries else None
        name = ""
        if picture is not None:
            name = save_small(picture, SIDE_PX, ctx.work_dir, f"{FOLDER}/{number:02d}.png")
        done.append(suspect.model_copy(update={"picture": name}))
    return tuple(done)
