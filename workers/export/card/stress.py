"""Write the section "Under stress" of the model card: both versions on changed, nonsensical and hostile inputs."""

from workers.contracts.after.stress import Measure, StressResult, StressRow, StressVerdict
from workers.contracts.wording import percent
from workers.export.card.foreign import plain

WHAT: dict[Measure, str] = {
    "accuracy": "answered correctly",
    "agreement": "answered as the original answers the unchanged input",
    "similarity": "answered like the original",
}
MARKS: dict[StressVerdict, str] = {"worse": "worse", "unclear": "cannot tell", "even": "as good"}


def under_stress(result: StressResult) -> str:
    """Return the section as Markdown with measured figures only."""
    lines = [
        "## Under stress\n",
        f"{plain(result.headline)} Both versions got the same changed inputs, {result.n_answered:,} "
        f"examples at each severity. Shares {WHAT[result.measure]}:\n",
        "| What was changed | Severity | Original | This one |",
        "|---|---|---|---|",
        f"| Nothing | – | {percent(result.clean.original)} | {percent(result.clean.optimized)} |",
    ]
    for row in result.rows:
        for cell in row.cells:
            mark = f" ({MARKS[cell.verdict]})" if cell.verdict != "unclear" else ""
            lines.append(
                f"| {_title(row)} | {cell.level} | {percent(cell.original)} | {percent(cell.optimized)}{mark} |"
            )
    lines.append("")
    limit = percent(result.margin)
    lines.append(
        f"“Worse” is a loss of more than {limit}, “as good” a loss of at most {limit} (95 % confidence, one-sided).\n"
    )
    lines += _unfamiliar(result)
    for attack in result.attacks:
        if attack.why_not:
            lines.append(f"- {attack.title}: not run. {plain(attack.why_not)}")
        else:
            budget = f"eps {attack.eps:.4g} of the range, {attack.queries:,} queries, restarts: {attack.restarts}"
            lines.append(f"- {attack.title} ({budget}): {plain(attack.words)}")
    if result.triggers is not None:
        report = (result.triggers.words or result.triggers.why_not, *result.triggers.not_looked)
        lines.append(f"- Triggers that change the answers of only one of them: {plain(' '.join(report))}")
    lines += [f"- {plain(finding.what)}" for finding in result.poison]
    if result.poison_scope is not None:
        known = {finding.what for finding in result.poison}
        report = tuple(t for t in (result.poison_scope.words, *result.poison_scope.not_looked) if t and t not in known)
        lines += [f"- {plain(text)}" for text in report]
    lines += [f"- {plain(note)}" for note in result.notes]
    return "\n".join(lines) + "\n"


def _title(row: StressRow) -> str:
    """Return the title, with its source if the change is drawn differently than in ImageNet-C."""
    return f"{row.title} ({row.source.partition(',')[0]})" if row.source.startswith("after ") else row.title


def _unfamiliar(result: StressResult) -> list[str]:
    """Return rows of near and far inputs with AUROC and FPR95; older findings have only sentences."""
    rows = []
    for row in result.unfamiliar:
        before, after = row.original_separation, row.optimized_separation
        if before is not None and after is not None:
            kind = "near" if row.near else "far"
            rows.append(
                f"| {row.title} ({kind}) | {before.auroc:.3f} / {after.auroc:.3f} "
                f"| {percent(before.fpr95)} / {percent(after.fpr95)} | {MARKS[row.verdict]} |"
            )
    if not rows:
        return [f"- {row.words}" for row in result.unfamiliar]
    head = ["| Out of distribution | AUROC, original / this one | FPR95 | |", "|---|---|---|---|"]
    return [*head, *rows, ""]
