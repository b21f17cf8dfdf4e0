"""Weights are rounded layer by layer, so that a model larger than half of the memory can be made smaller."""

import os
import shutil
from pathlib import Path

import pytest
from large_llama import write_llama
from peak_of import peak_bytes

LIMIT = 1.3
"""Times the weights in BF16, above the level after the imports."""

ROOT = Path(os.environ.get("FETTLE_MODELS_DIR", "/nowhere"))


def check(source: Path, weight_bytes: int, work: Path) -> None:
    opening = peak_bytes("open", source, work / "opened")
    rounding = {
        technique: peak_bytes(technique, work / "opened" / "model", work / technique)
        for technique in ("language_int8", "language_int4")
    }
    report = {"opening": opening, **rounding}
    figures = ", ".join(f"{name} {peak / weight_bytes:.2f}" for name, peak in report.items())
    print(f"{weight_bytes / 1e9:.2f} GB in BF16: {figures} times that above the imports")  # noqa: T201 - the point
    assert max(rounding.values()) <= LIMIT * weight_bytes


@pytest.mark.models
@pytest.mark.timeout(3600)
def test_135_million_parameters(tmp_path: Path) -> None:
    source = next((ROOT / "P").glob("P13*"))
    check(source, (source / "model.safetensors").stat().st_size, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_1_1_billion_parameters(tmp_path: Path) -> None:
    """Given a random Llama in shards, which takes 5 GB of the disk while the test runs."""
    try:
        check(tmp_path / "llama", write_llama(tmp_path / "llama"), tmp_path)
    finally:
        shutil.rmtree(tmp_path)
