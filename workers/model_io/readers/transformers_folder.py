"""Read folders of the transformers library: config.json, safetensors, tokenizer.json; none of their code runs."""

import math
import re
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Finding, TensorSpec
from workers.contracts.translation import _
from workers.model_io.budget import checking, converting, loading
from workers.model_io.facts import Graph, ModelFacts, danger, info, warning
from workers.model_io.formats import Draft, Write
from workers.model_io.readers import language_model
from workers.model_io.readers.export_torch import export, reference
from workers.model_io.readers.neighbors import facts_of_folder, modules_of, read_dict, read_json, sentence_parts
from workers.model_io.readers.safetensors import check_header, whole
from workers.model_io.readers.torch.checkpoint import SCANNED, check_checkpoint, read_checkpoint
from workers.model_io.words import first_line, no_tokenizer, refuse, shown, unsupported
from workers.pipeline.spec import ImageSteps, Task

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
PART = re.compile(r"-\d+-of-\d+\.safetensors$")
FEW_BITS = ("I8", "U8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F4", "F6_E2M3", "F6_E3M2")
SPARSE_OUTPUT, SPARSE_MODULE = "sparse_embedding", "SpladePooling"

Pooling = Callable[[Mapping[str, Any], Any], Any]
"""Turns outputs of a model and the attention mask into one vector for each text."""


class _Head(NamedTuple):
    """Meaning of an architecture's suffix: the class that opens it, its output, the task."""

    ending: str
    auto: str
    output: str
    task: Task
    sparse: Pooling | None = None

    @property
    def reads_text(self) -> bool:
        return self.task != "image-classification"


_HEADS = (
    _Head("ForSequenceClassification", "AutoModelForSequenceClassification", "logits", "text-classification"),
    _Head("ForImageClassification", "AutoModelForImageClassification", "logits", "image-classification"),
    _Head("ForTokenClassification", "AutoModelForTokenClassification", "logits", "token-classification"),
    _Head("ForMaskedLM", "AutoModel", "last_hidden_state", "text-embedding"),
    _Head("ForPreTraining", "AutoModel", "last_hidden_state", "text-embedding"),
    _Head("Model", "AutoModel", "last_hidden_state", "text-embedding"),
)
_MASKED = ("ForMaskedLM", "ForPreTraining")


def _sparse_pooling(folder: Path) -> Pooling | None:
    """Return how the folder of a sparse encoder pools word scores (batch, tokens, vocabulary); None for other folders.

    Source of the files and of the formula: SPLADE (Formal et al. 2021) and sentence-transformers,
    sparse_encoder/models/SpladePooling.
    """
    module = next((one for one in modules_of(folder) or () if str(one.get("type", "")).endswith(SPARSE_MODULE)), None)
    if module is None:
        return None
    config = read_dict(folder / Path(str(module.get("path", ""))).name / "config.json")

    def pool(outputs: Mapping[str, Any], mask: Any) -> Any:
        weights = outputs["logits"].relu().log1p()
        if config.get("activation_function") == "log1p_relu":
            weights = weights.log1p()
        weights = weights * mask.unsqueeze(-1).to(weights.dtype)  # padding counts as nothing
        return weights.sum(dim=1) if config.get("pooling_strategy") == "sum" else weights.amax(dim=1)

    return pool


def _head(folder: Path, config: Mapping[str, Any]) -> _Head:
    named = config.get("architectures")
    name = str(named[0]) if isinstance(named, list) and named else "Model"
    head = next((head for head in _HEADS if name.endswith(head.ending)), None)
    if head is not None and head.ending in _MASKED and (sparse := _sparse_pooling(folder)) is not None:
        head = _Head(head.ending, "AutoModelForMaskedLM", SPARSE_OUTPUT, "text-embedding", sparse)
    if config.get("is_encoder_decoder"):
        raise unsupported(
            _("{0} holds a {1} as weights alone.").format(folder.name, shown(name, 60)),
            _(
                "Export it with optimum (optimum-cli export onnx --model FOLDER NEW_FOLDER), and open the new folder. "
                "Many models are on the hub in this form already."
            ),
            _("An encoder and a decoder are opened as ONNX files"),
        )
    if head is None:
        raise unsupported(
            _("{0} holds a {1}, which generates or does what Fettle does not measure.").format(
                folder.name, shown(name, 60)
            ),
            _("You can open models that classify or embed texts, and models that classify pictures."),
        )
    if head.reads_text and (other := _other_world(config)):
        raise unsupported(
            _("{0} holds a {1}, which reads {2} and no texts.").format(folder.name, shown(name, 60), other),
            _("Export it as ONNX (torch.onnx.export), and open that file."),
            _("This kind of model is not supported as a folder"),
        )
    return head


def _other_world(config: Mapping[str, Any]) -> str:
    """Return the input kind of a model that reads no texts, "" for text models (they have a vocabulary)."""
    series, usual = _("series of numbers over time"), "" if "vocab_size" in config else _("something else")
    kinds = {"prediction_length": series, "context_length": series, "horizon_length": series}
    kinds |= {
        "conv_dim": _("sounds"),
        "num_mel_bins": _("sounds"),
        "image_size": _("pictures"),
        "num_channels": _("pictures"),
    }
    return next((what for name, what in kinds.items() if name in config), usual)


def weight_files(folder: Path, ctx: JobContext) -> tuple[Path, ...]:
    """Return the checked safetensors files that the library opens, or the one checked pytorch_model.bin."""
    files = _opened(folder)
    for file in files or (folder / "pytorch_model.bin",):
        if file.is_symlink() or not file.is_file():
            raise refuse(
                "weights_missing",
                "The weights are missing",
                _("{0} has no file of weights that is a plain file (links are not followed).").format(folder.name),
                "Download the whole folder again, or copy the files that the links point to.",
            )
    with checking(ctx, files):
        for file in files:
            check_header(file)
    if files:
        return files
    check_checkpoint(folder / "pytorch_model.bin", ctx)
    return (folder / "pytorch_model.bin",)


def _opened(folder: Path) -> tuple[Path, ...]:
    """Return the weights files of one form of the model: the whole file, else indexed parts, else numbered parts.

    Raises:
        InputRefused: there are several forms, and none is marked as the one to open.
    """
    files = {file.name: file for file in sorted(folder.glob("*.safetensors"))}
    if WHOLE in files or len(files) < 2:
        return (files[WHOLE],) if WHOLE in files else tuple(files.values())
    if isinstance(named := read_dict(folder / INDEX).get("weight_map"), dict):
        return tuple(folder / name for name in sorted({str(name) for name in named.values()}) if "/" not in name)
    parts = [file for name, file in files.items() if PART.search(name)]
    if len(parts) == len(files):
        return tuple(parts)
    raise refuse(
        "several_models",
        "There are several forms of the model in this folder",
        _("{0} holds {1}, and none is marked as the one to open.").format(folder.name, shown(", ".join(files), 200)),
        _("Keep the one that you want under the name {0}, and open the folder again.").format(WHOLE),
    )


def _beside(folder: Path, files: tuple[Path, ...]) -> tuple[Finding, ...]:
    others = [file.name for file in sorted(folder.glob("*.safetensors")) if file not in files]
    return (
        (info(_("Fettle ignores other weights beside it: {0}.").format(shown(", ".join(others), 200))),)
        if others
        else ()
    )


def _stage(folder: Path, files: tuple[Path, ...], place: Path, ctx: JobContext) -> None:
    """Put only config.json and safetensors into `place`, so that the library finds nothing else."""
    shutil.copyfile(folder / "config.json", place / "config.json")
    if files[0].suffix == ".bin":
        from safetensors.torch import save_file

        tensors, _ = read_checkpoint(files[0], ctx)
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, place / WHOLE, {"format": "pt"})
        return
    for file in files:
        (place / (WHOLE if len(files) == 1 else file.name)).symlink_to(file.resolve())
    index = folder / INDEX
    if len(files) > 1 and index.is_file() and not index.is_symlink():
        shutil.copyfile(index, place / index.name)


def load_module(
    folder: Path, auto: str, files: tuple[Path, ...], ctx: JobContext, dtype: str = "float32", attention: str = "eager"
) -> Any:
    """Return the module in eval mode.

    Raises:
        InputRefused: the library does not know it.
    """
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory(dir=ctx.work_dir) as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _stage(folder, files, Path(place), ctx)
        try:
            with loading(ctx, files):
                model, report = getattr(transformers, auto).from_pretrained(
                    place,
                    local_files_only=True,
                    trust_remote_code=False,
                    use_safetensors=True,
                    dtype=getattr(torch, dtype),
                    attn_implementation=attention,
                    output_loading_info=True,
                )
        except Exception as error:  # the library raises OSError, ValueError, KeyError, RuntimeError and its own
            raise refuse(
                "cannot_load",
                "The model cannot be loaded",
                _("The transformers library says about {0}: {1}").format(folder.name, shown(first_line(error), 300)),
                "Models that contain their own code are not opened; others may need a newer transformers.",
            ) from error
    _refuse_missing(folder, report)
    return model.eval()


def _refuse_missing(folder: Path, report: Mapping[str, Any]) -> None:
    """Refuse a model with missing weights, which would be random; an unused pooler may be missing."""
    missing = sorted(k for k in report.get("missing_keys", ()) if "pooler" not in k and "position_ids" not in k)
    if missing or report.get("mismatched_keys"):
        raise refuse(
            "weights_missing",
            "Some weights are missing",
            _("{0} lacks {1} of the tensors that its config.json asks for ({2}).").format(
                folder.name, len(missing), shown(", ".join(missing[:3]), 150)
            ),
            "Download the whole folder again.",
        )


def _facts(folder: Path, head: _Head, config: Mapping[str, Any]) -> ModelFacts:
    beside = facts_of_folder(folder)
    named = config.get("architectures") or [config.get("model_type", "")]
    findings = []
    if head.ending in _MASKED and head.sparse is None:
        left_out = _(
            "The part that fills in words is left out: the model gives embeddings. To keep it, export the model as "
            "ONNX, and open that file."
        )
        findings.append(info(left_out))
    if config.get("auto_map"):
        findings.append(warning("The folder contains its own Python code. It was not run."))
    if head.reads_text and beside.tokenizer is None:
        findings.append(danger("There is no tokenizer.json: texts cannot be turned into the model's numbers."))
    pooling, normalize = sentence_parts(folder) if head.task == "text-embedding" else (None, None)
    own = ModelFacts(
        task=head.task,
        answer_kind="embedding" if head.task == "text-embedding" else None,
        scores="logits",
        pooling=pooling,
        normalize=normalize,
        architecture=shown(named[0], 80),
        guessed=() if pooling or head.sparse or head.task != "text-embedding" else ("pooling",),
        findings=tuple(findings),
    )
    return own.or_else(beside)


def _wrapper(model: Any, head: _Head, inputs: tuple[str, ...]) -> Any:
    """Wrap the model with exactly the tokenizer's inputs (or the image) and one output."""
    output, sparse = head.output, head.sparse
    import torch

    class Wrapped(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

    class Tokens(Wrapped):
        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any = None) -> Any:
            more = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            outputs = self.model(input_ids=input_ids, attention_mask=attention_mask, **more)
            return outputs[output] if sparse is None else sparse(outputs, attention_mask)

    class Pixels(Wrapped):
        def forward(self, pixel_values: Any) -> Any:
            return self.model(pixel_values=pixel_values)[output]

    return (Pixels() if inputs == ("pixel_values",) else Tokens()).eval()


def _input_specs(head: _Head, config: Mapping[str, Any], facts: ModelFacts) -> tuple[TensorSpec, ...]:
    if head.task == "image-classification":
        steps = facts.preprocess if isinstance(facts.preprocess, ImageSteps) else None
        size = (steps.crop or steps.resize if steps else None) or config.get("image_size", 224)
        height, width = (size, size) if isinstance(size, int) else tuple(size)
        shape = ("batch", int(config.get("num_channels", 3)), int(height), int(width))
        return (TensorSpec(name="pixel_values", shape=shape, dtype="float32"),)
    names = ["input_ids", "attention_mask"]
    if config.get("type_vocab_size", 0) and config.get("type_vocab_size") != 1:
        names.append("token_type_ids")
    return tuple(TensorSpec(name=name, shape=("batch", "tokens"), dtype="int64") for name in names)


def _draft(folder: Path, config: Mapping[str, Any], head: _Head, files: tuple[Path, ...]) -> Draft:
    facts = _facts(folder, head, config)
    width = len(config.get("id2label") or ()) or 2 if head.output == "logits" else config.get("hidden_size")
    by_token = head.sparse is None and (head.output != "logits" or head.ending == "ForTokenClassification")
    width = width if head.sparse is None else config.get("vocab_size")
    shape: tuple[int | str | None, ...] = ("batch", "tokens", width) if by_token else ("batch", width)
    numbers = _numbers(files)
    few_bits = 2 * sum(numbers[dtype] for dtype in FEW_BITS) > numbers.total()
    graph = Graph(
        inputs=_input_specs(head, config, facts),
        outputs=(TensorSpec(name=head.output, shape=shape, dtype="float32"),),
        parameters=numbers.total(),
        weight_bytes=sum(file.stat().st_size for file in files),
        quantized=few_bits or isinstance(config.get("quantization_config"), dict),
    )
    summary = SCANNED if files[0].suffix == ".bin" else whole(sum(len(check_header(file)) for file in files))
    return Draft(graph, facts, (folder / "config.json", *files), (summary, *_beside(folder, files)))


def _numbers(files: tuple[Path, ...]) -> Counter[str]:
    """Return how many numbers of each safetensors dtype the headers list; none for weights in a pickle."""
    counts: Counter[str] = Counter()
    for file in files:
        for entry in check_header(file).values() if file.suffix == ".safetensors" else ():
            counts[entry["dtype"]] += math.prod(entry["shape"])
    return counts


def read(folder: Path, params: OpenParams, ctx: JobContext) -> tuple[Draft, Write]:
    """Read config.json and the headers of the weights."""
    config = read_json(folder / "config.json")
    if not isinstance(config, dict):
        raise refuse("damaged", "The folder is damaged", "Its config.json is no JSON text.", "Download it again.")
    if language_model.is_language_model(config):
        files = weight_files(folder, ctx)
        load = partial(load_module, folder, "AutoModelForCausalLM", files, ctx, attention="sdpa")
        return language_model.read(folder, config, files, _numbers(files), load, ctx)
    head, files = _head(folder, config), weight_files(folder, ctx)
    draft = _draft(folder, config, head, files)
    limit = config.get("max_position_embeddings")
    return draft, partial(_write, folder, limit, head, files, draft, ctx)


def _write(
    folder: Path,
    limit: Any,
    head: _Head,
    files: tuple[Path, ...],
    draft: Draft,
    ctx: JobContext,
    params: OpenParams,
    target: Path,
) -> Draft:
    """Load with local files only and export with free batch and length."""
    import torch

    if head.reads_text and draft.facts.tokenizer is None:
        raise no_tokenizer(folder)
    model = load_module(folder, head.auto, files, ctx)
    ctx.check_cancelled()
    specs = draft.graph.inputs
    module = _wrapper(model, head, tuple(spec.name for spec in specs))
    examples, free = {}, {}
    for spec in specs:
        picture = len(spec.shape) == 4
        sizes = [2 if axis == 0 else size if isinstance(size, int) else 8 for axis, size in enumerate(spec.shape)]
        examples[spec.name] = torch.zeros(sizes) if picture else torch.ones(sizes, dtype=torch.int64)
        free[spec.name] = {0: "batch"} if picture else {0: "batch", 1: "tokens"}
    limits = {"tokens": _position_limit(model, limit)} if isinstance(limit, int) else {}
    with converting(ctx, draft.graph.weight_bytes):
        program = export(folder, module, examples, head.output, target, free, limits)
    graph = replace(draft.graph, parameters=sum(p.numel() for p in model.parameters()))
    run = reference(module, [spec.name for spec in specs], (head.output,))
    return replace(draft, graph=graph, reference=run, torch_program=program)


def _position_limit(model: Any, limit: int) -> int:
    """Return the longest text; RoBERTa counts positions from behind the padding token, so its table is longer."""
    embeddings = getattr(getattr(model, model.base_model_prefix, model), "embeddings", None)
    padding = getattr(embeddings, "padding_idx", None)
    return limit - padding - 1 if isinstance(padding, int) else limit
