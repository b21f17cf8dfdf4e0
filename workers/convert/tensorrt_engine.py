"""Build TensorRT engines ahead of time, for the input sizes of the user's own examples."""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median_low
from typing import Any, Literal

from pydantic import Field, JsonValue, field_validator

from workers.contracts.architectures import CARDS, shown, with_number
from workers.contracts.errors import BackendMissing, InputRefused
from workers.contracts.optional_sets import where_to_install
from workers.contracts.pipeline import PipelineSpec, read_pipeline
from workers.contracts.planning import Fitted, Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files
from workers.convert.inference.calibration import seen_shapes
from workers.convert.output import need_onnx, new_model, take_files
from workers.infer.base import NotRunnable
from workers.infer.cuda_driver import Place
from workers.infer.tensorrt_build import BuildRefused, Built, build
from workers.infer.tensorrt_editions import EDITIONS, OWN_INSTALL, load_library
from workers.infer.tensorrt_engines import FILE, build_request, sha256

ID = "tensorrt_engine"
TITLE = mark("TensorRT engine")
RTX = EDITIONS[0]
ENGINE_FILE = "model.rtx.plan"
STAGE = "engine"
MIB = 1 << 20
STREAMED_FROM_BYTES = 1 << 30
"""Weight size from which on a model may not fit on a card; smaller ones always do."""

WAITED_S = 5.0
"""Seconds from which on the progress text contains the elapsed time."""

RUNTIMES = ("tensorrt", "onnxruntime-cpu", "onnxruntime-cuda")


class Params(TechniqueParams):
    """Parameters of engines: the cards to build for, and the largest sizes of requests."""

    build_for: tuple[str, ...] = Field(
        default=(),
        description="Architectures such as sm89. Without any, each card builds its own at its first start.",
    )
    largest_batch: int = Field(default=8, ge=1, le=1024, description="Examples that one request may hold at most.")
    examples: int = Field(default=256, ge=1, le=10_000, description="Examples that show the sizes of inputs.")
    workspace_mib: int | None = Field(
        title="Memory for layers (MiB)",
        default=None,
        ge=1,
        le=1 << 20,
        description="MiB that single layers may use on the card; all of it unless set.",
    )
    weight_streaming: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Weights may stay in the computer's memory if the card has too little. auto: from 1 GiB on.",
    )

    @field_validator("build_for")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in CARDS]
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is none of {', '.join(CARDS)}")
        return names


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Find input sizes on the examples, then build; the model itself stays for cards without a fitting engine.

    Raises:
        InputRefused: TensorRT refuses an operator, or no architecture supports the model's number format.
    """
    need_onnx(model, TITLE)
    described = describe(model, params, ctx)
    with new_model(model, ID, params, ctx) as output:
        take_files(model, output)
        # an earlier step's files are links, so writing into them would change the source
        for name in (ENGINE_FILE, FILE):
            (output.folder / name).unlink(missing_ok=True)
        output.files = tuple(name for name in output.files if name not in (ENGINE_FILE, FILE))
        ctx.check_cancelled()
        notes: list[str] = []
        if params.build_for:
            architectures, left_out = _fitting(model, params.build_for)
            notes += left_out
            built, version = _build(model, described, architectures, ctx)
            (output.folder / ENGINE_FILE).write_bytes(built.engine)
            described["engines"] = [_row(output.folder / ENGINE_FILE, built, version, architectures)]
            output.files = (*output.files, ENGINE_FILE)
            notes.append(
                _(
                    "Its engine for {0} ({1:.1f} MB) was built in {2:.1f} s and is next to the model, which runs "
                    "where the engine does not fit."
                ).format(shown(architectures), len(built.engine) / 1e6, built.seconds)
            )
        (output.folder / FILE).write_text(json.dumps(described, indent=1), encoding="utf-8")
        output.files = (*output.files, FILE)
        own = model.artifact.runtimes
        output.runtimes = tuple(one for one in RUNTIMES if own is None or one in own)
        output.notes = tuple(notes)
    return output.artifact


def describe(model: Model, params: Params, ctx: JobContext) -> dict[str, Any]:
    """Return `tensorrt.json` without engines: ranges of free sizes, and the build options."""
    spec = read_pipeline(model.folder)
    seen = seen_shapes(ctx, params.examples)
    constants = dict(model.artifact.settings.get("constants") or {})  # type: ignore[arg-type]
    weights = sum(entry.size_bytes for entry in model.artifact.files)
    streams = params.weight_streaming == "on" or (params.weight_streaming == "auto" and weights >= STREAMED_FROM_BYTES)
    return {
        "profile": profile_of(spec, seen, params.largest_batch, constants),
        "workspace_bytes": None if params.workspace_mib is None else params.workspace_mib * MIB,
        "weight_streaming": streams,
        "sparse": any(step.technique == "sparsity_2_4" for step in model.artifact.steps),
        "engines": [],
    }


def profile_of(
    spec: PipelineSpec, seen: Mapping[str, set[tuple[int, ...]]], largest_batch: int, without: Mapping[str, Any]
) -> dict[str, list[list[int]]]:
    """Return the smallest, usual and largest shape of each input with free sizes.

    Batches range from 1 to the largest. Other sizes range from the smallest to the largest observed one. Texts range
    from one token to the length at which they are cut.

    Raises:
        InputRefused: no example shows a size.
    """
    ranges = {}
    for entry in spec.inputs:
        if entry.name in without or None not in entry.shape:
            continue
        examples = [shape for shape in seen.get(entry.name, ()) if len(shape) == len(entry.shape)]
        axes = []
        for axis, size in enumerate(entry.shape):
            sizes = sorted(shape[axis] for shape in examples)
            if size is not None:
                axes.append((size, size, size))
            elif (axis == entry.batch_axis and entry.batched) or entry.source in ("state", "initial_state"):
                axes.append((1, 1, largest_batch if entry.batched else 1))
            elif not sizes:
                raise InputRefused(
                    "size_unknown",
                    "TensorRT has to know how large inputs get",
                    _("Size {0} of the input {1!r} is open, and no example shows it.").format(axis, entry.name),
                    "Add examples, or set the size of the inputs.",
                    by_command="--shape [NAME=]1x3x224x224",
                )
            elif spec.preprocess.kind == "text":
                axes.append((1, median_low(sizes), max(sizes[-1], spec.preprocess.max_length)))
            else:
                axes.append((sizes[0], median_low(sizes), sizes[-1]))
        ranges[entry.name] = [[one[place] for one in axes] for place in range(3)]
    return ranges


def _fitting(model: Model, architectures: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """Return the architectures that support the model's number format, and sentences about the others.

    Raises:
        InputRefused: no architecture supports it.
    """
    from onnx import TensorProto

    proto = onnx_files.load(model.main, with_data=False)
    if all(tensor.data_type != TensorProto.FLOAT8E4M3FN for tensor in proto.graph.initializer):
        return architectures, []
    fitting = with_number(architectures, "fp8")
    others = tuple(name for name in architectures if name not in fitting)
    words = _("{0} cannot compute with FP8: cards do from SM89 (GeForce RTX 40) on.").format(shown(others))
    if not fitting:
        raise InputRefused(
            "no_fp8",
            "These cards cannot compute with FP8",
            words,
            "Take INT8 or FP16 for them, or build for sm89 and later.",
        )
    return fitting, [_("No engine for {0}: {1}").format(shown(others), words)] if others else []


def _build(
    model: Model, described: Mapping[str, Any], architectures: tuple[str, ...], ctx: JobContext
) -> tuple[Built, str]:
    """Build the engine; return it and the library's version.

    Raises:
        InputRefused: with the operator's name and an alternative.
        BackendMissing: the library is not installed.
    """

    def tick(share: float, phase: str, seconds: float) -> None:
        ctx.check_cancelled()
        # the library itself reports nothing for a long time
        stage = _("Build the engine for {0}: {1}").format(shown(architectures), phase.lower())
        if seconds >= WAITED_S:
            stage = _("{0}, {1:.0f} s").format(stage, seconds)
        ctx.progress(stage, 100 * share, 100, "%", stage_id=STAGE)

    try:
        trt = load_library(RTX)
    except NotRunnable as error:
        words = _("Engines are built ahead by {0}, which cannot be used on this computer: {1}.").format(
            RTX.title, error
        )
        raise BackendMissing(
            "tensorrt_missing",
            _("{0} is not available").format(RTX.title),
            words,
            where_to_install("rtx"),
            by_command=f"{OWN_INSTALL}.",
        ) from error
    request = replace(build_request(described), architectures=architectures)
    try:
        # stop_s is 0 because a job's process ends anyway
        return build(RTX, trt, model.main, request, Place(), tick, stop_s=0.0), str(trt.__version__)
    except BuildRefused as error:
        raise InputRefused(
            "unsupported_operator",
            "TensorRT does not know a part of this model",
            f"{str(error).rstrip('.')}.",
            _("Instead: {0}.").format(_(error.alternative)),
        ) from error
    except NotRunnable as error:
        raise InputRefused(
            "engine_not_built",
            "TensorRT could not build an engine of this model",
            _("For {0} it reported: {1}.").format(shown(architectures), str(error).rstrip(".")),
            "Build for another card, or run the model with onnxruntime-cuda.",
        ) from error


def _row(file: Path, built: Built, version: str, architectures: tuple[str, ...]) -> dict[str, Any]:
    return {
        "file": file.name,
        "edition": RTX.id,
        "version": version,
        "architectures": list(architectures),
        "sha256": sha256(file),
        "size_bytes": file.stat().st_size,
        "seconds": round(built.seconds, 3),
        "layers": built.layers,
        "warnings": list(built.warnings),
    }


NO_CARD = Reason(code="no_card", text=mark("There is no NVIDIA card here, and no --build-for names one."))


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject computers without a card, unless cards are named."""
    return None if situation.architectures or params.build_for else NO_CARD


def fit(situation: Situation, given: Mapping[str, JsonValue]) -> Fitted:
    """Build ahead for the cards of the situation if the RTX edition is installed; else each card builds its own."""
    ahead = [name for name in situation.architectures if name in CARDS]
    if "build_for" in given or not ahead or importlib.util.find_spec(RTX.module) is None:
        return Fitted(given)
    return Fitted({**given, "build_for": list(ahead)})


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="Fits the model to NVIDIA cards: built here for the cards that you name, without having one.",
    source="NVIDIA TensorRT for RTX developer guide, “Working with Dynamic Shapes”, “CPU-only ahead-of-time engines”",
    params=Params,
    apply=apply,
    explanation=mark("TensorRT joins operators and picks the fastest kernel for each."),
    why_not=why_not,
    fit=fit,
    requires=("onnx",),
    runtimes=("tensorrt",),
)
