"""Open a model: detect its format, read it, convert it to the inner form, try it, and describe it."""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from workers.contracts.folder import read_model, sha256_file, write_model
from workers.contracts.jobs import InspectResult, OpenParams, OpenResult
from workers.contracts.measured.beside import folder_of_weights
from workers.contracts.paths import from_text
from workers.contracts.pipeline import PipelineSpec, checked, pipeline_document, write_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import GUESSED, Finding, ModelArtifact, ModelInfo, TensorSpec
from workers.convert.parts import join_parts
from workers.infer.onnxruntime_cpu import OnnxSession
from workers.measure.opening import open_session
from workers.model_io.budget import checking, trying
from workers.model_io.compare import conversion_error
from workers.model_io.data_shapes import item_shapes
from workers.model_io.facts import Graph, info
from workers.model_io.formats import Draft, Format, format_of
from workers.model_io.guess.asked import as_requested
from workers.model_io.guess.spec import box_findings, build_spec, class_name_findings, reread, sizes
from workers.model_io.layouts import layouts
from workers.model_io.readers.neighbors import beside_sha256, carry, label_lists, small_files, stored_pipeline
from workers.model_io.readers.sniff import sniff
from workers.model_io.readers.torch.zipped import unpack
from workers.model_io.ready_made.kinds import sniff_to_prove
from workers.model_io.runtime import load_session
from workers.model_io.safety import not_run, others_beside, recognized, tried, unpacked, walls
from workers.model_io.trial import Hints, Trial, again, try_out
from workers.model_io.vocabulary import table_sizes
from workers.model_io.words import name_of, refuse
from workers.pipeline.generating import open_whole

MODEL_DIR = "model"
CHECKING_IT, TRYING_IT = "Checking the model", "Trying it out"
_UNPACKED, _LINK = "unpacked", "folder"


@dataclass(frozen=True)
class Source:
    """The opened file or folder with its format, and findings from its detection."""

    path: Path
    format: Format
    findings: tuple[Finding, ...]


def inspect_model(params: OpenParams, ctx: JobContext) -> InspectResult:
    """Describe a model without converting or running it, and leave nothing behind.

    Raises:
        InputRefused: the model cannot be opened.
    """
    path = from_text(params.path)
    try:
        ctx.progress(CHECKING_IT, 0, 1)
        source = source_of(path, ctx, params.to_prove)
        draft, _ = source.format.read(source.path, params, ctx)
        _, spec = _first_spec(source.path, draft, params)
        ctx.progress(CHECKING_IT, 1, 1)
        names = (*class_name_findings(draft.found, spec), *box_findings(spec)) if spec is not None else ()
        return InspectResult(info=info_of(path, source, draft, spec, (*names, not_run(), *walls(ctx))))
    finally:
        shutil.rmtree(unpacked_folder(ctx), ignore_errors=True)


def open_model(params: OpenParams, ctx: JobContext) -> OpenResult:
    """Write the inner form to ``ctx.work_dir / "model"``; leave nothing behind after an error.

    Raises:
        InputRefused: the model cannot be opened.
    """
    target = ctx.work_dir / MODEL_DIR
    try:
        target.mkdir(parents=True)
        return _open(from_text(params.path), params, ctx, target)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(unpacked_folder(ctx), ignore_errors=True)


def _open(path: Path, params: OpenParams, ctx: JobContext, target: Path) -> OpenResult:
    ctx.progress(CHECKING_IT, 0, 3)
    source = source_of(path, ctx, params.to_prove)
    draft, write = source.format.read(source.path, params, ctx)
    params, _ = _first_spec(source.path, draft, params)
    ctx.identified(content_of(path, source, draft, params))
    draft = write(params, target)
    _refuse_useless(path, draft.graph)
    ctx.check_cancelled()
    ctx.progress(TRYING_IT, 1, 3)
    if draft.found.tokenizer is not None:
        shutil.copyfile(draft.found.tokenizer, target / "tokenizer.json")
    carry(source.path, target)
    session = _session(target, draft, ctx)
    try:
        with trying(ctx, draft.graph.weight_bytes):
            spec, hints = _spec(source.path, draft, params), _hints(target, draft, params)
            trial = try_out(path, _ways(source.path, draft, spec), target, session, ctx, hints)
            trial = _as_asked(path, draft, params, _with_shapes(path, source.path, draft, trial))
        ctx.progress(TRYING_IT, 2, 3)
        with trying(ctx, draft.graph.weight_bytes):
            error = conversion_error(path, draft.reference, trial.feeds, session)
    finally:
        session.close()
    names = (*class_name_findings(draft.found, trial.spec), *box_findings(trial.spec))
    more = (*trial.findings, *names, tried(len(trial.feeds)), *walls(ctx))
    told = info_of(path, source, draft, trial.spec, more)
    result = _write(target, draft, trial, told)
    ctx.progress(TRYING_IT, 3, 3)
    return result.model_copy(update={"conversion_error": error})


def _first_spec(source: Path, draft: Draft, params: OpenParams) -> tuple[OpenParams, PipelineSpec | None]:
    """Return `params` with the data's sizes for open sizes, and the description.

    The description is None where the outputs are unknown before the model runs.
    """
    items = _items(draft.graph, params)
    params = params.model_copy(update={"item_shapes": items, "data_path": None})
    spec = _spec(source, draft, params) if draft.graph.outputs else None
    spec = as_requested(spec, draft.graph, draft.found, params) if spec is not None else None
    if spec is None or spec.preprocess.kind == "array" or any(not entry.shape for entry in draft.graph.inputs):
        return params, spec
    return params.model_copy(update={"item_shapes": {}}), spec


def content_of(path: Path, source: Source, draft: Draft, params: OpenParams) -> str:
    """Identify an opened model by its files, small files beside it (tokenizer, labels, license), name and sizes."""
    sizes = json.dumps(params.item_shapes, sort_keys=True)
    return f"{_sha256(draft.files)}:{beside_sha256(source.path)}:{path.name}:{sizes}"


def _session(target: Path, draft: Draft, ctx: JobContext) -> Any:
    """Open the model that was written, or both of its parts."""
    if draft.stored is not None:
        return open_session(target, draft.stored.runtime, {}, ctx.threads)
    if draft.found.generation is None:
        return load_session(target / "model.onnx", ctx.threads)
    artifact, loop = join_parts(target), draft.found.generation

    def load(path: Path, settings: Mapping[str, Any], threads: int) -> OnnxSession:
        return load_session(path, threads)

    return open_whole(load, target, artifact.main, artifact.settings, ctx.threads, loop)


def source_of(path: Path, ctx: JobContext, to_prove: bool) -> Source:
    """Return the file or folder to open, unpacked if it is a ZIP file.

    Raises:
        InputRefused: it is no model.
    """
    look = sniff_to_prove if to_prove else sniff
    ctx.check_cancelled()
    findings: tuple[Finding, ...] = ()
    with checking(ctx, [path] if not path.is_symlink() else []):
        sniffed = look(path)
        if sniffed.kind == "zip":
            place, count = unpack(path, _own_name(path, ctx.work_dir / _UNPACKED))
            findings = (unpacked(count),)
            sniffed = look(place)
    if sniffed.kind == "zip":
        raise refuse(
            "nested_zip",
            "The ZIP file holds another ZIP file",
            f"{path.name} holds a ZIP file and no model.",
            "Unpack it, and open the model inside.",
        )
    source, model_format = sniffed.path, format_of(sniffed.kind)
    if path.is_file() and source == path.parent:
        findings = (*findings, info(f"Opened with the folder around it, “{name_of(source)}”, which says what it is."))
    findings = (*recognized(source, model_format), *others_beside(sniffed.others), *findings)
    return Source(_under_a_sound_name(source, ctx.work_dir / _UNPACKED), model_format, findings)


def _under_a_sound_name(source: Path, own: Path) -> Path:
    """Return a path of the same model that libraries in C++ accept, because they reject some file names.

    A folder gets a link, so that everything in it stays beside the model; a file with such a name is copied, with the
    small files beside it.
    """
    if source.is_file() and not source.name.isprintable():
        place = _own_name(source, own)
        shutil.copyfile(source, place, follow_symlinks=False)
        for file in small_files(source.parent):
            beside = own / file.relative_to(source.parent)
            if beside != place and beside.name.isprintable():
                beside.parent.mkdir(exist_ok=True)
                shutil.copyfile(file, beside, follow_symlinks=False)
        return place
    if str(source).isprintable():
        return source
    own.mkdir(exist_ok=True)
    link = own / _LINK
    link.symlink_to(source if source.is_dir() else source.parent, target_is_directory=True)
    return link if source.is_dir() else link / source.name


def _own_name(path: Path, folder: Path) -> Path:
    """Return a path in the job's folder with a name that is valid on every system, similar to the original's."""
    folder.mkdir(exist_ok=True)
    stem = path.stem if re.fullmatch(r"[\w.-]{1,100}", path.stem, re.ASCII) else "model"
    return folder / (stem.lstrip(".-") or "model")


def _refuse_useless(path: Path, graph: Graph) -> None:
    if not graph.inputs:
        raise refuse(
            "no_input",
            "The model has no input",
            f"{path.name} takes no input and always answers the same.",
            "Ask its author for the model with its input, or choose another file.",
        )
    if not graph.weight_bytes:
        raise refuse(
            "no_weights",
            "The model has no weights",
            f"{path.name} holds 0 bytes of weights, so nothing in it can be made smaller.",
            "Choose the file that holds the trained model.",
        )


def unpacked_folder(ctx: JobContext) -> Path:
    """Return the folder in which a job unpacks what it opens; the caller that opens removes it."""
    return ctx.work_dir / _UNPACKED


def _spec(source: Path, draft: Draft, params: OpenParams) -> PipelineSpec:
    """Return the pipeline that the model carries, else one from its files and guesses."""
    stored = carried(draft)
    names = {spec.name for spec in draft.graph.inputs}
    if stored is not None and names == {entry.name for entry in stored.inputs} and not params.preprocess:
        return stored
    try:
        spec = checked(build_spec(draft.graph, draft.found, params.preprocess, params.shapes, params.item_shapes))
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_url=False)[0]["loc"]))
        raise refuse(
            "odd_sizes",
            "The model's inputs cannot be fed",
            f"{source.name} describes inputs of sizes that no data have ({place}).",
            "Check the sizes of its inputs, or export it again.",
        ) from error
    return _with_classes(source, spec)


def carried(draft: Draft) -> PipelineSpec | None:
    """Return the whole description that one of our own models carries."""
    own = draft.stored.pipeline if draft.stored is not None else None
    return own or stored_pipeline(draft.graph.metadata)


def _as_asked(path: Path, draft: Draft, params: OpenParams, trial: Trial) -> Trial:
    """Apply the user's choice of how results are read, completed from the outputs of the trial."""
    asked = as_requested(trial.spec, draft.graph, draft.found, params)
    if asked == trial.spec:
        return trial
    told = again(path, trial, asked)
    # outputs may complete the choice but not change what results are
    kept: dict[str, Any] = {"answer_kind": asked.answer_kind, "task": asked.task}
    if asked.postprocess is None:
        kept["postprocess"] = None
    return replace(told, spec=replace(told.spec, **kept))


def _items(graph: Graph, params: OpenParams) -> dict[str, tuple[int, ...]]:
    """Return the sizes of one item in the data for inputs with open sizes; {} if there are none.

    Without data, return the sizes in `params`.
    """
    if params.data_path is None:
        return params.item_shapes
    is_open = any(not spec.shape or not all(isinstance(size, int) for size in spec.shape[1:]) for spec in graph.inputs)
    batches = any(isinstance(spec.shape[0], int) and spec.shape[0] > 1 for spec in graph.inputs if spec.shape)
    wanted = {"x", *(spec.name for spec in graph.inputs)}
    found = item_shapes(from_text(params.data_path)) if is_open or batches else {}
    return {name: shape for name, shape in found.items() if name in wanted}


def _ways(source: Path, draft: Draft, spec: PipelineSpec) -> list[PipelineSpec]:
    """Return the description and others with the batch elsewhere, unless the model carries its own."""
    if carried(draft) == spec:
        return [spec]
    ways = layouts(spec, draft.graph.inputs)
    return [way if way == spec else _with_classes(source, reread(way, draft.graph, draft.found)) for way in ways]


def _with_shapes(path: Path, source: Path, draft: Draft, trial: Trial) -> Trial:
    """Decide again what the results are where the trial run showed sizes that the file does not state."""
    if trial.spec.generation is not None or carried(draft) is not None:
        return trial
    seen = {entry.name: entry.shape for entry in trial.spec.outputs}
    if all(sizes(output.shape) == seen.get(output.name) for output in draft.graph.outputs):
        return trial
    outputs = tuple(spec.model_copy(update={"shape": seen[spec.name]}) for spec in draft.graph.outputs)
    told = _with_classes(source, reread(trial.spec, replace(draft.graph, outputs=outputs), draft.found))
    return again(path, trial, told)


def _hints(target: Path, draft: Draft, params: OpenParams) -> Hints:
    model = target / "model.onnx"
    whole = any(entry.dtype.startswith(("int", "uint")) for entry in draft.graph.inputs)
    tables = table_sizes(model) if whole and model.is_file() else {}
    return Hints(tables, params.shapes, params.item_shapes)


def _with_classes(source: Path, spec: PipelineSpec) -> PipelineSpec:
    """Add class names from a list beside the model, or ImageNet's for an image model with 1,000 classes."""
    answer = next((entry for entry in spec.outputs if entry.answer), None)
    count = answer.shape[-1] if answer and answer.shape else None
    if spec.classes is not None or spec.answer_kind != "class" or not count:
        return spec
    listed = label_lists(source if source.is_dir() else source.parent, count)
    if listed is None and count == 1000 and spec.task == "image-classification":
        text = files("workers.model_io").joinpath("data/imagenet1k.json").read_text(encoding="utf-8")
        return replace(spec, classes=tuple(json.loads(text)), guessed=(*spec.guessed, "classes"))
    return replace(spec, classes=listed)


def _named(path: Path, source: Source) -> Path:
    """Return the path that names the model: the folder's where a file was opened with its folder."""
    folder = folder_of_weights(path) if source.format.id == "transformers" else None
    return folder or (path.with_suffix("") if path.is_file() else path)


def info_of(
    path: Path, source: Source, draft: Draft, spec: PipelineSpec | None, more: tuple[Finding, ...]
) -> ModelInfo:
    """Return everything that the window shows about the model."""
    graph, found = draft.graph, draft.found
    guessed = spec.guessed if spec is not None else ()
    guesses = (info(f"Guessed, please check: {', '.join(guessed)}.", GUESSED),) if guessed else ()
    return ModelInfo(
        name=name_of(_named(path, source)),
        format=source.format.id,
        task=spec.task if spec else found.task or "arrays",
        inputs=_with_meaning(graph.inputs, {e.name: e.meaning for e in spec.inputs} if spec else {}),
        outputs=_with_meaning(graph.outputs, {e.name: e.meaning for e in spec.outputs} if spec else {}),
        parameters=graph.parameters,
        size_bytes=sum(file.stat().st_size for file in draft.files),
        sha256=_sha256(draft.files),
        opset=graph.opset,
        quantized=graph.quantized,
        preprocessing={**pipeline_document(spec)["preprocess"], "guessed": list(spec.guessed)} if spec else None,
        findings=(*source.findings, *draft.findings, *graph.findings, *found.findings, *guesses, *more),
        license=found.license,
        architecture=found.architecture,
        chat=draft.chat,
    )


def _with_meaning(specs: tuple[TensorSpec, ...], meanings: Mapping[str, str]) -> tuple[TensorSpec, ...]:
    return tuple(spec.model_copy(update={"meaning": meanings.get(spec.name, "")}) for spec in specs)


def _sha256(paths: tuple[Path, ...]) -> str:
    """Return the SHA-256 of one file, or one digest over names and digests of several."""
    if len(paths) == 1:
        return sha256_file(paths[0])
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.name}\0{sha256_file(path)}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _write(target: Path, draft: Draft, trial: Trial, told: ModelInfo) -> OpenResult:
    write_pipeline(target, trial.spec)
    (target / "info.json").write_text(told.model_dump_json(indent=1), encoding="utf-8")
    if draft.stored is not None:
        return OpenResult(info=told, artifact=read_model(target).artifact, runtime=draft.stored.runtime)
    artifact = describe(target, draft)
    return OpenResult(info=told, artifact=artifact, model_dir=MODEL_DIR)


def describe(target: Path, draft: Draft) -> ModelArtifact:
    """Write artifact.json beside the model.onnx, or the two parts, that a format has written."""
    if draft.found.generation is not None:
        return join_parts(target)
    names = ["model.onnx", *(["model.onnx.data"] if (target / "model.onnx.data").exists() else [])]
    return write_model(
        target,
        "model.onnx",
        names,
        precision=draft.graph.precision,
        torch_program=draft.torch_program,
    )
