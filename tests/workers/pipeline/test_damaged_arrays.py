"""Files of arrays that are damaged."""

from pathlib import Path

import numpy as np
import pytest

from workers.contracts.pipeline import ArraySteps, PipelineInput, PipelineOutput, PipelineSpec
from workers.pipeline import Pipeline, PipelineError
from workers.pipeline.spec import parse_spec

SPEC = PipelineSpec(
    task="arrays",
    inputs=(PipelineInput(name="x", dtype="float32", shape=(None, 4), source="array"),),
    outputs=(PipelineOutput(name="y", dtype="float32", shape=(None, 3), answer=True),),
    preprocess=ArraySteps(),
    answer_kind="tensor",
)


@pytest.mark.parametrize("harm", ["head alone", "cut", "a byte changed"])
def test_a_damaged_npz_is_told_in_words(tmp_path: Path, harm: str) -> None:
    """Given a zip that is cut, or whose content does not match its checksum, then a sentence, not zipfile's own error."""
    path = tmp_path / "x.npz"
    np.savez_compressed(path, x=np.arange(400, dtype=np.float32).reshape(100, 4))
    content = bytearray(path.read_bytes())
    if harm == "a byte changed":
        content[len(content) // 3] ^= 0xFF
    path.write_bytes(
        {"head alone": b"PK\x03\x04", "cut": bytes(content[: len(content) // 2])}.get(harm, bytes(content))
    )
    with pytest.raises(PipelineError, match=r"x\.npz cannot be read"):
        Pipeline(parse_spec(SPEC.model_dump(mode="json")), tmp_path).feeds_from(path)
