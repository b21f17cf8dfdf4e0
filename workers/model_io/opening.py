"""Opening a model: sniff, read, convert into the inner form, try out, write the description beside it."""

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
from workers.model_io.guess.asked import as_asked
from workers.model_io.guess.spec import boxes_told, build_spec, class_names_told, reread, sizes
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
    """What is opened, how, and what was found on the way to it."""

    path: Path
    format: Format
    findings: tuple[Finding, ...]


def inspect_model(params: OpenParams, ctx: JobContext) -> InspectResult:
    """Tell all about a model without converting or running it. Raises `InputRefused`; leaves nothing
    behind."""
    path = from_text(params.path)
    try:
        ctx.progress(CHECKING_IT, 0, 1)
        source = source_of(path, ctx, params.to_prove)
        draft, _ = source.format.read(source.path, params, ctx)
        _, spec = _first_spec(source.path, draft, params)
        ctx.progress(CHECKING_IT, 1, 1)
        names = (*class_names_told(draft.found, spec), *boxes_told(spec)) if spec is not None else ()
        return InspectResult(info=info_of(path, source, draft, spec, (*names, not_run(), *walls(ctx))))
    finally:
        shutil.rmtree(unpacked_folder(ctx), ignore_errors=True)


def open_model(params: OpenParams, ctx: JobContext) -> OpenResult:
    """Write the inner form to ``ctx.work_dir / "model"``. Raises `InputRefused`, and then leaves nothing
    behind."""
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
    names = (*class_names_told(draft.found, trial.spec), *boxes_told(trial.spec))
    more = (*trial.findings, *names, tried(len(trial.feeds)), *walls(ctx))
    told = info_of(path, source, draft, trial.spec, more)
    result = _write(target, draft, trial, told)
    ctx.progress(TRYING_IT, 3, 3)
    return result.model_copy(update={"conversion_error": error})


def _first_spec(source: Path, draft: Draft, params: OpenParams) -> tuple[OpenParams, PipelineSpec | None]:
    """`params` with the sizes that the data have where the model leaves them open, and the description by then: None
    where the outputs are not known before the model runs."""
    items = _items(draft.graph, params)
    params = params.model_copy(update={"item_shapes": items, "data_path": None})
    spec = _spec(source, draft, params) if draft.graph.outputs else None
    spec = as_asked(spec, draft.graph, draft.found, params) if spec is not None else None
    if spec is None or spec.preprocess.kind == "array" or any(not entry.shape for entry in draft.graph.inputs):
        return params, spec
    return params.model_copy(update={"item_shapes": {}}), spec


def content_of(path: Path, source: Source, draft: Draft, params: OpenParams) -> str:
    """What an opened model is made of: its files, the small ones beside it (tokenizer, preparation, labels, license),
    its name, and the sizes that the data gave."""
    sizes = json.dumps(params.item_shapes, sort_keys=True)
    return f"{_sha256(draft.files)}:{beside_sha256(source.path)}:{path.name}:{sizes}"


def _session(target: Path, draft: Draft, ctx: JobContext) -> Any:
    """What runs the model that was written, or both of its parts."""
    if draft.stored is not None:
        return open_session(target, draft.stored.runtime, {}, ctx.threads)
    if draft.found.generation is None:
        return load_session(target / "model.onnx", ctx.threads)
    artifact, loop = join_parts(target), draft.found.generation

    def load(path: Path, settings: Mapping[str, Any], threads: int) -> OnnxSession:
        return load_session(path, threads)

    return open_whole(load, target, artifact.main, artifact.settings, ctx.threads, loop)


def source_of(path: Path, ctx: JobContext, to_prove: bool) -> Source:
    """The file or folder to open, unpacked where it came as a ZIP file. Raises `InputRefused`."""
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
    """The same model for libraries in C++, which do not take every name that files and folders can have.

    A folder is reached by a link, so that everything in it stays beside the model; a file of such a name is copied,
    with the small files beside it.
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
    """A place in the job's folder whose name is sound on every system, and like the original's where that is."""
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
    """Where a job unpacks what it opens; whoever opens removes it."""
    return ctx.work_dir / _UNPACKED


def _spec(source: Path, draft: Draft, params: OpenParams) -> PipelineSpec:
    """The pipeline that the model carries with it, else one from its files and guesses."""
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
    """The whole description that a model of ours has with it."""
    own = draft.stored.pipeline if draft.stored is not None else None
    return own or stored_pipeline(draft.graph.metadata)


def _as_asked(path: Path, draft: Draft, params: OpenParams, trial: Trial) -> Trial:
    """Results read as the person says, and what the outputs show of that. Raises `InputRefused`."""
    asked = as_asked(trial.spec, draft.graph, draft.found, params)
    if asked == trial.spec:
        return trial
    told = again(path, trial, asked)
    # what is seen of the outputs may fill in, but never says again what results are
    kept: dict[str, Any] = {"answer_kind": asked.answer_kind, "task": asked.task}
    if asked.postprocess is None:
        kept["postprocess"] = None
    return replace(told, spec=replace(told.spec, **kept))


def _items(graph: Graph, params: OpenParams) -> dict[str, tuple[int, ...]]:
    """Sizes of one item in the data, for inputs whose own the model leaves open; {} where it says them all. Without
    data those that were told."""
    if params.data_path is None:
        return params.item_shapes
    is_open = any(not spec.shape or not all(isinstance(size, int) for size in spec.shape[1:]) for spec in graph.inputs)
    batches = any(isinstance(spec.shape[0], int) and spec.shape[0] > 1 for spec in graph.inputs if spec.shape)
    wanted = {"x", *(spec.name for spec in graph.inputs)}
    found = item_shapes(from_text(params.data_path)) if is_open or batches else {}
    return {name: shape for name, shape in found.items() if name in wanted}


def _ways(source: Path, draft: Draft, spec: PipelineSpec) -> list[PipelineSpec]:
    """The description, and others of where the batch stands; what a model carries with it is not doubted."""
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
    """Class names from a list beside the model, or ImageNet's where a picture model has 1,000 classes."""
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
    """Return the path whose name the model gets: the folder's where a file was opened with the folder around it."""
    folder = folder_of_weights(path) if source.format.id == "transformers" else None
    return folder or (path.with_suffix("") if path.is_file() else path)


def info_of(
    path: Path, source: Source, draft: Draft, spec: PipelineSpec | None, more: tuple[Finding, ...]
) -> ModelInfo:
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
    """Of one file its own; of several, one digest over their names and digests."""
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
