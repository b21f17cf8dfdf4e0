"""A bundle that runs a torch program, and the same from a stranger who put a payload into it."""

import json
from pathlib import Path
from typing import Any

from bundle_facts import export_of, filled
from compiled_program import with_program
from hostile_programs import MADE

from workers.contracts.folder import sha256_file
from workers.pipeline.golden import write_sums

PROGRAM = "model/model.pt2"


def write_torch_bundle(small: Any, root: Path) -> Path:
    """Export the small CNN for PyTorch, without an archive and without the self-test."""
    return filled(export_of(with_program(small), runtime="torch-cpu", golden=4), root)


def tamper(folder: Path, kind: str, marker: Path) -> None:
    """Put a payload into the program, with new hashes in the manifest and in the list of checksums."""
    MADE[kind](folder / PROGRAM, marker)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][PROGRAM] = sha256_file(folder / PROGRAM)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    write_sums(folder)
