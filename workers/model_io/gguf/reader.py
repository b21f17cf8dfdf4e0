"""Read GGUF files and open them as a transformers folder."""

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
from workers.model_io.budget import checking, converting
from workers.model_io.facts import info, warning
from workers.model_io.formats import Draft, Write
from workers.model_io.gguf.header import PLAIN, Header, blocks, read_header
from workers.model_io.gguf.model import config_of, precision, refuse_unknown, write_weights
from workers.model_io.gguf.tokens import write_tokenizer
from workers.model_io.readers import language_model
from workers.model_io.readers.transformers_folder import load_module, weight_files
from workers.model_io.words import shown

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
        findings = (_told(path, header, known), *write_tokenizer(path, header, folder))
    numbers = sum(math.prod(tensor.shape) for tensor in header.tensors)

    def load(dtype: str) -> Any:
        with converting(ctx, 2 * numbers):
            write_weights(path, header, config, folder, ctx)
        return load_module(folder, "AutoModelForCausalLM", weight_files(folder, ctx), ctx, dtype, "sdpa")

    draft, write = language_model.read(folder, config, (path,), {precision(header): numbers}, load, ctx)
    license_told = header.text("general.license")[:100] or None

    def own(draft: Draft) -> Draft:
        found = replace(draft.found, license=license_told or draft.found.license)
        return replace(draft, found=found, files=(path,), findings=(*findings, *draft.findings))

    return own(draft), lambda params, target: own(write(params, target))


def _told(path: Path, header: Header, known: dict[int, tuple[str, int, int]]) -> Finding:
    """Return a finding with the types of the weights, the most frequent first."""
    count: Counter[int] = Counter()
    for tensor in header.tensors:
        count[tensor.kind] += math.prod(tensor.shape)
    listed = ", ".join(known[kind][0] for kind, _ in count.most_common())
    if set(count) <= set(PLAIN):
        return info(f"Its weights are stored as {listed}.")
    return warning(
        f"Its weights were made smaller already ({listed}). What that changed cannot be told: versions are compared"
        f" with {shown(path.name, 60)} as it is."
    )
