"""Where a model came from, in the card and the manifest of its bundle."""

import yaml

from workers.contracts.bundles import CardFacts
from workers.contracts.hub import Origin, OriginFile
from workers.contracts.licenses import LicenseVerdict
from workers.contracts.specs import DeviceFacts
from workers.export.card.text import card
from workers.export.python_folder import COMMANDS
from workers.pipeline.spec import ArraySteps, PipelineInput, PipelineOutput, PipelineSpec

SPEC = PipelineSpec(
    task="array-classification",
    inputs=(PipelineInput(name="x", dtype="float32", shape=(None, 4), source="array"),),
    outputs=(PipelineOutput(name="y", dtype="float32", shape=(None, 2), answer=True),),
    preprocess=ArraySteps(),
    answer_kind="class",
)
VARIANT = {
    "id": "v0",
    "title": "Original",
    "recipe": [],
    "runtime": "onnxruntime-cpu",
    "precision": "fp32",
    "notes": [],
}


def facts(origin: Origin | None) -> CardFacts:
    device = DeviceFacts(processor="a processor", cores=2, memory_bytes=1 << 30)
    measured = dict.fromkeys(
        ("latency_p50_ms", "latency_p99_ms", "throughput_per_s", "peak_memory_bytes", "size_bytes", "speedup", "size_ratio",
         "accuracy", "accuracy_low", "accuracy_high", "agreement", "flips", "negative_flips")
    )  # fmt: skip
    variant = {**measured, **VARIANT, "verdict": "unmeasured"}
    return CardFacts(
        title="Net", project="net", made_at="2026-01-01", fettle_version="1", license="mit", origin="net",
        original_sha256="a" * 64, device=device, original=variant, variant=variant, limit_pct=1.0, hub_origin=origin, license_verdict=origin.verdict if origin else None,
    )  # fmt: skip


def origin(n_files: int = 2, author: str = "ann") -> Origin:
    return Origin(
        endpoint="https://hub.example",
        repo="ann/net",
        revision="main",
        commit="c" * 40,
        license="mit",
        author=author,
        files=tuple(OriginFile(name=f"part{n}.onnx", sha256=f"{n:064x}", size_bytes=n) for n in range(n_files)),
        downloaded_at="2026-01-01T00:00:00+00:00",
        verdict=LicenseVerdict(word="ok", title="MIT", meaning="may be used, changed and sold"),
    )


def test_a_model_from_the_hub_says_from_where() -> None:
    text = card(facts(origin()), SPEC, 0, COMMANDS)

    section = text.partition("## Origin")[2]
    for words in (
        "ann/net by ann at https://hub.example",
        "revision main",
        "c" * 40,
        "part1.onnx",
        f"{1:064x}",
        "2026-01-01T",
    ):
        assert words in section
    assert "as the hub states it: MIT: may be used, changed and sold" in section
    assert yaml.safe_load(text.split("---")[1])["base_model"] == "ann/net"


def test_many_files_are_counted() -> None:
    text = card(facts(origin(25)), SPEC, 0, COMMANDS)

    assert "part19.onnx" in text
    assert "part20.onnx" not in text
    assert "and 5 more" in text


def test_foreign_text_is_harmless() -> None:
    text = card(facts(origin(author="<script>[x](javascript:1)\n# Title")), SPEC, 0, COMMANDS)

    assert "<script>" not in text.replace("\\<", "")
    assert "\n# Title" not in text


def test_a_model_of_the_persons_own() -> None:
    text = card(facts(None), SPEC, 0, COMMANDS)

    assert "- From:" not in text
    assert yaml.safe_load(text.split("---")[1])["base_model"] == "net"
