"""`verify` names golden inputs with which the engine of a bundle fails, and bounds what it reads and reports."""

import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from bundle_facts import export_of, filled
from recording import RecordingContext

from workers.contracts.bundles import VerifyParams
from workers.contracts.errors import InputRefused
from workers.export.verify import MOST_LIST_BYTES, MOST_PROBLEMS, golden_answers, verify
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


def listed(folder: Path, count: int) -> Path:
    """Write a bundle of lists alone, whose sums and manifest name `count` other files each."""
    manifest = {"runtime": {"id": "onnxruntime-cpu", "settings": {}}, "model": {"main": "m"}}
    files = {f"b{number}": "0" for number in range(count)}
    (folder / "manifest.json").write_text(json.dumps({**manifest, "files": files}))
    (folder / "SHA256SUMS").write_text("".join(f"0  a{number}\n" for number in range(count)))
    return folder


def test_verify_lists_of_many_missing_files_takes_time_by_their_number(tmp_path: Path) -> None:
    """Given lists that name 20,000 missing files each, Then 100 are reported, and the rest is counted at once."""
    began_s = time.process_time()
    found = verify(VerifyParams(bundle=str(listed(tmp_path, 20_000))), RecordingContext(work_dir=tmp_path), {})
    assert time.process_time() - began_s < 4  # 8 s when each name was compared with all others
    assert not found.ok and len(found.findings) == MOST_PROBLEMS + 1 and "39,90" in found.findings[-1].what


def test_verify_refuses_a_list_that_is_larger_than_any_of_ours(tmp_path: Path) -> None:
    """Given a manifest of 16 MB and more, Then it is refused before it is read."""
    with listed(tmp_path, 1).joinpath("manifest.json").open("r+b") as file:
        file.truncate(MOST_LIST_BYTES + 1)
    with pytest.raises(InputRefused) as refused:
        verify(VerifyParams(bundle=str(tmp_path)), RecordingContext(work_dir=tmp_path), {})
    assert refused.value.code == "not_a_bundle"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_verify_reads_a_bundle_whose_name_is_no_text(tmp_path: Path) -> None:
    """Given a bundle in a folder whose name is no text in any encoding, Then the job's message holds it, and its lists
    are read."""
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    params = VerifyParams(bundle=str(listed(folder, 1)))
    again = VerifyParams.model_validate_json(params.model_dump_json())
    found = verify(again, RecordingContext(work_dir=tmp_path), {})
    assert not found.ok and len(found.findings) == 3 and found.model_dump_json()
