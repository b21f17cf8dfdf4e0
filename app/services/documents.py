"""Stored facts as the JSON documents of CLI.md. The command line, the window, the card and the manifest read these."""

from collections.abc import Sequence
from typing import Any

from app.domain.run import Run
from app.domain.variant import Variant


def variant_document(variant: Variant) -> dict[str, Any]:
    """VARIANT of CLI.md. Times in ms, sizes in bytes, shares 0..1; what was not measured is None, never 0."""
    measurement, judgement = variant.measurement, variant.judgement
    return {
        "id": variant.id,
        "title": variant.title,
        "recipe": [step.model_dump(mode="json") for step in variant.recipe.steps],
        "runtime": variant.runtime,
        "precision": variant.precision,
        "latency_p50_ms": measurement.latency_p50_ms,
        "latency_p99_ms": measurement.latency_p99_ms,
        "throughput_per_s": measurement.throughput_per_s,
        "peak_memory_bytes": measurement.peak_memory_bytes,
        "size_bytes": variant.size_bytes,
        "speedup": 1.0 if variant.is_baseline and measurement.n else measurement.speedup,
        "size_ratio": variant.size_ratio,
        "accuracy": judgement.accuracy if judgement else None,
        "accuracy_low": judgement.accuracy_low if judgement else None,
        "accuracy_high": judgement.accuracy_high if judgement else None,
        "agreement": judgement.agreement if judgement else None,
        "flips": judgement.flips if judgement else None,
        "negative_flips": judgement.negative_flips if judgement else None,
        "verdict": judgement.verdict if judgement else "unmeasured",
        "artifact": variant.artifact_key,
        "notes": list(variant.notes),
    }


def run_document(run: Run, variants: Sequence[Variant]) -> dict[str, Any]:
    """What `fettle optimize` prints."""
    ordered = sorted(variants, key=lambda variant: variant.index)
    baseline = next((variant for variant in ordered if variant.is_baseline), None)
    return {
        "run_id": run.id,
        "project_id": run.project_id,
        "baseline": variant_document(baseline) if baseline else None,
        "variants": [variant_document(variant) for variant in ordered if not variant.is_baseline],
        "recommended": run.recommended_variant_id,
        "limit": run.goal.max_loss_pct,
        "seconds": run.seconds,
    }


def compare_document(run: Run, variants: Sequence[Variant]) -> dict[str, Any]:
    """What `fettle compare` prints: the run, the worst slices and the changed items of each variant."""
    document = run_document(run, variants)
    document["slices"] = [
        {
            "variant": variant.id,
            "slice": variant.judgement.worst_slice,
            "drop": variant.judgement.worst_slice_drop,
        }
        for variant in variants
        if variant.judgement and variant.judgement.worst_slice
    ]
    document["changed"] = [
        {
            "variant": variant.id,
            "count": variant.judgement.changed_count,
            "items": list(variant.judgement.changed),
        }
        for variant in variants
        if variant.judgement and not variant.is_baseline
    ]
    return document
