"""Report what was checked and found in whole sentences."""

import zipfile

import pytest
import torch
from recording import RecordingContext
from safetensors.torch import save_file

from workers.contracts.jobs import OpenParams
from workers.contracts.process.protections import FILES, NETWORK, PRIVILEGES, PROGRAMS, MissingProtection
from workers.contracts.specs import ModelInfo
from workers.contracts.translation import Message
from workers.model_io.opening import inspect_model, open_model

HELD = (FILES, NETWORK, PROGRAMS, PRIVILEGES)


@pytest.fixture
def report(work):
    """Return all findings of `inspect` (or `open`) as one text; each must be a sentence."""

    def run(path, how=inspect_model, **context):
        found = how(OpenParams(path=str(path)), RecordingContext(work_dir=work, **context))
        findings = (found if isinstance(found, ModelInfo) else found.info).findings
        assert all(finding.what.endswith((".", "…")) and finding.what.isprintable() for finding in findings)
        return " ".join(f"{finding.level}: {finding.what}" for finding in findings)

    return run


def test_findings_of_onnx_state_content_name_and_trial(onnx_model, saved, report):
    import onnx

    path = saved(onnx_model())
    text = report(path)
    parts = ("by its content, not by its name: ONNX", "no programs", "reads no other file", "Nothing in it was run")
    assert all(part in text for part in parts) and "The name ends in" not in text
    assert "warning: The name ends in .pt, but by its content the file is ONNX." in report(saved(onnx_model(), "m.pt"))
    text = report(path, open_model)
    assert "No code of its author was run. The model itself was tried 3 times on made-up inputs" in text
    assert "Nothing in it was run" not in text
    layout = {"location": "w.bin", "size_threshold": 0, "all_tensors_to_one_file": True}
    onnx.save_model(onnx.load(path), str(path), save_as_external_data=True, **layout)
    assert "in a file beside it, inside its own folder" in report(path)


def test_meanings_and_findings_keep_their_templates(onnx_model, saved, inspected):
    """Given a model, When another process reads what was found, Then sentences and meanings still have their facts."""
    read = ModelInfo.model_validate_json(inspected(saved(onnx_model())).model_dump_json())

    assert all(isinstance(spec.meaning, Message) and spec.meaning.facts for spec in (*read.inputs, *read.outputs))
    assert isinstance(read.findings[0].what, Message) and read.findings[0].what.facts == ("ONNX",)


def test_findings_of_safetensors_checkpoints_and_archives_state_the_check(tmp_path, saved, onnx_model, report):
    save_file({"a": torch.ones(2), "b": torch.ones(3)}, tmp_path / "m.safetensors")
    assert "every byte of the file belongs to one of its 2 tensors" in report(tmp_path / "m.safetensors")
    torch.save({"a": torch.ones(2)}, tmp_path / "m.pt")
    assert "A scanner found nothing in it but tensors" in report(tmp_path / "m.pt")
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.write(saved(onnx_model()), "model.onnx")
        archive.writestr("README.md", "# it")
    assert "The ZIP file holds 2 files" in report(tmp_path / "m.zip")


def test_findings_name_active_and_missing_protections(onnx_model, saved, report):
    path = saved(onnx_model())
    text = report(path, protections=HELD)
    assert "info: It was opened in a separate process that could read nothing but the model's own folder" in text
    assert "and had no administrator rights." in text
    text = report(path, missing_protections=tuple(MissingProtection(name=name) for name in (FILES, NETWORK)))
    assert "in a separate process" not in text
    assert "warning: This system has nothing that keeps a program away from your other files;" in text
    assert "warning: This system has nothing that keeps a program away from the network;" in text
    text = report(path, missing_protections=(MissingProtection(name="limits on memory"),))
    assert "warning: This system has no limits on memory; the file was opened without." in text


def test_opening_limits_the_time_of_checking_and_trying(onnx_model, saved, work):
    context = RecordingContext(work_dir=work)
    open_model(OpenParams(path=str(saved(onnx_model()))), context)
    assert {what for what, _ in context.limited} == {"checking the model", "trying the model out"}
    assert all(5 < seconds < 10 for _, seconds in context.limited)
