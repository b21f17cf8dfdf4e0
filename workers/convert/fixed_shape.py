"""Fix the input sizes that never change, so that a runtime can plan for exactly one size."""

from collections.abc import Mapping

from pydantic import Field, JsonValue

from workers.contracts.pipeline import PipelineSpec, read_pipeline
from workers.contracts.planning import Fitted, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _
from workers.convert.inference.calibration import seen_shapes
from workers.convert.output import new_model, take_files

ID = "fixed_shape"
FREE = -1


class Params(TechniqueParams):
    """Parameters of fixed sizes: the number of examples that show which sizes never change."""

    examples: int = Field(
        default=32, ge=1, le=1000, description="Examples that are looked at to see which sizes never change."
    )


def shapes_of(spec: PipelineSpec, seen: Mapping[str, set[tuple[int, ...]]]) -> dict[str, list[int]]:
    """Return sizes for each input: batch 1, what the model fixes, what all examples share, else −1."""
    shapes: dict[str, list[int]] = {}
    for entry in spec.inputs:
        sizes = [FREE if size is None else size for size in entry.shape]
        examples = [shape for shape in seen.get(entry.name, ()) if len(shape) == len(sizes)]
        state = entry.source == "state"
        for axis, size in enumerate(sizes):
            if size != FREE:
                continue
            lengths = {shape[axis] for shape in examples}
            if state or (axis == entry.batch_axis and entry.batched):
                sizes[axis] = 1
            elif len(lengths) == 1:
                sizes[axis] = lengths.pop()
        shapes[entry.name] = sizes
    return shapes


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Set fixed shapes in the settings; inputs of other sizes run in a second program without fixed sizes."""
    spec = read_pipeline(model.folder)
    seen = seen_shapes(ctx, params.examples)
    constants = dict(model.artifact.settings.get("constants") or {})  # type: ignore[arg-type]
    shapes = {name: sizes for name, sizes in shapes_of(spec, seen).items() if name not in constants}
    free = sorted(name for name, sizes in shapes.items() if FREE in sizes)
    with new_model(model, ID, params, ctx) as output:
        take_files(model, output)
        output.settings = {"shapes": shapes}
        output.runtimes = ("openvino",)
        if free:
            output.notes = (
                _("The inputs {0} come in several sizes, so these sizes stay free.").format(", ".join(free)),
            )
    return output.artifact


def fit(situation: Situation, given: Mapping[str, JsonValue]) -> Fitted | None:
    """Skip this technique where all sizes are already fixed."""
    return Fitted(given) if situation.model.free_sizes else None


SPEC = TechniqueSpec(
    id=ID,
    title="Fixed input size",
    summary="Tells the engine the exact size of a request, so that it can plan for it. Same answers.",
    source="OpenVINO documentation, “Changing input shapes” and “Dynamic shapes”",
    params=Params,
    accepts=("onnx", "openvino-ir"),
    apply=apply,
    traits=("exact", "speed", "quick"),
    order=10,
    explanation="Another engine for the same model. The numbers in the model stay as they are.",
    fit=fit,
    requires=("openvino",),
    runtimes=("openvino",),
)
