"""Make the fast version of a cascade: the same file with other settings, or the files of another technique."""

import importlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.contracts.process.context import JobContext, derived
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model

FOLDER = "first"
MADE_BY = {"precision_by_operator": "workers.convert", "int8_static": "workers.quantize"}
"""Package of each technique whose fast version has its own files."""


@dataclass(frozen=True)
class First:
    """Fast version of a cascade.

    `settings` override those of the exact version. `main` and `files` are relative to the cascade's folder, if there
    are any.
    """

    settings: dict[str, Any]
    precision: str
    main: str = ""
    files: tuple[str, ...] = ()


def make_first(model: Model, technique: str, ctx: JobContext, folder: Path) -> First:
    """Make the fast version below `folder` with the technique's usual parameters."""
    if technique == "bf16":
        return First({"inference_precision": "bf16"}, "bf16")
    spec = importlib.import_module(f"{MADE_BY[technique]}.{technique}").SPEC
    scratch = folder / "scratch"
    scratch.mkdir()
    artifact: ModelArtifact = spec.apply(model, spec.params(), derived(ctx, work_dir=scratch))
    files = []
    for entry in artifact.files:
        target = folder / FOLDER / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(scratch / "model" / entry.path, target)
        files.append(f"{FOLDER}/{entry.path}")
    shutil.rmtree(scratch)
    known = model.artifact.settings
    own = {name: value for name, value in artifact.settings.items() if name not in known or known[name] != value}
    return First(own, artifact.precision, f"{FOLDER}/{artifact.main}", tuple(files))
