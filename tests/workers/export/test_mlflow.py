"""The MLflow model: described as MLflow reads it and loaded by our loader."""

import json

import yaml
from bundle_facts import export_of, verified
from web_pages import texts

from workers.export.mlflow import LOADER, described


def test_it_is_described_loaded_and_verified(exported) -> None:
    """Given a small model, then MLmodel names its loader, inputs and outputs, the loader answered alike, and it verifies."""
    result, folder = exported("mlflow")
    document = yaml.safe_load((folder / "MLmodel").read_text())
    flavor = document["flavors"]["python_function"]
    assert (flavor["loader_module"], flavor["code"], flavor["data"]) == (LOADER, ".", ".")
    (entry,) = json.loads(document["signature"]["inputs"])
    assert entry["type"] == "tensor" and entry["tensor-spec"]["shape"][0] == -1
    assert (result.selftest[-1].what, result.selftest[-1].ok) == ("Loaded as MLflow does", True)
    assert "MLflow was not started here" in result.selftest[-1].detail
    checked = verified(folder)
    assert checked.ok, checked.findings


def test_a_model_of_texts_is_not_bound_to_tokens(make_small) -> None:
    """Given a model of texts, then its signature names outputs alone: MLflow refused every text by the form of the tokens."""
    signature = yaml.safe_load(described(export_of(make_small("cnn")), texts().spec, "3.11"))["signature"]
    assert signature["inputs"] is None and json.loads(signature["outputs"])[0]["name"] == "logits"
