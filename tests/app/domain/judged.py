"""Versions as they are once they were judged and measured."""

from app.domain.variant import Measurement, Variant
from workers.contracts.specs import Judgement, Recipe, Verdict


def variant(
    name: str,
    *,
    p50_ms: float = 1.0,
    low: float | None = 1.5,
    verdict: Verdict = "safe",
    agreement: float = 1.0,
    drop: float = 0.0,
    size: int = 100,
    missing: int | None = None,
    precision: str = "fp32",
) -> Variant:
    judgement = Judgement(
        verdict=verdict, n=100, labelled=True, agreement=agreement, drop=drop, margin=0.01, missing_examples=missing
    )
    return Variant(
        id=name,
        run_id="run",
        index=1,
        title=name,
        recipe=Recipe(title=name),
        runtime="onnxruntime-cpu",
        precision=precision,
        state="confirmed",
        size_bytes=size,
        size_ratio=200 / size,
        measurement=Measurement(
            latency_p50_ms=p50_ms, speedup=2.0 / p50_ms, speedup_low=low, throughput_per_s=1000 / p50_ms
        ),
        judgement=judgement,
    )
