"""Add the original to a bundle as a fallback if the version is slower or does not run.

The fallback runs as it was judged, in ONNX Runtime, so a bundle of another runtime also needs that package.
"""

from pathlib import Path
from typing import Any

from workers.contracts.bundles import ExportParams
from workers.contracts.folder import read_model
from workers.contracts.process.context import JobContext
from workers.contracts.specs import RunParams
from workers.export.layout import Place, copy_model, model_files, module_of, runtime_entry
from workers.measure.opening import find_runtime, open_session
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared, write_prepared

FOLDER = "fallback"
SAME_PACKAGE = {"onnxruntime": "onnxruntime-gpu"}
"""Packages that share one folder, with the package that includes the other."""


def code_of(fallback: RunParams) -> tuple[str, ...]:
    """Return the modules of the fallback's runtime."""
    runtime = find_runtime(fallback.runtime)
    return (module_of(runtime), *runtime.modules)


def needs_of(fallback: RunParams, there: tuple[str, ...]) -> tuple[str, ...]:
    """Return the distributions that the fallback needs in addition to the existing ones."""
    needed = find_runtime(fallback.runtime).requirements
    return tuple(name for name in needed if name not in there and SAME_PACKAGE.get(name) not in there)


def write_fallback(folder: Path, fallback: RunParams, params: ExportParams, ctx: JobContext) -> dict[str, Any]:
    """Write the fallback's files and golden predictions into the bundle's `folder`; return its manifest entry."""
    runtime, model = find_runtime(fallback.runtime), read_model(Path(fallback.model_dir))
    place = folder / FOLDER
    place.mkdir()
    copy_model(place, model, runtime, Place())
    pipeline = load_pipeline(place)
    session = open_session(model.folder, fallback.runtime, fallback.settings, ctx.threads)
    try:
        asked = Prepared(folder / "golden" / "inputs")
        feeds = ({name: values.copy() for name, values in one.items()} for one in asked)
        write_prepared(folder / "golden" / FOLDER, ({"answer": pipeline.answer(session, one)} for one in feeds))
    finally:
        session.close()
    size_bytes = sum(path.stat().st_size for path in (place / "model").rglob("*") if path.is_file())
    entry = runtime_entry(runtime, fallback.settings, params.facts)
    del entry["requirements"]
    return {
        "title": params.facts.original["title"],
        "size_bytes": size_bytes,
        "runtime": entry,
        "model": {
            "folder": f"{FOLDER}/model",
            "main": model_files(model, runtime)[0],
            "precision": model.artifact.precision,
        },
    }
