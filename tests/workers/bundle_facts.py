"""Exports of small models whose figures do not matter, their bundles, and programs in these."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from recording import RecordingContext

from workers.contracts.bundles import CardFacts, ExportParams, ExportResult, VerifyParams, VerifyResult
from workers.contracts.specs import DeviceFacts
from workers.export.python_folder import fill
from workers.export.verify import verify
from workers.measure.opening import find_runtime
from workers.registry import targets

DEVICE = DeviceFacts(processor="A Processor", cores=2, memory_bytes=1 << 30)

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
        title="t", project="p", made_at="2025-01-01T00:00:00Z", fettle_version="1", original_sha256="ab" * 32,
        device=device, original=figures, variant=figures, limit_pct=1.0,
    )  # fmt: skip


def export_of(
    small: Any, target: str = "python", runtime: str = "onnxruntime-cpu", device: DeviceFacts = DEVICE, **more: Any
) -> ExportParams:
    """An export of a small model; `more` are other parameters, such as the folder of a version."""
    folders = {"model_dir": str(small.folder), "original_dir": str(small.folder), "data_dir": str(small.data)}
    return ExportParams(
        **{"target": target, "runtime": runtime, "facts": card_facts(runtime, device), **folders, **more}
    )


def filled(params: ExportParams, root: Path) -> Path:
    """A bundle without an archive and without its self-test."""
    folder = root / "bundle"
    folder.mkdir(parents=True)
    fill(folder, params, find_runtime(params.runtime), RecordingContext(root, threads=1))
    return folder


def unpacked(params: ExportParams, root: Path) -> tuple[ExportResult, Path]:
    """The target's result of a whole export, and its unpacked bundle."""
    work = root / "work"
    work.mkdir(parents=True, exist_ok=True)
    result = targets()[params.target].write(params, RecordingContext(work))
    assert isinstance(result, ExportResult) and all(check.ok for check in result.selftest)
    with zipfile.ZipFile(work / "bundle.zip") as archive:
        archive.extractall(root / "unpacked")
    return result, root / "unpacked"


def verified(folder: Path) -> VerifyResult:
    """What Fettle's own check finds."""
    work = folder.with_name("verify")
    work.mkdir(exist_ok=True)
    return verify(VerifyParams(bundle=str(folder)), RecordingContext(work), targets())


def run_python(folder: Path, *arguments: str, options: tuple[str, ...] = ("-I", "-B"), **variables: str) -> Any:
    """A finished process of Python in a bundle's folder, where nothing of Fettle can be imported."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, *options, *arguments], cwd=folder, env={**plain, **variables}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
