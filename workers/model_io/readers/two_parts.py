"""Read encoders and decoders in separate files, as optimum and transformers.js store them.

The generation loop becomes a part of the pipeline. The files are `encoder_model.onnx` with `decoder_model.onnx` and
`decoder_with_past_model.onnx`, or with the one `decoder_model_merged.onnx`, which is split; or without a cache.

The merged file is one If over `use_cache_branch`: without a cache the decoder reads all tokens, with it one token and
the cache (optimum's `merge_decoders`, which transformers.js needs). Each branch alone is a plain graph that techniques
and other runtimes accept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from workers.contracts.folder import write_model
from workers.contracts.jobs import OpenParams
from workers.contracts.pipeline import write_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import TensorSpec
from workers.contracts.translation import _, joined
from workers.contracts.wording import counted
from workers.model_io.facts import Graph, ModelFacts, info
from workers.model_io.formats import Draft, Write
from workers.model_io.guess.spec import described, sizes
from workers.model_io.readers import onnx
from workers.model_io.readers.generation_loop import loop_of, settings_of, unfit, vectors_of
from workers.model_io.readers.neighbors import facts_of_folder, is_plain
from workers.model_io.readers.onnx import load_proto
from workers.model_io.readers.onnx_graph import read_graph
from workers.model_io.words import no_tokenizer, refuse
from workers.pipeline.generating import DECODER, ENCODER, LOGITS, SOUND, STEP, TOKENS
from workers.pipeline.spec import ArraySteps, AudioSteps, PipelineInput, PipelineSpec, Task

CHOICE = "use_cache_branch"
CROSS = ".encoder."
"""Marks keys and values of the encoder's output; the branch with a cache outputs empty ones, which are not used."""


def split_merged(model: Any) -> tuple[Any, Any] | None:
    """Return decoder and decoder with past as separate models that share the file's external data.

    Return None where `model` (an onnx ModelProto) is no If over `use_cache_branch`.
    """
    choices = [node for node in model.graph.node if node.op_type == "If" and list(node.input) == [CHOICE]]
    if len(choices) != 1 or len(model.graph.node) != 1:
        return None
    branches = {entry.name: entry.g for entry in choices[0].attribute}
    if set(branches) != {"then_branch", "else_branch"}:
        return None
    names = list(choices[0].output)
    whole = _branch_model(model, branches["else_branch"], names, range(len(names)))
    kept = [at for at, name in enumerate(names) if CROSS not in name]
    return whole, _branch_model(model, branches["then_branch"], names, kept)


def _branch_model(model: Any, branch: Any, names: list[str], kept: Iterable[int]) -> Any:
    """Return one branch with the outputs at the positions `kept` and everything they depend on."""
    import onnx

    made = onnx.ModelProto()
    made.CopyFrom(_without_graph(model))
    graph = made.graph
    graph.name = branch.name or "branch"
    described = {entry.name: entry for entry in model.graph.output}
    needed: set[str] = set()
    tail = []
    for at in kept:
        source = branch.output[at].name
        needed.add(source)
        graph.output.append(described[names[at]])
        if source != names[at]:
            tail.append(onnx.helper.make_node("Identity", [source], [names[at]]))
    nodes = []
    for node in reversed(branch.node):
        if needed.intersection(node.output):
            nodes.append(node)
            needed |= _read_by(node)
    graph.node.extend([*reversed(nodes), *tail])
    weights = [*model.graph.initializer, *branch.initializer]
    graph.initializer.extend(tensor for tensor in weights if tensor.name in needed)
    graph.input.extend(entry for entry in model.graph.input if entry.name in needed)
    return made


def _read_by(node: Any) -> set[str]:
    """Return the names that a node reads, also inside its nested graphs."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                names |= _read_by(inner)
            names |= {output.name for output in graph.output}
    return names


def _without_graph(model: Any) -> Any:
    import onnx

    bare = onnx.ModelProto(ir_version=model.ir_version, producer_name=model.producer_name)
    bare.opset_import.extend(model.opset_import)
    bare.functions.extend(model.functions)
    return bare


FILES = {ENCODER: "encoder_model.onnx", DECODER: "decoder_model.onnx", STEP: "decoder_with_past_model.onnx"}
MERGED = "decoder_model_merged.onnx"
Part = tuple[Draft, Write]
TRANSLATORS = ("marian", "m2m_100", "mbart", "fsmt")
"""Values of `model_type` that only translate; other models generate whatever they learned."""


def read(folder: Path, params: OpenParams, ctx: JobContext) -> tuple[Draft, Write]:
    """Read, check and load all graphs without running them."""
    place = parts_folder(folder)
    parts = _parts(folder, place, params, ctx)
    graphs = {name: draft.graph for name, (draft, _) in parts.items()}
    loop = loop_of(folder, graphs[ENCODER], graphs[DECODER], graphs.get(STEP))
    whole = _joined(folder, {name: draft for name, (draft, _) in parts.items()}, loop)
    return whole, partial(_write, parts, whole, ctx)


def parts_folder(folder: Path) -> Path:
    """Return where the files are: in the folder itself, or in `onnx` below it."""
    return folder if any((folder / name).is_file() for name in (*FILES.values(), MERGED)) else folder / "onnx"


def _parts(folder: Path, place: Path, params: OpenParams, ctx: JobContext) -> dict[str, Part]:
    there = {name for name, file in FILES.items() if is_plain(place / file)}
    merged = is_plain(place / MERGED)
    if ENCODER not in there and not settings_of(folder).get("is_encoder_decoder"):
        raise unfit(folder, _("it has a decoder only"))
    if ENCODER not in there:
        raise _missing(folder, FILES[ENCODER], _("the part that reads"))
    if DECODER not in there and not merged:
        raise _missing(
            folder, _("{0} (or {1})").format(FILES[DECODER], MERGED), _("the part that writes the first word")
        )
    if merged and not {DECODER, STEP} <= there:
        first = onnx.read(place / FILES[ENCODER], params, ctx)
        decoder, step = _split(folder, place / MERGED, params, ctx)
        return {ENCODER: first, DECODER: decoder, STEP: step}
    return {name: onnx.read(place / FILES[name], params, ctx) for name in FILES if name in there}


def _split(folder: Path, file: Path, params: OpenParams, ctx: JobContext) -> tuple[Part, Part]:
    """Return both branches of a merged decoder."""
    whole, _write_whole = onnx.read(file, params, ctx)
    branches = split_merged(load_proto(file))
    if branches is None:
        raise unfit(folder, _("{0} is no choice between two branches, as optimum makes it").format(MERGED))
    summary = info("Its merged decoder was split into two, so that each can be optimized. Both hold their weights.")
    drafts = [replace(whole, graph=read_graph(b), findings=(*whole.findings, summary)) for b in branches]
    made = [(draft, partial(_save, b, file)) for draft, b in zip(drafts, branches, strict=True)]
    return made[0], made[1]


def _save(model: Any, source: Path, params: OpenParams, target: Path) -> Draft:
    """Write a branch as a separate model, with the weights that lie beside the merged file."""
    import onnx as library

    library.load_external_data_for_model(model, str(source.parent))
    heavy = sum(len(tensor.raw_data) for tensor in model.graph.initializer) > 1 << 30
    more: dict[str, Any] = {"save_as_external_data": True, "all_tensors_to_one_file": True}
    library.save_model(model, str(target / "model.onnx"), **({**more, "location": "model.onnx.data"} if heavy else {}))
    return Draft(graph=read_graph(model), facts=ModelFacts(), files=())


def _write(parts: Mapping[str, Part], whole: Draft, ctx: JobContext, params: OpenParams, target: Path) -> Draft:
    """Copy each part into its own folder below `target`, where it is a separate model."""
    for name, (draft, write) in parts.items():
        ctx.check_cancelled()
        (target / name).mkdir()
        write(params, target / name)
        write_pipeline(target / name, _part_spec(draft.graph))
        names = [path.name for path in sorted((target / name).glob("model.onnx*"))]
        write_model(target / name, "model.onnx", names, precision=draft.graph.precision)
    return whole


def _joined(folder: Path, parts: Mapping[str, Draft], loop: ModelFacts) -> Draft:
    assert loop.generation is not None
    encoder, decoder = parts[ENCODER].graph, parts[DECODER].graph
    vocabulary = next(output for output in decoder.outputs if output.name == loop.generation.scores).shape[-1]
    speech = loop.generation.mel
    sound = TensorSpec(name=SOUND, shape=("batch", "samples"), dtype="float32")
    graph = Graph(
        inputs=encoder.inputs if speech is None else (sound,),
        outputs=(
            TensorSpec(name=TOKENS, shape=("batch", "tokens"), dtype="int64"),
            TensorSpec(name=LOGITS, shape=("batch", vocabulary), dtype="float32"),
        ),
        parameters=encoder.parameters + decoder.parameters,
        weight_bytes=sum(part.graph.weight_bytes for part in parts.values()),
        opset=encoder.opset,
        quantized=any(part.graph.quantized for part in parts.values()),
        precision=encoder.precision,
    )
    beside = facts_of_folder(folder)
    if beside.tokenizer is None:
        raise no_tokenizer(folder)
    task: Task = "translation" if settings_of(folder).get("model_type") in TRANSLATORS else "text-generation"
    if speech is None:
        own = replace(loop, task=task)
        what = _("It has {0}: an encoder that reads the text, and a decoder that adds one token at a time.")
    else:
        steps = AudioSteps(sample_rate_hz=speech.sample_rate_hz, frame_samples=0)
        own = replace(loop, task="transcription", preprocess=steps)
        what = _("It has {0}: an encoder that reads the sound, and a decoder that adds one token at a time.")
    cache = _("It keeps a cache of earlier tokens.") if STEP in parts else ""
    summary = info(joined([what.format(counted(len(parts), "part")), cache]))
    files = dict.fromkeys((folder / "config.json", *(file for part in parts.values() for file in part.files)))
    findings = tuple(dict.fromkeys((summary, *(finding for part in parts.values() for finding in part.findings))))
    return Draft(graph=graph, facts=own.or_else(beside), files=tuple(files), findings=findings)


def _missing(folder: Path, file: str, what: str) -> Exception:
    return refuse(
        "part_missing",
        "A part of the model is missing",
        _("{0} holds no {1}, {2}.").format(folder.name, file, what),
        "Download or export the whole folder again, because all of its ONNX files belong to the model.",
    )


def _part_spec(graph: Graph) -> PipelineSpec:
    """Describe a part by itself: arrays in, arrays out."""
    answer = vectors_of(graph.outputs)[0].name
    inputs = [PipelineInput(name=i.name, dtype=i.dtype, shape=sizes(i.shape), source="array") for i in graph.inputs]
    return PipelineSpec(
        task="arrays",
        inputs=tuple(inputs),
        outputs=tuple(described(output, answer) for output in graph.outputs),
        preprocess=ArraySteps(),
        answer_kind="tensor",
    )
