"""Convert a language model to an ONNX graph with few bits by onnxruntime-genai's builder, for NVIDIA cards and web.

Its operators (GroupQueryAttention, MatMulNBits) run on the processor, in CUDA and in browsers. Its names are those of
transformers.js, so the evaluated model is the one that runs there.
"""

import contextlib
import importlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from workers.contracts.planning import Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files
from workers.convert.output import MODEL_FILE, new_model
from workers.quantize.weights import compressed_weights
from workers.quantize.weights.compressed_weights import need_chat
from workers.quantize.weights.source_folder import head_size, write_source

ID, TITLE = "language_onnx", mark("A language model for NVIDIA cards and the web")
RUNTIMES = ("onnxruntime-cpu", "onnxruntime-cuda")
WEIGHTS = f"{MODEL_FILE}.data"
PEAK = 2.5
"""Peak memory of the builder relative to the 32-bit weights.

SmolLM2-135M needed 1.31 GB above the imports for .54 GB of weights.
"""

CACHE_SIZE = "kv_cache_dim"
"""The builder's name for the last size of keys and values, which is the head size because the cache is not rounded."""

TABLE = "model.embed_tokens.weight"
"""The builder's name for the embedding table."""

ACCURACY_LEVEL = 4
"""MatMulNBits accuracy level on the processor: inputs are rounded to 8 bits in the groups of the weights.

Other levels compute with 32 bits and were 20 times slower (ONNX Runtime 1.32); cards ignore the level.
"""


class Params(TechniqueParams):
    """Parameters of the conversion: the bits of weights, and the weights that get more."""

    bits: Literal[4, 8] = Field(default=8, description="Bits of a weight.")
    group_size: Literal[32, 64, 128] = Field(
        default=64,
        description="Weights that share a scale. Smaller groups are more exact. With 4 bits, rows hold an even number "
        "of groups.",
    )
    searched: bool = Field(
        title="Search scales", default=True, description="Search each group's scale (k-quants), which takes longer."
    )
    sensitive_in_8_bits: bool = Field(
        title="Sensitive layers in 8 bits",
        default=True,
        description="With 4 bits: the last layer and the most sensitive ones get 8.",
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Write the source folder of the model and convert it with the builder."""
    need_chat(model, TITLE)
    source, built = ctx.work_dir / "source", ctx.work_dir / "built"
    with new_model(model, ID, params, ctx) as output, _gone(source, built):
        source.mkdir()
        write_source(model, source, TITLE, ctx)
        with onnx_files.library_call(TITLE, ctx):
            _build(source, built, params)
        _written(built / MODEL_FILE, output.folder / MODEL_FILE, head_size(source))
        output.files = (MODEL_FILE, WEIGHTS)
        output.new_graph = True
        output.model_format = "onnx"
        output.precision = f"int{params.bits} weights"
        output.settings = {"chat": True, "by_token": True}
        output.runtimes = RUNTIMES
    return output.artifact


@contextlib.contextmanager
def _gone(*folders: Path) -> Iterator[None]:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        yield
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


def _build(source: Path, built: Path, params: Params) -> None:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    builder: Any = importlib.import_module("onnxruntime_genai.models.builder")
    options = [
        f"algo_config={'k_quant' if params.searched else 'rtn'}", f"block_size={params.group_size}",
        f"accuracy_level={ACCURACY_LEVEL}", "hf_token=false",
    ]  # fmt: skip
    if params.bits == 4 and params.sensitive_in_8_bits:
        options.append("matmul_mixed_precision=last_matmul:int8,mixed_layers:int8")
    places = (str(source), str(built), f"int{params.bits}", "cpu", str(built / "cache"))
    builder.create_model(None, *places, **builder.parse_extra_options(None, *places, options))


def _written(source: Path, target: Path, head: int) -> None:
    """Save the builder's graph with `head` as the cache's last size; the weights go into one file next to it."""
    import onnx_ir as ir

    model = ir.load(source)
    for value in (*model.graph.inputs, *model.graph.outputs):
        sizes = [head if str(getattr(size, "value", size)) == CACHE_SIZE else size for size in value.shape or ()]
        value.shape = ir.Shape(sizes)
    _halve_table(model.graph)
    ir.save(model, target, external_data=WEIGHTS)


def _halve_table(graph: Any) -> None:
    """Store the embedding table in 16 bits where the builder writes 32, as it does with 8-bit weights.

    Most sources hold 16 bits. With an 8-bit table, SmolLM2-135M's perplexity was 1.006 times the original's instead of
    1.004.
    """
    import onnx_ir as ir

    lookup = next((node for node in graph if node.op_type == "Gather" and node.inputs[0].name == TABLE), None)
    if lookup is None:
        return
    numbers = lookup.inputs[0].const_value.numpy()
    if numbers.dtype != np.float32 or np.abs(numbers).max() > np.finfo(np.float16).max:
        return
    lookup.inputs[0].const_value = ir.tensor(numbers.astype(np.float16), name=TABLE)
    lookup.inputs[0].dtype = ir.DataType.FLOAT16
    wide = ir.node("Cast", [lookup.outputs[0]], {"to": ir.DataType.FLOAT.value}, name="/model/embed_tokens/Cast")
    wide.outputs[0].name, wide.outputs[0].dtype = f"{wide.name}/output_0", ir.DataType.FLOAT
    ir.convenience.replace_all_uses_with(lookup.outputs[0], wide.outputs[0])
    wide.replace_input_with(0, lookup.outputs[0])
    lookup.outputs[0].dtype = ir.DataType.FLOAT16
    graph.insert_after(lookup, wide)


def why_not(situation: Situation, params: Any) -> Reason | None:
    """Reject models in few bits and models that do not fit: the builder holds all weights in 32 bits."""
    model, stored = situation.model, compressed_weights.why_not(situation, params)
    if stored is not None:
        return stored
    needed = model.weight_bytes * (1 if model.precision == "fp32" else 2) * PEAK
    if needed > situation.device.memory_bytes:
        report = _("This conversion needs about {0:.0f} GB of memory, more than this computer has.").format(
            needed / 1e9
        )
        return Reason(code="too_large", text=report)
    return None


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="An ONNX graph with weights in 8 or 4 bits, which browsers and NVIDIA cards run as well.",
    source="onnxruntime-genai, “Model builder”; k-quants: llama.cpp, ggml-quants.c",
    params=Params,
    accepts=("openvino-ir",),
    writes="onnx",
    apply=apply,
    for_inputs=("text",),
    traits=("size", "speed"),
    order=None,
    explanation="The form that browsers (transformers.js) and NVIDIA cards run; here it is proven on the processor.",
    why_not=why_not,
    requires=("onnxruntime_genai", "onnx_ir", "transformers"),
    installs="language",
    runtimes=RUNTIMES,
)
