"""Read an artifact.json of an earlier version of the program, and refuse one without what a model needs."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from workers.contracts.folder import ARTIFACT_FILE, read_model, write_model


def test_counts_of_kept_layers_of_an_earlier_version_are_ignored(tmp_path: Path) -> None:
    """Given a model of a version that recorded how many layers were kept, When it is read, Then all else is as written."""
    (tmp_path / "model.onnx").write_bytes(b"model")
    artifact = write_model(tmp_path, "model.onnx", ["model.onnx"], precision="int8")
    path = tmp_path / ARTIFACT_FILE
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, "layers_kept": {"kept": 17, "layers": 53}}), encoding="utf-8")
    assert read_model(tmp_path).artifact == artifact
    del document["main"]
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ValidationError):
        read_model(tmp_path)
