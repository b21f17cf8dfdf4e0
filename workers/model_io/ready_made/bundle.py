"""Open a bundle that Fettle exported: check its files against its checksums, and run none of its code."""

import shutil
from pathlib import Path

from pydantic import AliasPath, Field, JsonValue

from workers.contracts.base import Frozen
from workers.contracts.folder import sha256_file, write_model
from workers.contracts.jobs import OpenParams
from workers.contracts.pipeline import PipelineSpec, read_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, joined
from workers.infer.fit import fit_settings
from workers.model_io.budget import checking
from workers.model_io.facts import Graph, ModelFacts, info, tensor_specs
from workers.model_io.formats import Draft, Write
from workers.model_io.readers.chat_files import TEMPLATE
from workers.model_io.safety import check_programs, has_consent
from workers.model_io.words import refuse, shown
from workers.pipeline.generating import checked_main
from workers.pipeline.golden import SUMS_FILE, check_sums

TOKENIZER = "tokenizer.json"
INPUT_NAMES = "info.json"
"""File beside a torch program with the names of its inputs and outputs; opening replaces it at the end."""

CHANGED_INSIDE = ("cascade", "pixels", "parts", "buckets", "constants", "shapes")
"""Settings that name inputs or further files; a model with them keeps its original interface."""


class _Manifest(Frozen, extra="ignore"):
    """The needed fields of a bundle's manifest, which has more fields, some of them nested."""

    title: str = ""
    runtime: str = Field(validation_alias=AliasPath("runtime", "id"))
    settings: dict[str, JsonValue] = Field({}, validation_alias=AliasPath("runtime", "settings"))
    measured_on: dict[str, JsonValue] = Field({}, validation_alias=AliasPath("runtime", "measured_on"))
    main: str = Field(validation_alias=AliasPath("model", "main"))
    folder: str = Field("model", validation_alias=AliasPath("model", "folder"))  # older bundles name no folder
    format: str = Field("onnx", validation_alias=AliasPath("model", "format"))
    precision: str = Field("fp32", validation_alias=AliasPath("model", "precision"))


def read(path: Path, params: OpenParams, ctx: JobContext) -> tuple[Draft, Write]:
    """Check every file and read the description. Nothing runs; programs are opened only with consent."""
    with checking(ctx, [entry for entry in path.rglob("*") if entry.is_file()]):
        problems = check_sums(path, allow_caches=True)
    if problems:
        raise refuse(
            "bundle_changed",
            "This bundle was changed after it was exported",
            joined(shown(text) for text in problems[:3]),
            "Export it again, or copy it again from the folder to which it was exported.",
        )
    check_programs(path, path.name, allow_code=True, ctx=ctx)
    spec, manifest = _read(path)
    files = tuple(sorted(entry for entry in (path / manifest.folder).rglob("*") if entry.is_file()))
    size = sum(file.stat().st_size for file in files)
    graph = Graph(
        inputs=tensor_specs(spec.inputs),
        outputs=tensor_specs(spec.outputs),
        weight_bytes=size,
        quantized="int8" in manifest.precision,
        precision=manifest.precision,
    )
    tokenizer = path / TOKENIZER
    facts = ModelFacts(
        task=spec.task,
        preprocess=spec.preprocess,
        classes=spec.classes,
        tokenizer=tokenizer if tokenizer.is_file() else None,
    )
    plain = manifest.main.endswith((".onnx", ".xml")) and not set(manifest.settings) & set(CHANGED_INSIDE)
    summary = info(_("A bundle of Fettle, “{0}”. None of its files has changed.").format(shown(manifest.title)))
    draft = Draft(graph, facts, files, (summary,), runtime=manifest.runtime, pipeline=spec, plain=plain)

    def write(params: OpenParams, target: Path) -> Draft:
        digest = sha256_file(path / SUMS_FILE)  # which names the hashes of all files
        check_programs(path, path.name, has_consent(params, digest), ctx, digest)
        return _write(path, draft, manifest, ctx, target)

    return draft, write


def _write(path: Path, draft: Draft, manifest: _Manifest, ctx: JobContext, target: Path) -> Draft:
    """Copy the model's files into `target`, with the settings with which the bundle runs it."""
    folder = path / manifest.folder
    names = [file.relative_to(folder).as_posix() for file in draft.files if file.name != INPUT_NAMES]
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target / name)
    for source in (path / "pipeline.json", path / TEMPLATE, folder / INPUT_NAMES):
        if source.is_file():
            shutil.copyfile(source, target / source.name)
    settings, _notes = fit_settings(manifest.settings, manifest.precision, manifest.measured_on, ctx.threads)
    is_torch = manifest.main.endswith(".pt2")
    write_model(
        target,
        manifest.main,
        names,
        model_format="openvino-ir" if manifest.format == "openvino-ir" else "onnx",
        precision=manifest.precision,
        settings=settings,
        runtimes=(manifest.runtime,) if is_torch or not draft.plain else None,
        torch_program=manifest.main if is_torch else None,
    )
    return draft


def _read(path: Path) -> tuple[PipelineSpec, _Manifest]:
    """Return the bundle's description and manifest.

    Raises:
        InputRefused: it is not a bundle of Fettle.
    """
    try:
        manifest = _Manifest.model_validate_json((path / "manifest.json").read_bytes())
        spec = read_pipeline(path)
        main = path / checked_main(manifest.folder) / checked_main(manifest.main)
        if not main.is_file():
            raise FileNotFoundError(main)
    except (OSError, ValueError, RecursionError) as error:
        raise refuse(
            "not_a_bundle",
            "This is not a bundle of Fettle",
            _("{0} has a manifest.json and a pipeline.json, but they do not describe a model.").format(path.name),
            "Choose a .zip file that Fettle exported, or its unpacked folder.",
        ) from error
    return spec, manifest
