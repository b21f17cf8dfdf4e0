"""The section "Under stress" of the model card: how both versions fare on changed, nonsensical and hostile inputs."""

from workers.contracts.stress import Measure, StressResult
from workers.contracts.wording import percent

WHAT: dict[Measure, str] = {
    "accuracy": "answered rightly",
    "agreement": "answered as the original answers the unchanged input",
    "likeness": "answered like the original",
}


def under_stress(result: StressResult) -> str:
    """Markdown; every figure is a measured one."""
    lines = [
        "## Under stress\n",
        f"{result.headline} Both versions were given the very same changed inputs, {result.n_answered:,} examples at "
        f"each severity. Shares {WHAT[result.measure]}:\n",
        "| What was changed | Severity | Original | This one |",
        "|---|---|---|---|",
        f"| Nothing | – | {percent(result.clean.original)} | {percent(result.clean.optimized)} |",
    ]
    for row in result.rows:
        for cell in row.cells:
            mark = " (worse)" if cell.verdict == "worse" else ""
            lines.append(f"| {row.title} | {cell.level} | {percent(cell.original)} | {percent(cell.optimized)}{mark} |")
    lines.append("")
    lines += [f"- {row.words}" for row in result.unfamiliar]
    for attack in result.attacks:
        if attack.why_not:
            lines.append(f"- {attack.title}: not made. {attack.why_not}")
        else:
            budget = f"eps {attack.eps:.4g} of the range, {attack.queries:,} queries, restarts: {attack.restarts}"
            lines.append(f"- {attack.title} ({budget}): {attack.words}")
    lines += [f"- {finding.what}" for finding in result.poison]
    lines += [f"- {note}" for note in result.notes]
    return "\n".join(lines) + "\n"
