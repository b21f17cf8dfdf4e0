"""Open a model: detect its format, read it, convert it to the inner form, try it, and describe it."""

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from workers.contracts.errors import InputRefused
from workers.contracts.folder import read_model, sha256_file, write_model
from workers.contracts.jobs import OpenParams, OpenResult
from workers.contracts.measured.companions import folder_of_weights
from workers.contracts.paths import from_text
from workers.contracts.pipeline import PipelineSpec, checked, pipeline_document, write_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import GUESSED, Finding, ModelArtifact, ModelInfo, TensorSpec
from workers.contracts.translation import _, mark
from workers.convert.parts import join_parts
from workers.infer.onnxruntime_cpu import OnnxSession
from workers.measure.opening import open_session
from workers.model_io.budget import checking, trying
from workers.model_io.facts import Graph, danger, info
from workers.model_io.formats import Draft, Source, read
from workers.model_io.guess.requested import as_requested
from workers.model_io.guess.spec import build_spec, reread, result_findings, sizes
from workers.model_io.layouts import item_shapes, layouts
from workers.model_io.meanings import input_meaning, output_meaning
from workers.model_io.readers.neighbors import carry, companions_sha256, label_lists, small_files, stored_pipeline
from workers.model_io.readers.onnx_graph import table_sizes
from workers.model_io.readers.sniff import sniff
from workers.model_io.readers.torch.zip_check import unpack
from workers.model_io.runtime import conversion_error, load_session
from workers.model_io.safety import NOT_RUN, recognized, tried, unpacked, walls
from workers.model_io.trial import Trial, evaluated, refuse_unfit, try_out
from workers.model_io.words import name_of, refuse
from workers.pipeline.generating import open_whole
from workers.pipeline.spec import PipelineInput, PipelineOutput

Entry = TypeVar("Entry", PipelineInput, PipelineOutput)
MODEL_DIR, ONNX_RUNTIME = "model", "onnxruntime-cpu"
CHECKING_IT, TRYING_IT = mark("Checking the model"), mark("Trying it out")
_UNPACKED, _LINK, INFO_FILE = "unpacked", "folder", "info.json"


def inspect_model(params: OpenParams, ctx: JobContext) -> ModelInfo:
    """Describe a model without converting or running it, and leave nothing behind.

    Raises:
        InputRefused: the model cannot be opened.
    """
    path = from_text(params.path)
    with unpacking(ctx):
        ctx.progress(CHECKING_IT, 0, 1)
        source = source_of(path, ctx, params.to_prove)
        draft, _ = read(source, params, ctx)
        _, spec = _first_spec(source.path, draft, params)
        ctx.progress(CHECKING_IT, 1, 1)
        return info_of(path, source, draft, spec, (*_unfit(path, spec), NOT_RUN, *walls(ctx)))


def _unfit(path: Path, spec: PipelineSpec | None) -> tuple[Finding, ...]:
    """Return why the model will be refused when it is opened to be optimized."""
    try:
        if spec is not None:
            refuse_unfit(path, spec)
    except InputRefused as error:
        return (danger(f"{error.detail} {error.hint}"),)
    return ()


def open_model(params: OpenParams, ctx: JobContext) -> OpenResult:
    """Write the inner form to ``ctx.work_dir / "model"``; leave nothing behind after an error.

    Raises:
        InputRefused: the model cannot be opened.
    """
    path = from_text(params.path)
    with unpacking(ctx, MODEL_DIR) as target:
        ctx.progress(CHECKING_IT, 0, 3)
        source = source_of(path, ctx, params.to_prove)
        draft, write = read(source, params, ctx)
        params, _ = _first_spec(source.path, draft, params)
        ctx.identified(content_of(path, source, draft, params))
        draft = write(params, target)
        _refuse_useless(path, draft.graph)
        ctx.check_cancelled()
        ctx.progress(TRYING_IT, 1, 3)
        if draft.facts.tokenizer is not None:
            shutil.copyfile(draft.facts.tokenizer, target / "tokenizer.json")
        carry(source.path, target)
        with contextlib.closing(_session(target, draft, ctx)) as session:
            with trying(ctx, draft.graph.weight_bytes):
                specs, tables = _specs(source.path, draft, params), _tables(target, draft)
                trial = try_out(path, specs, target, session, ctx, params, tables)
                trial = _as_requested(path, draft, params, _with_shapes(path, source.path, draft, trial))
            ctx.progress(TRYING_IT, 2, 3)
            with trying(ctx, draft.graph.weight_bytes):
                error = conversion_error(path, draft.reference, trial.feeds, session)
        more = (*trial.findings, tried(len(trial.feeds)), *walls(ctx))
        model = info_of(path, source, draft, trial.spec, more)
        write_pipeline(target, trial.spec)
        (target / INFO_FILE).write_text(model.model_dump_json(indent=1), encoding="utf-8")
        artifact = describe(target, draft)
        ctx.progress(TRYING_IT, 3, 3)
        return OpenResult(info=model, artifact=artifact, conversion_error=error, runtime=draft.runtime or ONNX_RUNTIME)


@contextlib.contextmanager
def unpacking(ctx: JobContext, name: str = "") -> Iterator[Path]:
    """Provide the new folder `name` of the job, which an error removes; what was unpacked is always removed."""
    target = ctx.work_dir / name
    try:
        if name:
            target.mkdir(parents=True)
        yield target
    except BaseException:
        if name:
            shutil.rmtree(target, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(ctx.work_dir / _UNPACKED, ignore_errors=True)


def _first_spec(source: Path, draft: Draft, params: OpenParams) -> tuple[OpenParams, PipelineSpec | None]:
    """Return `params` with the data's sizes for open sizes, and the description.

    The description is None where the outputs are unknown before the model runs.
    """
    items = item_shapes(draft.graph.inputs, params)
    params = params.model_copy(update={"item_shapes": items, "data_path": None})
    spec = _spec(source, draft, params) if draft.graph.outputs else None
    spec = as_requested(spec, draft.graph, draft.facts, params) if spec is not None else None
    if spec is None or spec.preprocess.kind == "array" or any(not entry.shape for entry in draft.graph.inputs):
        return params, spec
    return params.model_copy(update={"item_shapes": {}}), spec


def content_of(path: Path, source: Source, draft: Draft, params: OpenParams) -> str:
    """Identify an opened model by its files, small files beside it (tokenizer, labels, license), name and sizes."""
    sizes = json.dumps(params.item_shapes, sort_keys=True)
    return f"{_sha256(draft.files)}:{companions_sha256(source.path)}:{path.name}:{sizes}"


def _session(target: Path, draft: Draft, ctx: JobContext) -> Any:
    """Open the model that was written, or both of its parts."""
    if draft.runtime is not None:
        return open_session(target, draft.runtime, {}, ctx.threads)
    if draft.facts.generation is None:
        return load_session(target / "model.onnx", ctx.threads)
    artifact, loop = join_parts(target), draft.facts.generation

    def load(path: Path, settings: Mapping[str, Any], threads: int) -> OnnxSession:
        return load_session(path, threads)

    return open_whole(load, target, artifact.main, artifact.settings, ctx.threads, loop)


def source_of(path: Path, ctx: JobContext, to_prove: bool) -> Source:
    """Return the file or folder to open, unpacked if it is a ZIP file.

    Raises:
        InputRefused: it is no model.
    """
    ctx.check_cancelled()
    findings: tuple[Finding, ...] = ()
    with checking(ctx, [path] if not path.is_symlink() else []):
        source = sniff(path, to_prove)
        if source.kind == "zip":
            place, count = unpack(path, _own_name(path, ctx.work_dir / _UNPACKED))
            findings = (unpacked(count),)
            source = sniff(place, to_prove)
    if source.kind == "zip":
        raise refuse(
            "nested_zip",
            "The ZIP file holds another ZIP file",
            _("{0} holds a ZIP file and no model.").format(path.name),
            "Unpack it, and open the model inside.",
        )
    place = source.path
    if path.is_file() and place == path.parent:
        findings = (
            *findings,
            info(_("Opened with the folder around it, “{0}”, which describes it.").format(name_of(place))),
        )
    findings = (recognized(source), *source.findings, *findings)
    return Source(source.kind, _under_a_sound_name(place, ctx.work_dir / _UNPACKED), findings)


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
            _("{0} takes no input, so its answer never changes.").format(path.name),
            "Ask its author for the model with its input, or choose another file.",
        )
    if not graph.weight_bytes:
        raise refuse(
            "no_weights",
            "The model has no weights",
            _("{0} holds 0 bytes of weights, so nothing in it can be made smaller.").format(path.name),
            "Choose the file that holds the trained model.",
        )


def _spec(source: Path, draft: Draft, params: OpenParams) -> PipelineSpec:
    """Return the pipeline that the model carries, else one from its files and guesses."""
    stored = carried(draft)
    names = {spec.name for spec in draft.graph.inputs}
    if stored is not None and names == {entry.name for entry in stored.inputs} and not params.preprocess:
        return stored
    try:
        spec = checked(build_spec(draft.graph, draft.facts, params.preprocess, params.shapes, params.item_shapes))
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_url=False)[0]["loc"]))
        raise refuse(
            "odd_sizes",
            "The model's inputs cannot be fed",
            _("{0} has inputs of sizes that no data can have ({1}).").format(source.name, place),
            "Check the sizes of its inputs, or export it again.",
        ) from error
    return _with_classes(source, spec)


def carried(draft: Draft) -> PipelineSpec | None:
    """Return the whole description that one of our own models carries."""
    return draft.pipeline or stored_pipeline(draft.graph.metadata)


def _as_requested(path: Path, draft: Draft, params: OpenParams, trial: Trial) -> Trial:
    """Apply the user's choice of how results are read, completed from the outputs of the trial."""
    requested = as_requested(trial.spec, draft.graph, draft.facts, params)
    if requested == trial.spec:
        return trial
    changed = evaluated(path, requested, trial.feeds, trial.outputs)
    # outputs may complete the choice but not change what results are
    kept: dict[str, Any] = {"answer_kind": requested.answer_kind, "task": requested.task}
    if requested.postprocess is None:
        kept["postprocess"] = None
    return replace(changed, spec=replace(changed.spec, **kept))


def _specs(source: Path, draft: Draft, params: OpenParams) -> list[PipelineSpec]:
    """Return the description and others with the batch elsewhere, unless the model carries its own."""
    spec = _spec(source, draft, params)
    if carried(draft) == spec:
        return [spec]
    return [
        one if one == spec else _with_classes(source, reread(one, draft.graph, draft.facts))
        for one in layouts(spec, draft.graph.inputs)
    ]


def _with_shapes(path: Path, source: Path, draft: Draft, trial: Trial) -> Trial:
    """Decide again what the results are where the trial run showed sizes that the file does not state."""
    if trial.spec.generation is not None or carried(draft) is not None:
        return trial
    seen = {entry.name: entry.shape for entry in trial.spec.outputs}
    if all(sizes(output.shape) == seen.get(output.name) for output in draft.graph.outputs):
        return trial
    outputs = tuple(spec.model_copy(update={"shape": seen[spec.name]}) for spec in draft.graph.outputs)
    changed = _with_classes(source, reread(trial.spec, replace(draft.graph, outputs=outputs), draft.facts))
    return evaluated(path, changed, trial.feeds, trial.outputs)


def _tables(target: Path, draft: Draft) -> dict[str, int]:
    """Return the number of values of integer inputs, as far as an ONNX graph shows it."""
    model = target / "model.onnx"
    whole = any(entry.dtype.startswith(("int", "uint")) for entry in draft.graph.inputs)
    return table_sizes(model) if whole and model.is_file() else {}


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


def info_of(
    path: Path, source: Source, draft: Draft, spec: PipelineSpec | None, more: tuple[Finding, ...]
) -> ModelInfo:
    """Return everything that the window shows about the model."""
    graph, facts = draft.graph, draft.facts
    # a file that was opened with its folder has the folder's name
    folder = folder_of_weights(path) if source.kind == "transformers" else None
    named = folder or (path.with_suffix("") if path.is_file() else path)
    guessed = spec.guessed if spec is not None else ()
    guesses = (info(_("Guessed, please check: {0}.").format(", ".join(guessed)), GUESSED),) if guessed else ()
    odd = result_findings(facts, spec) if spec is not None else ()
    return ModelInfo(
        name=name_of(named),
        format=source.kind,
        task=spec.task if spec else facts.task or "arrays",
        inputs=_meant(graph.inputs, spec.inputs, partial(input_meaning, steps=spec.preprocess))
        if spec
        else graph.inputs,
        outputs=_meant(graph.outputs, spec.outputs, partial(output_meaning, spec)) if spec else graph.outputs,
        parameters=graph.parameters,
        size_bytes=sum(file.stat().st_size for file in draft.files),
        sha256=_sha256(draft.files),
        opset=graph.opset,
        quantized=graph.quantized,
        preprocessing={**pipeline_document(spec)["preprocess"], "guessed": list(spec.guessed)} if spec else None,
        findings=(*source.findings, *draft.findings, *graph.findings, *facts.findings, *guesses, *odd, *more),
        license=facts.license,
        architecture=facts.architecture,
        chat=draft.chat,
    )


def _meant(
    specs: tuple[TensorSpec, ...], entries: Sequence[Entry], words: Callable[[Entry], str]
) -> tuple[TensorSpec, ...]:
    """Add meanings: those of `entries`, made anew where they are ours, because a description keeps no templates."""
    meanings = {entry.name: made if (made := words(entry)) == entry.meaning else entry.meaning for entry in entries}
    return tuple(spec.model_copy(update={"meaning": meanings.get(spec.name, "")}) for spec in specs)


def _sha256(paths: tuple[Path, ...]) -> str:
    """Return the SHA-256 of one file, or one digest over names and digests of several."""
    if len(paths) == 1:
        return sha256_file(paths[0])
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.name}\0{sha256_file(path)}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def describe(target: Path, draft: Draft) -> ModelArtifact:
    """Write artifact.json beside the model.onnx, or the two parts, that a format has written; some have written it."""
    if draft.runtime is not None:
        return read_model(target).artifact
    if draft.facts.generation is not None:
        return join_parts(target)
    names = ["model.onnx", *(["model.onnx.data"] if (target / "model.onnx.data").exists() else [])]
    return write_model(target, "model.onnx", names, precision=draft.graph.precision, torch_program=draft.torch_program)
