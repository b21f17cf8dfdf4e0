"""Provide a made-up run and its versions as the documents of docs/command-line.md describe them."""

from datetime import UTC, datetime

from app.domain.run import Goal, Run, RunState
from app.domain.variant import Measurement, Variant
from workers.contracts.specs import Judgement, Recipe, RecipeStep, SliceDrop, Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def variant(name: str, index: int = 1, verdict: Verdict | None = "safe", **more: object) -> Variant:
    judgement = None
    if verdict is not None:
        judgement = Judgement(
            verdict=verdict, n=10, labelled=True, accuracy=0.9, agreement=0.99, flips=0.01, negative_flips=0.0, margin=0.01,
            changed=(3, 1), changed_count=2, notes=("the judge's note",),
            slices=(SliceDrop(name="cats", n=5, drop=0.2, changed=1),),
        )  # fmt: skip
    values = {
        "measurement": Measurement(latency_p50_ms=1.0, n=100, speedup=2.0),
        "size_bytes": 10,
        "size_ratio": 2.0,
        "notes": ("own note",),
        **more,
    }
    recipe = Recipe(title=name, steps=(RecipeStep(technique="bf16", params={"a": 1}),))
    return Variant(name, "r", index, name, recipe, "openvino", "bf16", "confirmed", judgement=judgement, **values)


def a_run(**more: object) -> Run:
    return Run("r", "p", Goal("balanced", 1.5), RunState.FINISHED, NOW, seconds=12.5, **more)
