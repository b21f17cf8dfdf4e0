"""Write the files of a Python bundle into a folder, without archive or test."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from packaging.version import Version

from workers.contracts.bundles import CardFacts, ExportParams
from workers.contracts.folder import sha256_file
from workers.contracts.techniques import Model
from workers.convert.graphs.onnx_files import graphs, load
from workers.infer.base import Runtime
from workers.infer.batch_mates import depends_on_mates
from workers.pipeline.spec import PipelineSpec

MAX_NAME = 60
EXTERNAL_SUFFIX = "_data"
"""Suffix after the model's name for a separate file of weights, as on the hub and in transformers.js."""


@dataclass(frozen=True)
class Place:
    """Location of the model in a bundle.

    Attributes:
        folder: Folder below the bundle's root.
        main: Name of the model's file in the bundle; "" keeps its name. Only ONNX files can be renamed.
    """

    folder: str = "model"
    main: str = ""


USUAL_PLACE = Place()
SCRIPTS = ("own_code.py", "bundle.py", "run.py", "verify.py", "monitor.py")
CHAT_SCRIPTS = ("chat.py",)
"""Additional scripts for a language model."""

PIPELINE_ROOMS = ("alike", "postprocess")
"""Subfolders of the pipeline package."""

NEEDS = {"image": ("pillow",), "text": ("tokenizers",), "audio": (), "array": ()}
"""Distributions that the pipeline needs besides numpy, by kind of preprocessing."""


def requirement_lines(runtime: Runtime, spec: PipelineSpec, more: tuple[str, ...] = ()) -> list[str]:
    """Return the requirements of a bundle with the tested versions as minimum; `more` are a target's own."""
    template = ("jinja2",) if spec.chat is not None and spec.chat.template is not None else ()
    written = ("tokenizers",) if spec.generation is not None else ()  # the output is text, whatever the input is
    names = sorted({*runtime.requirements, "numpy", *NEEDS[spec.preprocess.kind], *written, *template, *more})
    # a requirement has no local version label (2.13.0+cpu)
    return [f"{name}>={Version(version(name.partition('[')[0])).public}" for name in names]


def copy_code(folder: Path, module: str, imported: tuple[str, ...], more: tuple[str, ...] = ()) -> None:
    """Copy the package `fettle_bundle`: pipeline and monitor, and of the runtimes `module` with its imports.

    `more` are additional scripts.
    """
    package = folder / "fettle_bundle"
    for name in ("pipeline", "monitor", "infer"):
        (package / name).mkdir(parents=True)
    (package / "__init__.py").write_text('"""Copied from Fettle: what ran in the judgement runs here."""\n')
    for room in ("pipeline", *(f"pipeline/{name}" for name in PIPELINE_ROOMS), "monitor"):
        (package / room).mkdir(exist_ok=True)
        for entry in files("workers").joinpath(room).iterdir():
            if entry.name.endswith(".py"):
                (package / room / entry.name).write_text(entry.read_text(encoding="utf-8"), encoding="utf-8")
    (package / "infer" / "__init__.py").write_text("")
    for name in sorted({"base", "fit", "processor", "landing", "turns", "words", module, *imported}):
        (package / "infer" / f"{name}.py").write_text(own_file(f"{name}.py", "workers.infer"), encoding="utf-8")
    for name in (*SCRIPTS, *more):
        (folder / name).write_text(own_file(name), encoding="utf-8")


def own_file(name: str, package: str = "workers.export.bundle_files") -> str:
    """Return a script or template of the program."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def with_columns(spec: PipelineSpec, facts: CardFacts) -> PipelineSpec:
    """Return the description with the columns of the data's rows as names of the numbers in the model's only input."""
    wanted = [entry for entry in spec.inputs if entry.source == "array"]
    if facts.data is None or not facts.data.row_columns or len(wanted) != 1:
        return spec
    named = replace(wanted[0], columns=facts.data.row_columns)
    return replace(spec, inputs=tuple(named if entry is wanted[0] else entry for entry in spec.inputs))


def model_files(model: Model, runtime: Runtime) -> tuple[str, tuple[str, ...]]:
    """Return the file that the runtime opens, and all files it needs, relative to the model's folder.

    PyTorch runs the program next to the model; every other runtime runs the model's own files.
    """
    artifact = model.artifact
    if runtime.torch_program and artifact.torch_program is not None:
        return artifact.torch_program, (artifact.torch_program, "info.json")  # info.json names its inputs and outputs
    return artifact.main, tuple(entry.path for entry in artifact.files)


def copy_model(folder: Path, model: Model, runtime: Runtime, place: Place = USUAL_PLACE) -> None:
    """Copy the runtime's files to their place, and the model's companions next to it."""
    if place.main:
        target = folder / place.folder / place.main
        target.parent.mkdir(parents=True, exist_ok=True)
        copy_onnx(model.folder / model_files(model, runtime)[0], target)
    else:
        for name in model_files(model, runtime)[1]:
            target = folder / place.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(model.folder / name, target)
    for name in ("pipeline.json", "tokenizer.json", "chat_template.jinja"):
        if (model.folder / name).is_file():
            shutil.copyfile(model.folder / name, folder / name)


def copy_onnx(source: Path, target: Path) -> None:
    """Copy an ONNX file under another name; external weights go into one file ``<name>_data``."""
    import onnx

    if not has_external_data(source):
        shutil.copyfile(source, target)
        return
    proto = load(source)
    data = target.name + EXTERNAL_SUFFIX
    onnx.save_model(proto, str(target), save_as_external_data=True, all_tensors_to_one_file=True, location=data)


def has_external_data(source: Path) -> bool:
    """Return whether weights of an ONNX file are in other files."""
    import onnx

    proto = onnx.load(str(source), load_external_data=False)
    return any(tensor.external_data for graph in graphs(proto.graph) for tensor in graph.initializer)


def module_of(runtime: Runtime) -> str:
    """Return the file name of a runtime's module, without its suffix."""
    return runtime.id.replace("-", "_")


def plain_name(project: str) -> str:
    """Return the project's name in letters that need no escaping in an address or a folder's name."""
    return re.sub(r"[^a-z0-9]+", "-", project.lower()).strip("-")[:MAX_NAME] or "model"


def runtime_entry(runtime: Runtime, settings: Mapping[str, Any], facts: CardFacts, module: str = "") -> dict[str, Any]:
    """Return the manifest's entry of a runtime; `module` is another module that opens the model."""
    return {
        "id": runtime.id,
        "module": module or module_of(runtime),
        "settings": dict(settings),
        "environment": dict(runtime.environment),
        "requirements": list(runtime.requirements),
        "measured_on": facts.device.model_dump(mode="json"),
    }


def manifest(params: ExportParams, model: Model, runtime: Runtime, place: Place) -> dict[str, Any]:
    """Return all entries of the manifest except the hashes."""
    facts = params.facts
    return {
        "manifest_version": 1,
        "target": params.target,
        "title": facts.title,
        "made_at": facts.made_at,
        "made_with": f"fettle {facts.fettle_version}",
        "run_id": facts.run_id,
        "runtime": runtime_entry(runtime, params.settings, facts),
        "model": {
            "folder": place.folder,
            "main": place.main or model_files(model, runtime)[0],
            "format": model.artifact.format,
            "precision": model.artifact.precision,
            "recipe": [step.model_dump(mode="json") for step in model.artifact.steps],
            "notes": list(model.artifact.notes),
            "item_by_item": depends_on_mates(Path(params.model_dir)),
            "elsewhere": facts.elsewhere.model_dump(mode="json", exclude={"path"}) if facts.elsewhere else None,
        },
        "origin": {
            "name": facts.origin,
            "sha256": facts.original_sha256,
            "license": facts.license,
            "hub": facts.hub_origin.model_dump(mode="json") if facts.hub_origin else None,
        },
        "measurements": {"original": facts.original, "this": facts.variant},
        "limit_pct": facts.limit_pct,
        "override_reason": facts.override_reason,
        "data": facts.data.model_dump(mode="json") if facts.data else None,
    }


def write_manifest(folder: Path, document: dict[str, Any]) -> None:
    """Write `manifest.json` with the sha256 of each existing file."""
    hashes = {
        path.relative_to(folder).as_posix(): sha256_file(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }
    text = json.dumps({**document, "files": hashes}, indent=1, ensure_ascii=False)
    (folder / "manifest.json").write_text(text, encoding="utf-8")
