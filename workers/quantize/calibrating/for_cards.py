"""8 bits as graphics cards compute with them: what the techniques for INT8 and FP8 do alike."""

from typing import Any

from workers.contracts.errors import InputRefused
from workers.contracts.planning import IN_8_BITS, Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model
from workers.convert.graphs import onnx_files
from workers.convert.output import MODEL_FILE, need_onnx, new_model
from workers.quantize import qdq
from workers.quantize.calibrating.pairs import Kind, insert

RUNTIMES = ("tensorrt", "onnxruntime-cpu", "onnxruntime-cuda")
SCOPE = qdq.Scope(heavy_only=True)
NO_LAYERS = Reason(code="no_heavy_layers", text="The model has no convolutions or products with weights.")


def with_pairs(
    technique: str, title: str, kind: Kind, model: Model, params: qdq.RangeParams, ctx: JobContext
) -> ModelArtifact:
    """Learn ranges from examples, then insert pairs. Raises InputRefused where no layer could be rounded."""
    source = need_onnx(model, title)
    reader = qdq.requests(model, ctx, params.examples)
    ctx.check_cancelled()
    with new_model(model, technique, params, ctx) as output:
        prepared = output.folder / "prepared.onnx"
        large = qdq.prepare(source, prepared, title, ctx)
        ctx.check_cancelled()
        target = output.folder / MODEL_FILE
        with onnx_files.library_call(title, ctx.log):
            learned = qdq.learn_ranges(prepared, reader, params, SCOPE, large)
            ctx.check_cancelled()
            proto = onnx_files.raise_opset(onnx_files.load(prepared), kind.opset)
            ranges = {name: one.range_value for name, one in learned.items()}
            count = insert(proto, {name: (float(low), float(high)) for name, (low, high) in ranges.items()}, kind)
            onnx_files.drop_unused(proto)
        qdq.remove(prepared)
        ctx.check_cancelled()
        if not count:
            raise _nothing(title)
        output.files = onnx_files.save(proto, target)
        onnx_files.check_opens(target, title)
        output.precision = kind.name
        output.runtimes = RUNTIMES
        output.notes = (f"{count} layers compute with {title}; biases and all else keep their numbers.",)
    assert output.artifact is not None
    return output.artifact


def _nothing(title: str) -> InputRefused:
    return InputRefused(
        "nothing_to_quantize",
        "There is nothing to make smaller this way",
        f"The model has no convolutions or matrix products with weights that {title} could be used for.",
        "Try 16-bit numbers instead.",
    )


def no_layers(situation: Situation, params: Any) -> Reason | None:
    """For models with heavy layers in 32 bits."""
    if situation.model.precision == "int8":
        return IN_8_BITS
    return None if situation.model.products or situation.model.convolutions else NO_LAYERS
