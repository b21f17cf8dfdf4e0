"""Read GGUF files and open them as a transformers folder, with tokenizer and chat template."""

import json
import math
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Finding
from workers.contracts.translation import _
from workers.model_io.budget import checking, converting
from workers.model_io.facts import info, warning
from workers.model_io.formats import Draft, Write
from workers.model_io.gguf.header import PLAIN, Header, blocks, read_header
from workers.model_io.gguf.model import config_of, precision, refuse_unknown, write_weights
from workers.model_io.readers import language_model
from workers.model_io.readers.chat_files import MOST_TEMPLATE_BYTES, TEMPLATE
from workers.model_io.readers.transformers_folder import load_module, weight_files
from workers.model_io.words import first_line, refuse, shown

KINDS = ("gpt2", "llama")
USUAL_SPLITS = ("default", "gpt-2", "smollm")
SPECIALS = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}


def write_tokenizer(path: Path, header: Header, folder: Path) -> tuple[Finding, ...]:
    """Write tokenizer.json, its configuration, and the chat template if there is one.

    Raises:
        InputRefused: the tokenizer is missing or unusable.
    """
    tokens = header.values.get("tokenizer.ggml.tokens")
    kind = header.text("tokenizer.ggml.model")
    if kind not in KINDS or not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise refuse(
            "no_tokenizer",
            "The tokenizer is missing",
            _("{0} carries the tokenizer “{1}”, and these are known: {2}.").format(
                path.name, shown(kind or _("none"), 40), ", ".join(KINDS)
            ),
            "Open the same model as a folder of safetensors with its tokenizer.json.",
        )
    engine = _engine(path, header, kind)
    engine.save(str(folder / "tokenizer.json"))
    named = {name: _token(tokens, header.number(f"tokenizer.ggml.{key}_token_id")) for name, key in SPECIALS.items()}
    stated = {name: token for name, token in named.items() if token is not None}
    (folder / "tokenizer_config.json").write_text(json.dumps(stated), encoding="utf-8")
    template = header.text("tokenizer.chat_template")
    if template and len(template.encode()) <= MOST_TEMPLATE_BYTES:
        (folder / TEMPLATE).write_text(template, encoding="utf-8")
    return _unknown_split(header, kind)


def _engine(path: Path, header: Header, kind: str) -> Any:
    """Build the tokenizer with transformers' converter, and add SmolLM's digit splitting, which that lacks."""
    from tokenizers import pre_tokenizers, processors
    from transformers.integrations.gguf import GGUF_TOKENIZER_MAPPING, convert_gguf_tokenizer

    renames = GGUF_TOKENIZER_MAPPING["tokenizer"]
    given = {
        name: header.values[f"tokenizer.{key}"] for key, name in renames.items() if f"tokenizer.{key}" in header.values
    }
    try:
        engine, _settings = convert_gguf_tokenizer(header.architecture, given)
        if header.text("tokenizer.ggml.pre") == "smollm":
            digits = pre_tokenizers.Digits(individual_digits=True)
            engine.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
        first = header.number("tokenizer.ggml.bos_token_id")
        begins = _token(given["tokens"], first)
        # llama.cpp starts each text of a sentencepiece tokenizer like this unless the file states otherwise
        if header.values.get("tokenizer.ggml.add_bos_token", kind == "llama") is True and begins is not None:
            engine.post_processor = processors.TemplateProcessing(
                single=[begins, "$A"], pair=[begins, "$A", "$B"], special_tokens=[(begins, first)]
            )
    except Exception as error:  # the libraries raise many types for inconsistent tables
        raise refuse(
            "no_tokenizer",
            "The tokenizer cannot be used",
            _("The tokenizer in {0} does not fit together: {1}").format(path.name, shown(first_line(error), 200)),
            "Download the file again, or open the same model as a folder of safetensors.",
        ) from error
    return engine


def _token(tokens: list[str], at: int | None) -> str | None:
    return tokens[at] if at is not None and at < len(tokens) else None


def _unknown_split(header: Header, kind: str) -> tuple[Finding, ...]:
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    name = header.text("tokenizer.ggml.pre") or "default"
    if kind != "gpt2" or name in USUAL_SPLITS or name in GGUF_PRE_TOKENIZER_SPLITS:
        return ()
    text = _("Fettle does not know how “{0}” splits texts, and splits them like GPT-2, which may differ.").format(
        shown(name, 40)
    )
    return (warning(text),)


UNPACKED = "unpacked"
"""Folder of the job with the unpacked files; the caller that opens a model removes it."""


def read(path: Path, params: OpenParams, ctx: JobContext) -> tuple[Draft, Write]:
    """Read the header; the weights are unpacked when the model is converted."""
    known = blocks()
    with checking(ctx, [path]):
        header = read_header(path, known)
        refuse_unknown(path, header)
        config = config_of(path, header)
        (ctx.work_dir / UNPACKED).mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=ctx.work_dir / UNPACKED)) / path.stem
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        findings = (_types_finding(path, header, known), *write_tokenizer(path, header, folder))
    numbers = sum(math.prod(tensor.shape) for tensor in header.tensors)

    def load(dtype: str) -> Any:
        with converting(ctx, 2 * numbers):
            write_weights(path, header, config, folder, ctx)
        return load_module(folder, "AutoModelForCausalLM", weight_files(folder, ctx), ctx, dtype, "sdpa")

    draft, write = language_model.read(folder, config, (path,), {precision(header): numbers}, load, ctx)
    license_stated = header.text("general.license")[:100] or None

    def own(draft: Draft) -> Draft:
        facts = replace(draft.facts, license=license_stated or draft.facts.license)
        return replace(draft, facts=facts, files=(path,), findings=(*findings, *draft.findings))

    return own(draft), lambda params, target: own(write(params, target))


def _types_finding(path: Path, header: Header, known: dict[int, tuple[str, int, int]]) -> Finding:
    """Return a finding with the types of the weights, the most frequent first."""
    count: Counter[int] = Counter()
    for tensor in header.tensors:
        count[tensor.kind] += math.prod(tensor.shape)
    listed = ", ".join(known[kind][0] for kind, _ in count.most_common())
    if set(count) <= set(PLAIN):
        return info(_("Its weights are stored as {0}.").format(listed))
    return warning(
        _(
            "Its weights were made smaller already ({0}). Fettle cannot show what that changed, because it "
            "compares versions with {1} as it is."
        ).format(listed, shown(path.name, 60))
    )
