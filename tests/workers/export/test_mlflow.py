"""The MLflow model: described as MLflow reads it and loaded by our loader."""

import json
from pathlib import Path

import pytest
import yaml
from bundle_facts import export_of, unpacked, verified
from web_pages import texts

from workers.contracts.bundles import ExportParams, ExportResult
from workers.export.mlflow import LOADER, described


@pytest.fixture
def made(make_small, tmp_path: Path) -> tuple[ExportResult, Path, ExportParams]:
    params = export_of(make_small("cnn"), "mlflow")
    return *unpacked(params, tmp_path), params


def test_it_is_described_loaded_and_verified(made: tuple[ExportResult, Path, ExportParams]) -> None:
    """Given a small model, then MLmodel names its loader, inputs and outputs, the loader answered alike, and it verifies."""
    result, folder, _ = made
    document = yaml.safe_load((folder / "MLmodel").read_text())
    flavor = document["flavors"]["python_function"]
    assert (flavor["loader_module"], flavor["code"], flavor["data"]) == (LOADER, ".", ".")
    (entry,) = json.loads(document["signature"]["inputs"])
    assert entry["type"] == "tensor" and entry["tensor-spec"]["shape"][0] == -1
    assert (result.selftest[-1].what, result.selftest[-1].ok) == ("Loaded as MLflow does", True)
    assert "MLflow was not started here" in result.selftest[-1].detail
    checked = verified(folder)
    assert checked.ok, checked.findings


def test_a_model_of_texts_is_not_bound_to_tokens(made: tuple[ExportResult, Path, ExportParams]) -> None:
    """Given a model of texts, then its signature names outputs alone: MLflow refused every text by the form of the tokens."""
    signature = yaml.safe_load(described(made[2], texts().spec, "3.11"))["signature"]
    assert signature["inputs"] is None and json.loads(signature["outputs"])[0]["name"] == "logits"
