"""Encoders and decoders as two ONNX files, the way transformers.js keeps them; the loop stays in the pipeline."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from workers.contracts.folder import write_model
from workers.contracts.jobs import OpenParams
from workers.contracts.pipeline import ArraySteps, Generation, PipelineInput, PipelineOutput, PipelineSpec
from workers.contracts.process.context import JobContext
from workers.contracts.specs import TensorSpec
from workers.model_io.facts import Found, Graph, info
from workers.model_io.formats import Draft, Format, Write
from workers.model_io.readers import onnx
from workers.model_io.readers.neighbors import beside_folder, read_json
from workers.model_io.words import refuse
from workers.pipeline.generating import DECODER, ENCODER, LOGITS, TOKENS

FILES = {ENCODER: "encoder_model.onnx", DECODER: "decoder_model.onnx"}
LONGEST = 64
"""Tokens of an answer where no file of the model says how long it may become."""


def read(folder: Path, params: OpenParams, ctx: JobContext) -> tuple[Draft, Write]:
    """Reads, checks and loads both graphs without running them."""
    place = place_of(folder)
    parts = {name: onnx.read(place / file, params, ctx) for name, file in FILES.items()}
    whole = _joined(folder, {name: draft for name, (draft, _) in parts.items()})
    return whole, partial(_write, parts, whole, ctx)


def _write(
    parts: Mapping[str, tuple[Draft, Write]], whole: Draft, ctx: JobContext, params: OpenParams, target: Path
) -> Draft:
    """Copies each part into a folder of its own below `target`, where it is a model by itself."""
    for name, (draft, write) in parts.items():
        ctx.check_cancelled()
        (target / name).mkdir()
        write(params, target / name)
        spec = _part_spec(draft.graph)
        (target / name / "pipeline.json").write_text(spec.model_dump_json(indent=1), encoding="utf-8")
        names = [path.name for path in sorted((target / name).glob("model.onnx*"))]
        write_model(target / name, "model.onnx", names, precision=draft.graph.precision)
    return whole


def place_of(folder: Path) -> Path:
    """Where both files lie: in the folder itself, or in `onnx` below it."""
    return folder if (folder / FILES[ENCODER]).is_file() else folder / "onnx"


def _joined(folder: Path, drafts: dict[str, Draft]) -> Draft:
    encoder, decoder = drafts[ENCODER], drafts[DECODER]
    loop, guessed = _generation(folder, encoder.graph, decoder.graph)
    vocabulary = next(output for output in decoder.graph.outputs if output.name == loop.scores).shape[-1]
    graph = Graph(
        inputs=encoder.graph.inputs,
        outputs=(
            TensorSpec(name=TOKENS, shape=("batch", "tokens"), dtype="int64"),
            TensorSpec(name=LOGITS, shape=("batch", vocabulary), dtype="float32"),
        ),
        parameters=encoder.graph.parameters + decoder.graph.parameters,
        weight_bytes=encoder.graph.weight_bytes + decoder.graph.weight_bytes,
        opset=encoder.graph.opset,
        quantized=encoder.graph.quantized or decoder.graph.quantized,
        precision=encoder.graph.precision,
    )
    beside = beside_folder(folder)
    if beside.tokenizer is None:
        raise refuse(
            "no_tokenizer",
            "The tokenizer is missing",
            f"{folder.name} holds no tokenizer.json, so texts cannot be turned into the model's numbers.",
            "Ask its author for it, and put it beside config.json.",
        )
    own = Found(task="text-generation", generation=loop, guessed=guessed)
    told = info("It has two parts: an encoder that reads the text, and a decoder that is asked for one token more.")
    files = (folder / "config.json", *encoder.files, *decoder.files)
    findings = tuple(dict.fromkeys((told, *encoder.findings, *decoder.findings)))
    return Draft(graph=graph, found=own.or_else(beside), files=files, findings=findings)


def _generation(folder: Path, encoder: Graph, decoder: Graph) -> tuple[Generation, tuple[str, ...]]:
    """How the loop calls both, and what of it was guessed. Raises `InputRefused` where it cannot be known."""
    config, more = read_json(folder / "config.json"), read_json(folder / "generation_config.json")
    said: dict[str, Any] = {
        **(config if isinstance(config, dict) else {}),
        **({k: v for k, v in more.items() if v is not None} if isinstance(more, dict) else {}),
    }
    start, end, pad = (_number(said.get(f"{name}_token_id")) for name in ("decoder_start", "eos", "pad"))
    if start is None or end is None:
        raise _unfit(folder, "its config.json does not say with which token an answer starts and ends")
    ids = [i for i in decoder.inputs if i.name in ("input_ids", "decoder_input_ids") and i.dtype == "int64"]
    hidden = [i for i in decoder.inputs if i.name.startswith("encoder_") and i.dtype == "float32"]
    masks = [i for i in decoder.inputs if i.name == "encoder_attention_mask"]
    known = {entry.name for entry in (*ids, *hidden, *masks)}
    if len(ids) != 1 or len(hidden) != 1 or len(known) != len(decoder.inputs):
        raise _unfit(folder, "its decoder takes more than tokens and what the encoder gives")
    states, scores = _answers(encoder.outputs), _answers(decoder.outputs)
    if not states or not scores:
        raise _unfit(folder, "one of its parts gives no three-dimensional numbers")
    given = [entry.name for entry in encoder.inputs if "mask" in entry.name]
    limits = (_number(said.get(key)) for key in ("max_new_tokens", "max_length"))
    longest = next((limit for limit in limits if limit), None)
    loop = Generation(
        start=start,
        end=end,
        pad=end if pad is None else pad,
        longest=min(longest or LONGEST, 512),
        states=states[0].name,
        hidden=hidden[0].name,
        ids=ids[0].name,
        scores=scores[0].name,
        mask=masks[0].name if masks and given else None,
        encoder_mask=given[0] if masks and given else None,
    )
    if masks and not given:
        raise _unfit(folder, "its decoder wants a mask that its encoder does not take")
    return loop, () if longest else ("longest answer",)


def _answers(outputs: Iterable[TensorSpec]) -> list[TensorSpec]:
    return [output for output in outputs if output.dtype == "float32" and len(output.shape) == 3]


def _number(value: Any) -> int | None:
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, int) and not isinstance(first, bool) and first >= 0 else None


def _unfit(folder: Path, reason: str) -> Exception:
    return refuse(
        "unsupported_architecture",
        "This pair of models cannot be run",
        f"{folder.name} holds an encoder and a decoder, but {reason}.",
        "Export the decoder without past (decoder_model.onnx), beside the model's own config.json.",
    )


def _part_spec(graph: Graph) -> PipelineSpec:
    """A part by itself: arrays in, arrays out."""

    def shape(entry: TensorSpec) -> tuple[int | None, ...]:
        return tuple(size if isinstance(size, int) else None for size in entry.shape)

    answer = _answers(graph.outputs)[0].name
    return PipelineSpec(
        task="arrays",
        inputs=tuple(PipelineInput(name=i.name, dtype=i.dtype, shape=shape(i), source="array") for i in graph.inputs),
        outputs=tuple(
            PipelineOutput(name=o.name, dtype=o.dtype, shape=shape(o), answer=o.name == answer) for o in graph.outputs
        ),
        preprocess=ArraySteps(),
        answer_kind="tensor",
    )


FORMAT = Format(id="encoder_decoder", title="two-part (encoder and decoder)", read=read)
