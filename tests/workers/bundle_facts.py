"""What an export is told of a version, for bundles whose figures do not matter."""

from workers.contracts.bundles import CardFacts
from workers.contracts.specs import DeviceFacts

FIGURES = {
    "id": "x", "title": "t", "precision": "fp32", "recipe": [], "notes": [], "verdict": "safe", "speedup": 1.0,
    "latency_p50_ms": 1.0, "latency_p99_ms": None, "throughput_per_s": None, "peak_memory_bytes": None, "size_bytes": 1,
    "size_ratio": 1.0, "accuracy": None, "accuracy_low": None, "accuracy_high": None, "agreement": 1.0, "flips": None,
    "negative_flips": None,
}  # fmt: skip


def card_facts(runtime: str, device: DeviceFacts) -> CardFacts:
    """The same figures for the original and for a version of it."""
    figures = {**FIGURES, "runtime": runtime}
    return CardFacts(
        title="t",
        project="p",
        made_at="2025-01-01T00:00:00Z",
        fettle_version="1",
        original_sha256="ab" * 32,
        device=device,
        original=figures,
        variant=figures,
        limit_pct=1.0,
    )
