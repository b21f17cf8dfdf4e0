"""The bill of materials is strictly valid, and its figures are the store's."""

import json
from typing import Any

import pytest
from card_facts import DATA, ORIGINAL, SPEC, VARIANT, facts

from workers.contracts.errors import WorkerError
from workers.contracts.specs import TaskScore
from workers.export import bom
from workers.export.bom import FIGURES, bill, model_card
from workers.export.evidence import ROWS, evidence

NEEDS = ["numpy>=2.1", "onnxruntime>=1.23"]
WEIGHTS = {"model/model.onnx": "ef" * 32}
SCORE = TaskScore(id="wer", task="transcript", title="Word error rate", meaning="", against="original", n=9,
                  optimized=0.02, low=0.01, high=0.04)  # fmt: skip


def parsed(**more: Any) -> dict[str, Any]:
    found = json.loads(bill(facts(**more), SPEC, NEEDS, WEIGHTS))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("license_name", ["mit", "Apache-2.0", "MIT AND BSD-3-Clause", "my own <terms> & more", None])
@pytest.mark.parametrize("text", ["", 'quotes " and \\ and \u202e', "x" * 5000])
def test_it_is_strictly_valid_whatever_people_write(license_name: str | None, text: str) -> None:
    """Given any license and any words, then the specification's strict schema holds (`bill` raises otherwise)."""
    found = parsed(license=license_name, purpose=text, not_for=text, override_reason=text or None, data=None)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")


def test_parts_have_their_hashes_and_places() -> None:
    """Given a model, then original, data, files and libraries are parts of it, each with what identifies it."""
    found = parsed()
    parts = {part["bom-ref"]: part for part in found["components"]}
    assert parts["original"]["hashes"][0]["content"] == "ab" * 32
    assert parts["data"]["hashes"][0]["content"] == DATA.sha256
    assert parts["file:model/model.onnx"]["hashes"][0]["content"] == "ef" * 32
    assert parts["pypi:numpy"]["purl"] == "pkg:pypi/numpy@2.1"
    needs = next(row for row in found["dependencies"] if row["ref"] == "model")["dependsOn"]
    assert set(needs) == set(parts)


def test_every_figure_is_the_stores() -> None:
    """Given measured values, then each is reported unrounded with its interval, and what was not measured is left out."""
    variant = {**VARIANT, "accuracy_low": 0.9, "accuracy_high": 0.92, "speedup_low": 3.5, "speedup_high": 4.4}
    metrics = model_card(facts(variant=variant, scores=(SCORE,)), SPEC)["quantitativeAnalysis"]["performanceMetrics"]
    report = {row["type"]: row for row in metrics}
    for name, key, low, high in FIGURES:
        if variant.get(key) is None:
            assert name not in report
            continue
        assert float(report[name]["value"]) == variant[key]
        if low is not None and high is not None and variant.get(low) is not None:
            interval = report[name]["confidenceInterval"]
            assert (float(interval["lowerBound"]), float(interval["upperBound"])) == (variant[low], variant[high])
    assert float(report["Word error rate"]["confidenceInterval"]["upperBound"]) == 0.04


def test_the_same_bundle_has_the_same_bill() -> None:
    """Given the same facts twice, then the same bytes, and another run has another serial number."""
    assert bill(facts(run_id="r"), SPEC, NEEDS, WEIGHTS) == bill(facts(run_id="r"), SPEC, NEEDS, WEIGHTS)
    assert parsed(run_id="r")["serialNumber"] != parsed(run_id="s")["serialNumber"]


def test_invalid_bill_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a card with a field that the schema does not know, then the bundle is refused."""
    monkeypatch.setattr(bom, "model_card", lambda _facts, _spec: {"made up": 1})
    with pytest.raises(WorkerError, check=lambda error: error.code == "bom_invalid"):
        bill(facts(), SPEC, NEEDS, WEIGHTS)


def test_evidence_is_never_called_conformity() -> None:
    """Given much and little, then evidence is named with its place, missing evidence as missing, and nothing is called compliant."""
    rich = evidence(facts(purpose="sort cats", contact="ann"))
    bare = evidence(
        facts(data=None, license=None, variant={**VARIANT, "verdict": "unmeasured", "latency_p50_ms": None})
    )
    for text in (rich, bare):
        assert "no statement of conformity" in text and "complian" not in text.lower()
        assert text.count("\n| ") == len(ROWS) + 1
    assert "| Purpose | MAP 1.1 | A.9.4 | README.md, What it is for | stated by the person who made it |" in rich
    assert "| Test sets | MEASURE 2.1 | A.6.2.4 | README.md, Test data | not recorded |" in bare
    assert "the original, unchanged" in evidence(facts(variant=ORIGINAL))
