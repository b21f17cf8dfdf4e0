"""Read and write the folder of one model: `artifact.json` beside the files that it names."""

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from workers.contracts.specs import FileEntry, ModelArtifact, RecipeStep
from workers.contracts.techniques import Model

ARTIFACT_FILE = "artifact.json"
COMPANIONS = ("pipeline.json", "info.json", "tokenizer.json", "chat_template.jinja")
"""Files that are copied from a model's folder to the folder of every variant."""


def sha256_file(path: Path) -> str:
    """Return the hex digest of a file, read in chunks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_folder(folder: Path) -> str:
    """Return the digest over the sorted relative names and digests of all files below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{sha256_file(path)}\n".encode())
    return digest.hexdigest()


def copy_companions(source: Path, target: Path) -> None:
    """Copy the files of `COMPANIONS` that `source` has."""
    for name in COMPANIONS:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def read_model(folder: Path) -> Model:
    """Open the folder of a model; raise FileNotFoundError or pydantic's ValidationError."""
    text = (folder / ARTIFACT_FILE).read_text(encoding="utf-8")
    return Model(folder=folder, artifact=ModelArtifact.model_validate_json(text))


def write_model(
    folder: Path,
    main: str,
    files: Iterable[str],
    *,
    model_format: Literal["onnx", "openvino-ir"] = "onnx",
    precision: str = "fp32",
    settings: Mapping[str, Any] | None = None,
    runtimes: tuple[str, ...] | None = None,
    steps: tuple[RecipeStep, ...] = (),
    notes: tuple[str, ...] = (),
    torch_program: str | None = None,
    weights_kept: bool = True,
) -> ModelArtifact:
    """Hash `files` (relative names below `folder`, including `main`) and write `artifact.json` last."""
    entries = tuple(
        FileEntry(path=name, sha256=sha256_file(folder / name), size_bytes=(folder / name).stat().st_size)
        for name in files
    )
    artifact = ModelArtifact(
        format=model_format,
        main=main,
        files=entries,
        precision=precision,
        settings=dict(settings or {}),
        runtimes=runtimes,
        steps=steps,
        notes=notes,
        torch_program=torch_program,
        weights_kept=weights_kept,
    )
    (folder / ARTIFACT_FILE).write_text(artifact.model_dump_json(indent=1), encoding="utf-8")
    return artifact
