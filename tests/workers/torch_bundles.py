"""A bundle that runs a torch program, and the same from a stranger who put a payload into it."""

import json
from pathlib import Path
from typing import Any

from bundle_facts import card_facts
from compiled_program import with_program
from hostile_programs import MADE

from workers.contracts.bundles import ExportParams
from workers.contracts.folder import sha256_file
from workers.contracts.specs import DeviceFacts
from workers.export.python_folder import fill
from workers.measure.opening import find_runtime
from workers.pipeline.golden import write_sums
from workers.runtime.recording import RecordingContext

PROGRAM = "model/model.pt2"


def write_torch_bundle(small: Any, folder: Path, work: Path) -> Path:
    """Export the small CNN for PyTorch, without an archive and without the self-test."""
    with_program(small)
    facts = card_facts("torch-cpu", DeviceFacts(processor="p", cores=1, memory_bytes=1 << 30, features=()))
    params = ExportParams(
        target="python",
        model_dir=str(small.folder),
        original_dir=str(small.folder),
        data_dir=str(small.data),
        runtime="torch-cpu",
        facts=facts,
        golden=4,
    )
    folder.mkdir()
    fill(folder, params, find_runtime("torch-cpu"), RecordingContext(work, threads=1))
    return folder


def tamper(folder: Path, kind: str, marker: Path) -> None:
    """Put a payload into the program, with new hashes in the manifest and in the list of checksums."""
    MADE[kind](folder / PROGRAM, marker)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][PROGRAM] = sha256_file(folder / PROGRAM)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    write_sums(folder)
