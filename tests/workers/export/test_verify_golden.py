"""`verify` names golden inputs with which the engine of a bundle fails."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from bundle_facts import export_of, filled
from recording import RecordingContext

from workers.export.verify import golden_answers
from workers.pipeline.prepared import Prepared, write_prepared


@pytest.mark.whole
def test_verify_golden_input_of_another_shape_is_a_difference(make_small, tmp_path: Path) -> None:
    """Given golden inputs that the engine refuses with its own error, Then the difference is named."""
    folder = filled(export_of(make_small("cnn")), tmp_path)
    inputs = folder / "golden" / "inputs"
    short = [{name: np.asarray(value)[..., :-1] for name, value in item.items()} for item in Prepared(inputs)]
    shutil.rmtree(inputs)
    write_prepared(inputs, short)
    equal, differences = golden_answers(folder, RecordingContext(work_dir=tmp_path))
    assert (equal, len(differences)) == (0, 1)
