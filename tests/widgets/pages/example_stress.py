"""Example findings under stress. Loaded after `examples`, whose names it joins."""

from typing import Any

from page_examples import picture

from widgets.pages.stress.value import StressFound, StressRowValue, StressValue
from widgets.parts.small import CheckValue
from workers.contracts.after.stress import StressCell, StressResult, StressVerdict

UNUSED = "100 of 180 examples were used: more did not fit into 60 s."


def cell(severity: int, level: str, original: float, optimized: float, verdict: StressVerdict = "even") -> StressCell:
    return StressCell(severity=severity, level=level, n=180, original=original, optimized=optimized, verdict=verdict)


def result(headline: str, **more: Any) -> StressResult:
    clean = cell(0, "", 0.95, 0.944)
    return StressResult(n_items=180, stopped_early=False, headline=headline, clean=clean, rows=(), **more)


def stress_found() -> StressFound:
    def row(
        n: int, title: str, drops: tuple[float, ...], verdict: StressVerdict = "even", about: str = ""
    ) -> StressRowValue:
        cells = tuple(
            cell(place, str(place), 0.95 - 0.1 * place, 0.95 - 0.1 * place - drop,
                            "worse" if drop > 0.05 else "unclear" if drop > 0.02 else "even")
            for place, drop in zip((1, 3, 5), drops, strict=True)
        )  # fmt: skip
        return StressRowValue(title, cells, verdict, about, picture(n))

    def far_or_near(title: str, verdict: StressVerdict) -> StressRowValue:
        cells = (cell(1, "", 0.9, 0.85, verdict), cell(2, "", 0.1, 0.2))
        return StressRowValue(title, cells, verdict, "Its words.", picture(5))

    dark = "In the dark (severity 5) the optimized model gets 12 % more of the examples wrong than the original."
    return StressFound(
        result=result(dark, measure="accuracy", full=False, n_answered=180, seconds=52, notes=(UNUSED,)),
        rows=(
            StressRowValue("Unchanged", (), "even", "Original 95.0 %, optimized 94.4 %", picture(0)),
            row(1, "Noise", (0.0, 0.01, 0.0)),
            row(2, "Strong compression", (0.0, 0.03, 0.01), "unclear", "Strongly compressed (severity 3) it may be chance."),
            row(3, "Dark", (0.0, 0.06, 0.12), "worse", dark),
        ),
        near=(far_or_near("Another camera", "unclear"),),
        far=(far_or_near("Nothing but noise", "even"),),
        triggers=(
            CheckValue("bad", "With a white square at the bottom right corner it takes 96 % for “Shirt”.", "60 tried"),
            CheckValue("waiting", "A trigger of the whole picture was not looked for."),
        ),
        attacks=(
            CheckValue("warn", "Square attack: of 20 examples 13 and 11 survived this budget.", "eps 0.031, 100 queries, starts: 1"),
            CheckValue("waiting", "Gradient attack (PGD): It needs gradients.", "not made"),
        ),
        poison=(CheckValue("ok", "No sign of tampering was found among 36 calibration examples."),),
    )  # fmt: skip


def stress(found: bool = True) -> StressValue:
    versions = (("a", "INT8, sensitive layers kept"), ("b", "Faster engine"))
    return StressValue("images", versions, "a", 60, 900, stress_found() if found else None)


def stress_sounds() -> StressValue:
    cells = tuple(cell(i + 1, level, 0.9, 0.9 - 0.04 * i) for i, level in enumerate(("20 dB", "10 dB", "0 dB")))
    headline = "Under stress both answer equally well, on 40 examples."
    even = result(headline, measure="agreement", full=True, n_answered=40, seconds=9.0)
    found = StressFound(even, (StressRowValue("Hiss", cells),))
    return StressValue("audio", (("a", "BF16"),), "a", 60, 900, found)
