"""Facts of a version for its card, made up and known."""

from typing import Any

from workers.contracts.bundles import CardFacts
from workers.contracts.hub import Origin, OriginFile
from workers.contracts.jobs import DataResult
from workers.contracts.licenses import LicenseVerdict
from workers.contracts.specs import DeviceFacts
from workers.pipeline.spec import ImageSteps, PipelineInput, PipelineOutput, PipelineSpec

ORIGINAL: dict[str, Any] = {
    "id": "o", "title": "Original", "recipe": [], "runtime": "onnxruntime-cpu", "precision": "fp32",
    "latency_p50_ms": 10.0, "latency_p99_ms": None, "throughput_per_s": 100.0, "peak_memory_bytes": 50_000_000,
    "size_bytes": 9_200_000, "speedup": 1.0, "size_ratio": 1.0, "accuracy": 0.912, "agreement": 1.0, "verdict": "safe",
    "notes": [],
}  # fmt: skip
VARIANT: dict[str, Any] = {
    **ORIGINAL, "id": "v", "title": "INT8", "runtime": "openvino", "precision": "int8", "latency_p50_ms": 2.5,
    "recipe": [{"technique": "int8_static", "version": 2, "params": {"percentile": 99.9}}], "speedup": 4.0,
    "size_ratio": 3.8, "size_bytes": 2_400_000, "accuracy": 0.911, "agreement": 0.995, "notes": ["A note."],
}  # fmt: skip
DATA = DataResult(
    origin="person", kind="images", n_items=1400, n_test=1200, n_calibration=200, labelled=True, sha256="cd" * 32
)
SPEC = PipelineSpec(
    task="image-classification",
    inputs=(PipelineInput(name="x", dtype="float32", shape=(None, 3, 8, 8), source="image", meaning="a picture"),),
    outputs=(PipelineOutput(name="y", dtype="float32", shape=(None, 2), answer=True),),
    preprocess=ImageSteps(),
    answer_kind="class",
    classes=("cat", "dog"),
)


def facts(**more: Any) -> CardFacts:
    values: dict[str, Any] = {
        "title": "Cats, INT8", "project": "Cats", "made_at": "2026-01-02T03:04:05+00:00", "fettle_version": "0.1.0",
        "license": "mit", "origin": "cats.onnx", "original_sha256": "ab" * 32, "original": ORIGINAL, "variant": VARIANT,
        "device": DeviceFacts(processor="A Processor", cores=2, memory_bytes=1), "data": DATA, "limit_pct": 1.0,
        "n_judged": 1100, **more,
    }  # fmt: skip
    return CardFacts(**values)


def origin(n_files: int = 2, author: str = "ann") -> Origin:
    return Origin(
        endpoint="https://hub.example", repo="ann/net", revision="main", commit="c" * 40, license="mit", author=author,
        files=tuple(OriginFile(name=f"part{n}.onnx", sha256=f"{n:064x}", size_bytes=n) for n in range(n_files)),
        downloaded_at="2026-01-01T00:00:00+00:00",
        verdict=LicenseVerdict(word="ok", title="MIT", meaning="may be used, changed and sold"),
    )  # fmt: skip
