"""The card's section "Under stress": the figures, the budgets, and never a promise."""

from workers.contracts.after.stress import (
    AttackRow,
    PoisonFinding,
    Separation,
    StressCell,
    StressResult,
    StressRow,
    TriggerFindings,
    UnfamiliarRow,
)  # fmt: skip
from workers.export.card.stress import under_stress

CELL = StressCell(severity=3, level="3", n=180, original=0.9, optimized=0.84, worse=12, better=1, verdict="worse")


def result() -> StressResult:
    return StressResult(
        rule=2, measure="accuracy", full=False, n_items=180, n_answered=180, seconds=50, stopped_early=False,
        headline="In the dark it loses more.",
        clean=StressCell(severity=0, level="", n=180, original=0.95, optimized=0.949),
        rows=(StressRow(id="frost", title="Frost", group="corruption", source="after ImageNet-C (x), drawn otherwise",
                        cells=(CELL,), verdict="worse"), StressRow(id="darker", title="Dark", group="drift", source="x", cells=(CELL,), verdict="worse"),),
        unfamiliar=(UnfamiliarRow(
            id="camera", title="Another camera", near=True, n=40, original=0.1, optimized=0.2, verdict="unclear",
            original_separation=Separation(auroc=0.91, fpr95=0.2), optimized_separation=Separation(auroc=0.88, fpr95=0.3),
        ),),
        triggers=TriggerFindings(tried=60, words="None of 60 triggers.", not_looked=("A long trigger was not looked for.",)),
        attacks=(
            AttackRow(id="square", title="Square attack", source="s", eps=0.03, queries=100, n=20, words="9 survived this budget."),
            AttackRow(id="pgd", title="PGD", source="s", why_not="There is no torch program."),
        ),
        poison=(PoisonFinding(check="none", level="info", what="No sign of tampering was found."),),
        notes=("Only some examples were used.",),
    )  # fmt: skip


def test_stress_section_shows_figures_budgets_and_notes() -> None:
    """Given findings, Then each stands in the section with its figures, and the word "robust" never does."""
    text = under_stress(result())
    for part in (
        "## Under stress", "In the dark it loses more.", "180 examples", "| Dark | 3 | 90.0 % | 84.0 % (worse) |",
        "| Nothing | – | 95.0 % | 94.9 % |", "eps 0.03 of the range, 100 queries, restarts: 1", "9 survived this budget.", "Another camera (near) | 0.910 / 0.880 | 20.0 % / 30.0 % | cannot tell |",
        "None of 60 triggers", "was not looked for", "“as good” a loss of at most 2.0 %", "Frost (after ImageNet-C",
        "not run. There is no torch program.", "No sign of tampering was found.", "Only some examples were used.",
    ):  # fmt: skip
        assert part in text, part
    assert "robust" not in text.lower() and text.endswith("\n")
