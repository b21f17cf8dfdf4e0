"""Move the last steps of image preparation into the graph: range, mean, deviation, channel order, layout."""

from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.pipeline import read_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.contracts.wording import counted
from workers.convert.graphs import onnx_files
from workers.convert.inference.calibration import as_taken, example_feeds, requests
from workers.convert.inference.in_turn import in_turn
from workers.convert.output import MODEL_FILE, does_not_fit, need_onnx, new_model
from workers.convert.rewriting import CHECKED, check_alike
from workers.infer.base import Arrays
from workers.pipeline.spec import ImageSteps, PipelineInput, PipelineSpec

ID = "pixels_in"
TITLE = mark("Preparation inside the model")
_refused = partial(does_not_fit, "pixels_do_not_fit", TITLE)

RUNTIMES = ("onnxruntime-cpu", "openvino", "onnxruntime-cuda")
FLOATS = ("float32", "float16", "float64")
MADE = 4
ROUNDS, LEAST_ROUNDS, BLOCK_S, MAX_S = 7, 2, 0.04, 4.0


def apply(model: Model, params: TechniqueParams, ctx: JobContext) -> ModelArtifact:
    """Write the graph with the preparation before it, compare predictions, and time both forms on one input."""
    source = need_onnx(model, TITLE)
    if "cascade" in model.artifact.settings:
        raise _refused(_("It already contains two models."), _("Put this step before the one that makes two models."))
    spec = read_pipeline(model.folder)
    entry, steps = picture_input(spec)
    proto = onnx_files.load(source)
    own = {
        "input": entry.name,
        "mean": list(steps.mean),
        "std": list(steps.std),
        "range": steps.range,
        "channels": steps.channels,
        "layout": steps.layout,
    }
    with new_model(model, ID, params, ctx) as output:
        if not put_before(proto, entry.name, steps):
            raise _refused(_("The graph has no input called {0}.").format(entry.name))
        output.save(proto, TITLE)
        ctx.check_cancelled()
        output.settings = {"pixels": own}
        output.pipeline = replace(spec, preprocess=replace(steps, pixels=True))
        settings = {**model.artifact.settings, **output.settings}
        changed = Model(output.folder, model.artifact.model_copy(update={"main": MODEL_FILE, "settings": settings}))
        output.notes = (
            _(
                "Takes 8-bit pixels: the model itself computes range, mean, deviation and order of a picture. It still "
                "takes inputs that were prepared as for the original, if they come from 8-bit pictures."
            ),
            _("Where versions are compared, its time holds that part of the preparation and the original's does not."),
            *check_and_time(model, changed, entry.name, steps, spec, ctx),
        )
        output.runtimes = RUNTIMES
    return output.artifact


def picture_input(spec: PipelineSpec) -> tuple[PipelineInput, ImageSteps]:
    """Return the image input and its preparation.

    Raises:
        InputRefused: the model has no such input, or there is nothing to move.
    """
    steps = spec.preprocess
    entry = next((entry for entry in spec.inputs if entry.source == "image"), None)
    if not isinstance(steps, ImageSteps) or entry is None or spec.links:
        raise _refused(_("This model takes no pictures that Fettle prepares."))
    if steps.pixels or entry.dtype == "uint8":
        raise _refused(_("The model takes 8-bit pixels already."))
    if entry.dtype not in FLOATS:
        raise _refused(
            _("Its picture goes in as {0}, and only fractional numbers are prepared so.").format(entry.dtype)
        )
    if len(entry.shape) != 4 or not entry.batched:
        raise _refused(_("Its picture does not go in as (pictures, channels, height, width) or with channels last."))
    channels, wanted = entry.shape[1 if steps.layout == "nchw" else 3], 1 if steps.channels == "gray" else 3
    if channels not in (None, wanted) or any(len(values) not in (1, wanted) for values in (steps.mean, steps.std)):
        raise _refused(
            _("Its preparation gives {0}, and the model or its mean takes another number.").format(
                counted(wanted, "channel")
            )
        )
    return entry, steps


def check_and_time(
    model: Model, changed: Model, name: str, steps: ImageSteps, spec: PipelineSpec, ctx: JobContext
) -> tuple[str, ...]:
    """Compare predictions on calibration inputs or on generated ones, and time both forms if there are inputs.

    Returns:
        A sentence about the time, or nothing without inputs.

    Raises:
        InputRefused: predictions differ, or examples do not come from 8-bit pixels.
    """
    items = [{key: np.array(array) for key, array in feeds.items()} for feeds in requests(model, ctx, CHECKED)]
    pairs = [(feeds, as_taken(changed, feeds)) for feeds in items] or made_pairs(spec, name, steps, ctx.seed)
    check_alike(model.main, changed.main, pairs, TITLE, ctx)
    if not items:
        return ()
    both = onnx_files.start(model.main, "all"), onnx_files.start(changed.main, "all")
    return (timed(*both, pairs[0], name, steps, ctx),)


def made_pairs(spec: PipelineSpec, name: str, steps: ImageSteps, seed: int) -> list[tuple[Arrays, Arrays]]:
    """Return images of noise, each as prepared input and as pixels; other inputs are zeros."""
    from workers.pipeline import images

    feeds = example_feeds(spec)
    _, *sizes = feeds[name].shape
    height, width = sizes[1:] if steps.layout == "nchw" else sizes[:2]
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(MADE):
        pixels = rng.integers(0, 256, (1, height, width, 1 if steps.channels == "gray" else 3), np.uint8)
        values = images.normalized(pixels, steps).astype(feeds[name].dtype)
        made.append(({**feeds, name: values}, {**feeds, name: pixels}))
    return made


def timed(before: Any, after: Any, pair: tuple[Arrays, Arrays], name: str, steps: ImageSteps, ctx: JobContext) -> str:
    """Time one input from its pixels to its prediction in both forms, in turns, in ONNX Runtime on one core.

    Returns:
        A sentence for people.
    """
    from workers.pipeline import images

    feeds, pixels = pair
    given = pixels[name].astype(np.uint8, copy=False)
    dtype = feeds[name].dtype

    def old() -> None:
        values = images.normalized(given, steps).astype(dtype, copy=False)
        before.run(None, {**feeds, name: values})

    def new() -> None:
        after.run(None, pixels)

    rounds = in_turn(
        old, new, ctx.check_cancelled, median, rounds=ROUNDS, least_rounds=LEAST_ROUNDS, block_s=BLOCK_S, max_s=MAX_S
    )
    first_ms, second_ms = (1000 * median(column) for column in zip(*rounds, strict=True))
    return _(
        "Measured here on one of your inputs, from its cropped pixels to the answer (ONNX Runtime, one "
        "core): {0:.2f} ms before, {1:.2f} ms now. Reading and resizing the picture stay as they were and "
        "are not in it."
    ).format(first_ms, second_ms)


def put_before(proto: Any, name: str, steps: ImageSteps) -> bool:
    """Make the input `name` uint8 (n, height, width, channels) and add the nodes that prepare it.

    The proto is changed. The computation is that of `workers.pipeline.images`, written as one product and one sum.

    Returns:
        False where the graph has no such input.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = proto.graph
    value = next((value for value in graph.input if value.name == name), None)
    if value is None:
        return False
    prefix = _new_prefix(graph)
    prepared = f"{prefix}prepared"
    _rename(graph, name, prepared)
    nodes: list[Any] = []
    weights: list[Any] = []
    last = name

    def add(kind: str, *constants: tuple[str, NDArray[Any]], **attributes: Any) -> None:
        nonlocal last
        weights.extend(numpy_helper.from_array(array, prefix + hint) for hint, array in constants)
        inputs = [last, *(prefix + hint for hint, _ in constants)]
        last = f"{prefix}{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [last], name=last, **attributes))

    is_first = steps.layout == "nchw"
    if is_first:  # transposing bytes is the fastest
        add("Transpose", perm=[0, 3, 1, 2])
    if steps.channels == "bgr":
        add("Gather", ("order", np.array([2, 1, 0])), axis=1 if is_first else 3)
    add("Cast", to=TensorProto.FLOAT)
    scale, offset = factors(steps)
    shape = (1, -1, 1, 1) if is_first else (1, 1, 1, -1)
    if (scale != 1).any():
        add("Mul", ("scale", scale.reshape(shape)))
    if offset.any():
        add("Add", ("offset", offset.reshape(shape)))
    wanted = value.type.tensor_type.elem_type
    add("Cast", to=wanted) if wanted != TensorProto.FLOAT else add("Identity")
    nodes[-1].output[0] = prepared

    dims = [onnx_files.copied(dim) for dim in value.type.tensor_type.shape.dim]
    if is_first:
        dims = [dims[axis] for axis in (0, 2, 3, 1)]
    del value.type.tensor_type.shape.dim[:]
    value.type.tensor_type.shape.dim.extend(dims)
    value.type.tensor_type.elem_type = TensorProto.UINT8
    onnx_files.set_nodes(graph, [*nodes, *(onnx_files.copied(node) for node in graph.node)])
    graph.initializer.extend(weights)
    return True


def factors(steps: ImageSteps) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return scale and offset (float32) of each channel: (x / 255 − mean) / std as x·scale + offset."""
    std = np.asarray(steps.std, np.float64)
    scale = 1 / (std * (255 if steps.range == "0..1" else 1))
    return scale.astype(np.float32), (-np.asarray(steps.mean, np.float64) / std).astype(np.float32)


def _new_prefix(graph: Any) -> str:
    """Return a prefix with which no tensor name begins."""
    taken: set[str] = set()
    for inner in onnx_files.graphs(graph):
        taken |= {value.name for value in (*inner.input, *inner.output, *inner.initializer)}
        taken |= {name for node in inner.node for name in (*node.input, *node.output)}
    prefix = "pixels_"
    while any(name.startswith(prefix) for name in taken):
        prefix += "in_"
    return prefix


def _rename(graph: Any, old: str, new: str) -> None:
    """Let all readers of the tensor `old` read `new`, also in nested graphs, because names are unique across them."""
    for inner in onnx_files.graphs(graph):
        for node in inner.node:
            node.input[:] = [new if name == old else name for name in node.input]
        if inner is not graph:
            for output in inner.output:
                output.name = new if output.name == old else output.name


SPEC = TechniqueSpec(
    id=ID,
    for_inputs=("image",),
    title=TITLE,
    summary="The model takes 8-bit pixels and prepares them itself. For models that take pictures. Same answers.",
    source="ONNX operator specification (Transpose, Gather, Cast, Mul, Add); OpenVINO, “Optimize preprocessing”",
    apply=apply,
    runtimes=RUNTIMES,
)
