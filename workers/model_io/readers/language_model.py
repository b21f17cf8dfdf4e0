"""Read folders of language models (`…ForCausalLM`) and convert them to one OpenVINO graph with its cache.

Reading needs no library; transformers' own exporter converts. The model keeps the stored format of its weights (mostly
BF16) and computes in 32 bits; versions are compared with that.
"""

import contextlib
import gc
import json
import logging
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.folder import write_model
from workers.contracts.jobs import OpenParams
from workers.contracts.measured.companions import CARRIED_FOLDER
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ChatFacts
from workers.contracts.translation import _, mark
from workers.infer import openvino
from workers.infer.chat_session import COUNTED, IDS, THOUGHTS
from workers.infer.next_tokens import WIDTH, thoughts
from workers.infer.openvino_program import import_library
from workers.model_io.budget import converting
from workers.model_io.facts import Graph, ModelFacts, danger, info, tensor_specs, warning
from workers.model_io.formats import Draft, Write
from workers.model_io.readers.chat_files import chat_of, checked_chat, template_of
from workers.model_io.readers.named_weights import UNIFORM_FILE, name_weights
from workers.model_io.readers.neighbors import carry, facts_of_folder
from workers.model_io.runtime import MAX_RELATIVE_ERROR, conversion_differs, relative_error
from workers.model_io.words import cannot_convert, first_line, no_tokenizer, refuse, shown
from workers.pipeline.chats import ChatTexts
from workers.pipeline.spec import Chat, PipelineInput, PipelineOutput, PipelineSpec, TextSteps


@contextlib.contextmanager
def in_32_bits(model: Any) -> Iterator[None]:
    """Widen the parameters of each part of a `torch.nn.Module` to float32 while that part runs, inside this context.

    Only the weights of the layer that runs are widened, so that checking a large model needs no memory for a full copy.
    """
    stored: dict[Any, list[Any]] = {}

    def widen(part: Any, *_: Any) -> None:
        stored[part] = [(one, one.data) for one in part.parameters(recurse=False) if one.is_floating_point()]
        for one, data in stored[part]:
            one.data = data.float()

    def restore(part: Any, *_: Any) -> None:
        for one, data in stored.pop(part, ()):
            one.data = data

    hooks = [part.register_forward_pre_hook(widen) for part in model.modules()]
    hooks += [part.register_forward_hook(restore, always_call=True) for part in model.modules()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


ENDING = "ForCausalLM"
FAMILIES = ("llama", "qwen2", "qwen3", "mistral", "gemma", "phi3", "smollm3", "olmo2", "granite", "gpt_neox")
"""`model_type`s whose conversion was tested with small random weights; others may have a different cache or none.

Mistral models without a sliding window convert; the others are refused with a message.
"""

RUNTIME, MAIN, WEIGHTS = "openvino", "model.xml", "model.bin"
SETTINGS = {"chat": True, "inference_precision": "f32"}
JUDGED_TOKENS = 1024
"""Largest number of evaluated tokens of a text; its positions depend on each other, so further texts prove more."""

PRECISIONS = {"BF16": "bf16", "F16": "fp16", "F32": "fp32"}

Load = Callable[[str], Any]


def is_language_model(config: Mapping[str, Any]) -> bool:
    """Return whether a configuration belongs to a known family of language models."""
    named = config.get("architectures")
    name = str(named[0]) if isinstance(named, list) and named else ""
    return name.endswith(ENDING) and config.get("model_type") in FAMILIES and not config.get("is_encoder_decoder")


def read(
    folder: Path,
    config: Mapping[str, Any],
    files: tuple[Path, ...],
    counts: Mapping[str, int],
    load: Load,
    ctx: JobContext,
) -> tuple[Draft, Write]:
    """Read a language model.

    Args:
        folder: the model's folder.
        config: the content of config.json.
        files: the files with weights.
        counts: numbers of the weights by their safetensors dtype.
        load: returns the torch module in a dtype.
        ctx: context of the running job.

    Returns:
        The draft, and the function that converts the model.
    """
    beside = facts_of_folder(folder)
    stored = max(counts, key=lambda name: counts[name], default="F32")
    _refuse_unfit(folder, config, beside, stored)
    chat = chat_of(folder, config)
    spec = _spec(chat, _number(config.get("vocab_size")))
    graph = Graph(
        inputs=tensor_specs(spec.inputs),
        outputs=tensor_specs(spec.outputs),
        parameters=sum(counts.values()),
        weight_bytes=sum(counts.values()) * (4 if stored == "F32" else 2),
        precision=PRECISIONS[stored],
    )
    own = ModelFacts(
        task="language-model", answer_kind="next_tokens", architecture=shown(config["architectures"][0], 80)
    )
    findings = [info("It continues texts, one token (a word or a part of one) after another.")]
    if chat.template is None:
        findings.append(warning("It has no chat template, so it continues exactly what you write."))
    if config.get("auto_map"):
        findings.append(warning("The folder contains its own Python code. It was not run."))
    draft = Draft(
        graph,
        replace(own.or_else(beside), preprocess=None, scores=None, classes=None, width=None, max_length=None),
        (folder / "config.json", *files),
        tuple(findings),
        runtime=RUNTIME,
        pipeline=spec,
        plain=False,
        chat=_facts(config, chat),
    )

    return draft, partial(_write, folder, _number(config.get("vocab_size")), draft, load, ctx)


def _refuse_unfit(folder: Path, config: Mapping[str, Any], beside: ModelFacts, stored: str) -> None:
    """Check the tokenizer and the number format.

    Raises:
        InputRefused: there is no tokenizer, or the weights (mostly `stored`) have lost digits.
    """
    if beside.tokenizer is None:
        raise no_tokenizer(folder)
    if isinstance(config.get("quantization_config"), dict) or stored not in PRECISIONS:
        raise refuse(
            "few_bits_already",
            "This model is stored in few bits already",
            _("The weights of {0} are {1}, made smaller by another program.").format(folder.name, shown(stored, 20)),
            "Open the original in 16 or 32 bits. Digits that are lost already cannot be compared.",
        )


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 1


def _facts(config: Mapping[str, Any], chat: Chat) -> ChatFacts:
    """Return the size of keys and values of all layers for each token, which a chat needs beside the weights."""
    heads = _number(config.get("num_attention_heads", config.get("n_head")))
    width = _number(config.get("hidden_size", config.get("n_embd")))
    own = _number(config.get("num_key_value_heads", heads)) * _number(config.get("head_dim") or width // heads)
    layers = _number(config.get("num_hidden_layers", config.get("n_layer")))
    return ChatFacts(context=chat.context, cache_numbers_per_token=2 * layers * own)


def _spec(chat: Chat, vocabulary: int) -> PipelineSpec:
    return PipelineSpec(
        task="language-model",
        inputs=(
            PipelineInput(
                name=IDS, dtype="int64", shape=(1, None), source="input_ids", meaning=mark("a text or a dialogue")
            ),
            PipelineInput(
                name=COUNTED, dtype="int64", shape=(1, None), source="counted", optional=True,
                meaning=mark("which tokens are judged"),
            ),
        ),
        outputs=(
            PipelineOutput(
                name=THOUGHTS, dtype="float32", shape=(1, None, WIDTH), answer=True,
                meaning=mark("the likeliest next tokens"),
            ),
        ),
        preprocess=TextSteps(max_length=min(chat.context, JUDGED_TOKENS), special_tokens=chat.template is None),
        answer_kind="next_tokens",
        chat=chat,
    )  # fmt: skip


def _write(
    folder: Path, vocabulary: int, draft: Draft, load: Load, ctx: JobContext, params: OpenParams, target: Path
) -> Draft:
    """Load the model as stored, convert it, and compare both on a sentence."""
    assert draft.pipeline is not None and draft.facts.tokenizer is not None
    chat, steps = draft.pipeline.chat, draft.pipeline.preprocess
    assert chat is not None
    carry(folder, target)
    shutil.copyfile(draft.facts.tokenizer, target / "tokenizer.json")
    if chat.template is not None:
        (target / chat.template).write_text(template_of(folder), encoding="utf-8")
    assert isinstance(steps, TextSteps)
    own = TextSteps(max_length=steps.max_length), chat
    feeds = checked_chat(folder, lambda: ChatTexts(target, *own), vocabulary, ctx)
    with converting(ctx, draft.graph.weight_bytes):
        model = load({"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}[draft.graph.precision])
        ctx.check_cancelled()
        numbers = sum(parameter.numel() for parameter in model.parameters())
        ids = np.asarray(feeds[IDS], np.int64)
        want = _thoughts_of(model, ids)
        ctx.check_cancelled()
        _export(folder, model, target / MAIN)
        del model  # its weights need not be held beside the converted ones
        gc.collect()  # the traced graph refers to itself and holds all weights once more
        ctx.check_cancelled()
        findings = _checked(folder, want, ids, target / MAIN, ctx.threads)
    write_model(
        target, MAIN, (MAIN, WEIGHTS), model_format="openvino-ir", precision=draft.graph.precision, settings=SETTINGS,
        runtimes=(RUNTIME,),
    )  # fmt: skip
    graph = replace(draft.graph, parameters=numbers)
    return replace(draft, graph=graph, findings=(*draft.findings, *findings))


def _export(folder: Path, model: Any, path: Path) -> None:
    """Export with transformers' exporter, with free sizes for batch, tokens and cache."""
    library = import_library()
    import torch
    from transformers import DynamicCache
    from transformers.exporters.exporter_openvino import OpenVINOConfig, OpenVINOExporter

    config, free = model.config, torch.export.Dim.AUTO
    batch, before, tokens = 2, 4, 3  # sizes of 0 and 1 would be taken as fixed
    heads = config.num_attention_heads
    head_size = int(getattr(config, "head_dim", None) or config.hidden_size // heads)
    sizes = (batch, getattr(config, "num_key_value_heads", heads), before, head_size)
    cache = DynamicCache(config=config)
    for layer in range(config.num_hidden_layers):
        cache.update(torch.zeros(sizes, dtype=model.dtype), torch.zeros(sizes, dtype=model.dtype), layer)
    mask = torch.ones(batch, before + tokens, dtype=torch.int64)
    mask[0, 0] = 0  # a mask of only ones would be omitted
    inputs = {
        "input_ids": torch.ones(batch, tokens, dtype=torch.int64),
        "attention_mask": mask,
        "position_ids": torch.arange(before, before + tokens)[None].repeat(batch, 1),
        "cache": cache,
    }
    shapes: dict[str, Any] = {name: {0: free, 1: free} for name in inputs if name != "cache"}
    shapes["cache"] = [{0: free, 2: free} for _ in range(2 * config.num_hidden_layers)]
    logging.getLogger("transformers").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            exported = OpenVINOExporter().export(
                model, inputs, config=OpenVINOConfig(dynamic=True, dynamic_shapes=shapes)
            )
            left_out = name_weights(exported.program, model)
            (path.parent / CARRIED_FOLDER / UNIFORM_FILE).write_text(json.dumps(left_out), encoding="utf-8")
            library.save_model(exported.program, str(path), compress_to_fp16=False)
        except Exception as error:  # torch.export, transformers and OpenVINO raise many types
            hint = _("Open another model of the same family, because this one may need a newer Fettle.")
            raise cannot_convert(folder, "transformers' exporter", first_line(error), hint) from error


def _thoughts_of(model: Any, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the source's scores of each next token of `ids` (1, tokens), computed in 32 bits."""
    import torch

    with torch.inference_mode(), in_32_bits(model):
        logits = model(input_ids=torch.from_numpy(ids)).logits[0].numpy()
    return thoughts(logits[:-1], ids[0, 1:])


def _checked(
    folder: Path, want: NDArray[np.float32], ids: NDArray[np.int64], path: Path, threads: int
) -> tuple[Any, ...]:
    """Compare the converted model with the source's scores `want`; return findings.

    Raises:
        InputRefused: they differ.
    """
    session: Any = openvino.load(path, SETTINGS, threads)
    with contextlib.closing(session):
        vocabulary = int(session.vocabulary)
        got = session.run({IDS: ids})[THOUGHTS][0]
    error = relative_error({THOUGHTS: want[:, 1]}, {THOUGHTS: got[:, 1]})
    if np.isfinite(want).all() and not error <= MAX_RELATIVE_ERROR:
        raise conversion_differs(folder, error, _("Open another model of the same family, and please report this one."))
    if float(-want[:, 1].mean()) >= np.log(vocabulary):
        text = _("It predicts a plain English sentence no better than chance, so the tokenizer may be another model's.")
        return (danger(text),)
    return ()
