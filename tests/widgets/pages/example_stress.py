"""Example findings under stress. Loaded after `examples`, whose names it joins."""

from typing import Any

from widgets.pages.stress.value import StressValue
from workers.contracts.after.stress import (
    AttackRow,
    PoisonFinding,
    Separation,
    StressCell,
    StressResult,
    StressRow,
    StressVerdict,
    TriggerFindings,
    UnfamiliarRow,
)

UNUSED = "100 of 180 examples were used: more did not fit into 60 s."


def cell(severity: int, level: str, original: float, optimized: float, verdict: StressVerdict = "even") -> StressCell:
    return StressCell(severity=severity, level=level, n=180, original=original, optimized=optimized, verdict=verdict)


def result(headline: str, **more: Any) -> StressResult:
    clean = cell(0, "", 0.95, 0.944)
    return StressResult(n_items=180, stopped_early=False, headline=headline, clean=clean, **more)


def stress_row(
    n: int, title: str, drops: tuple[float, ...], verdict: StressVerdict = "even", words: str = ""
) -> StressRow:
    cells = tuple(
        cell(place, str(place), 0.95 - 0.1 * place, 0.95 - 0.1 * place - drop,
                        "worse" if drop > 0.05 else "unclear" if drop > 0.02 else "even")
        for place, drop in zip((1, 3, 5), drops, strict=True)
    )  # fmt: skip
    return StressRow(
        id=title,
        title=title,
        group="corruption",
        source="",
        cells=cells,
        verdict=verdict,
        words=words,
        picture=f"{n}.png",
    )


def unfamiliar(title: str, verdict: StressVerdict, near: bool) -> UnfamiliarRow:
    before, after = Separation(auroc=0.9, fpr95=0.1), Separation(auroc=0.85, fpr95=0.2)
    return UnfamiliarRow(
        id=title, title=title, n=180, near=near, original=0.1, optimized=0.2, original_separation=before,
        optimized_separation=after, verdict=verdict, words="Its words.", picture="5.png",
    )  # fmt: skip


def stress_result() -> StressResult:
    dark = "In the dark (severity 5) the optimized model gets 12 % more of the examples wrong than the original."
    square = "of 20 examples 13 and 11 survived this budget."
    return result(
        dark, measure="accuracy", full=False, n_answered=180, seconds=52, notes=(UNUSED,), picture="0.png",
        rows=(
            stress_row(1, "Noise", (0.0, 0.01, 0.0)),
            stress_row(2, "Strong compression", (0.0, 0.03, 0.01), "unclear", "Strongly compressed (severity 3) it may be chance."),
            stress_row(3, "Dark", (0.0, 0.06, 0.12), "worse", dark),
        ),
        unfamiliar=(unfamiliar("Another camera", "unclear", True), unfamiliar("Nothing but noise", "even", False)),
        triggers=TriggerFindings(
            danger=True, tried=60, words="With a white square at the bottom right corner it takes 96 % for “Shirt”.",
            not_looked=("A trigger of the whole picture was not looked for.",),
        ),
        attacks=(
            AttackRow(id="square", title="Square attack", source="", eps=0.031, queries=100, words=square),
            AttackRow(id="pgd", title="Gradient attack (PGD)", source="", why_not="It needs gradients."),
        ),
        poison=(
            PoisonFinding(check="outliers", level="info", what="No sign of tampering was found among 36 calibration examples."),
        ),
    )  # fmt: skip


def stress(found: bool = True) -> StressValue:
    versions = (("a", "INT8, sensitive layers kept"), ("b", "Faster engine"))
    return StressValue("images", versions, "a", stress_result() if found else None)


def stress_sounds() -> StressValue:
    cells = tuple(cell(i + 1, level, 0.9, 0.9 - 0.04 * i) for i, level in enumerate(("20 dB", "10 dB", "0 dB")))
    headline = "Under stress both answer equally well, on 40 examples."
    rows = (StressRow(id="hiss", title="Hiss", group="sound", source="", cells=cells),)
    even = result(headline, measure="agreement", full=True, n_answered=40, seconds=9.0, rows=rows)
    return StressValue("audio", (("a", "BF16"),), "a", even)
