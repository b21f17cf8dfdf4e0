"""`verify` names golden inputs with which the engine of a bundle fails."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from bundle_facts import card_facts

from workers.contracts.bundles import ExportParams
from workers.contracts.specs import DeviceFacts
from workers.export.verify import golden_answers
from workers.pipeline.prepared import Prepared, write_prepared
from workers.registry import targets
from workers.runtime.recording import RecordingContext

DEVICE = DeviceFacts(processor="A Processor", cores=2, memory_bytes=1 << 30)


@pytest.mark.whole
def test_verify_golden_input_of_another_shape_is_a_difference(make_small, tmp_path: Path) -> None:
    """Given golden inputs that the engine refuses with an error of its own, Then the difference is named."""
    small, work, folder = make_small("cnn"), tmp_path / "work", tmp_path / "bundle"
    work.mkdir()
    params = ExportParams(
        target="python",
        model_dir=str(small.folder),
        original_dir=str(small.folder),
        data_dir=str(small.data),
        runtime="onnxruntime-cpu",
        facts=card_facts("onnxruntime-cpu", DEVICE),
    )
    targets()["python"].write(params, RecordingContext(work_dir=work))
    with zipfile.ZipFile(work / "bundle.zip") as archive:
        archive.extractall(folder)
    inputs = folder / "golden" / "inputs"
    short = [{name: np.asarray(value)[..., :-1] for name, value in item.items()} for item in Prepared(inputs)]
    shutil.rmtree(inputs)
    write_prepared(inputs, short)
    equal, differences = golden_answers(folder, RecordingContext(work_dir=work))
    assert (equal, len(differences)) == (0, 1)
