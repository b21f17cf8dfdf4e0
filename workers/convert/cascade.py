"""Build a cascade: a fast version predicts first, and the exact one repeats uncertain predictions."""

from contextlib import closing
from functools import partial
from typing import Any, Literal

import numpy as np
from pydantic import Field

from workers.contracts.pipeline import PipelineSpec, read_pipeline
from workers.contracts.planning import Reason, Situation
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, mark
from workers.contracts.wording import percent
from workers.convert.graphs.onnx_files import broken
from workers.convert.inference.calibration import as_taken
from workers.convert.inference.cascades import Looks, learn_threshold, make_first, no_classes, predict_both, share
from workers.convert.output import Output, does_not_fit, new_model, take_files
from workers.infer.base import NotRunnable, Session
from workers.infer.processor import NO_BF16
from workers.pipeline.pipeline import load_pipeline

ID = "cascade"
TITLE = mark("Model cascade")
_refused = partial(does_not_fit, "cascade_does_not_fit", TITLE)
FEWEST = 8

NO_CLASSES = Reason(
    code="no_classes", text=mark("Only single answers that are one class out of several can be sure or unsure.")
)


class Params(TechniqueParams):
    """Parameters of a cascade: the fast version and the care of the threshold."""

    first: Literal["bf16", "precision_by_operator", "int8_static"] = Field(
        title="Fast version",
        default="bf16",
        description="The technique that makes the fast version, with its usual settings.",
    )
    engine: Literal["openvino", "onnxruntime-cpu"] = Field(default="openvino", description="The engine that runs both.")
    missed_share: float = Field(
        title="Unnoticed changes",
        default=0.001,
        gt=0,
        le=0.05,
        description="Share of inputs whose result may change unnoticed.",
    )
    max_second_share: float = Field(
        title="Most inputs for both",
        default=0.4,
        gt=0,
        le=1,
        description="Largest share of inputs for which both versions may run.",
    )
    examples: int = Field(default=200, ge=FEWEST, le=2000, description="Examples to learn from and to check with.")
    copies: int = Field(default=4, ge=0, le=20, description="Changed copies of each example.")
    max_s: float = Field(
        title="Most seconds", default=12, ge=1, le=600, description="Seconds that running both versions may take."
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Learn the threshold on two thirds of the examples, check it on the rest, and save both models as one version."""
    spec = read_pipeline(model.folder)
    check_fits(model, spec, params)
    requests = ctx.calibration(params.examples)
    items = [as_taken(model, {name: np.array(array) for name, array in feeds.items()}) for feeds in requests]
    if len(items) < FEWEST:
        raise _refused(
            _("It needs {0} examples to learn from, and there are {1}.").format(FEWEST, len(items)),
            _("Add more examples."),
        )
    with new_model(model, ID, params, ctx) as output:
        take_files(model, output)
        made = make_first(model, params.first, ctx, output.folder)
        ctx.check_cancelled()
        fast, exact = _open(model, params, made, output, ctx)
        with closing(fast), closing(exact):
            if fast.fallbacks:
                detail = _("The fast version would not be fast here. {0}.").format(fast.fallbacks[0])
                raise _refused(detail, _("Choose another fast version."))
            both = load_pipeline(model.folder), fast, exact
            learned, judged = predict_both(*both, items, params.copies, params.max_s, ctx)
        threshold = learn_threshold(learned, params.missed_share)
        output.notes = judge(judged, threshold, params)
        output.files = (*output.files, *(entry.path for entry in made.files))
        output.settings = {"cascade": _settings(spec, made, threshold)}
        output.precision = f"{made.precision}, then {model.artifact.precision}"
        output.runtimes = (params.engine,)
    return output.artifact


def check_fits(model: Model, spec: PipelineSpec, params: Params) -> None:
    """Check that the model predicts single classes without state and is not yet less exact.

    Raises:
        InputRefused: it does not fit.
    """
    if any(entry.batch_axis or (entry.shape and (entry.shape[0] or 1) > 1) for entry in spec.inputs if entry.batched):
        raise _refused(
            _(
                "Single examples cannot be evaluated again: this model takes several at once, or not along the first "
                "axis."
            )
        )
    if spec.answer_kind != "class" or spec.links:
        raise no_classes()
    settings = model.artifact.settings
    if "cascade" in settings or settings.get("inference_precision", "f32") != "f32":
        raise _refused(
            _("An earlier step has made the model less exact already, so no exact version is left."),
            _("Leave that step out, because this one makes the fast version itself."),
        )
    if params.first != "int8_static" and params.engine != "openvino":
        raise _refused(
            _("Only OpenVINO computes with 16-bit numbers on a processor."), _("Choose OpenVINO as its engine.")
        )


def _open(
    model: Model, params: Params, made: ModelArtifact, output: Output, ctx: JobContext
) -> tuple[Session, Session]:
    """Open the fast and the exact version.

    Raises:
        InputRefused: the engine cannot run one of them.
    """
    from workers.measure.opening import find_runtime

    runtime = find_runtime(params.engine)
    settings: dict[str, Any] = dict(model.artifact.settings)
    try:
        fast = runtime.load(output.folder / made.main, {**settings, **made.settings}, ctx.threads)
        exact = runtime.load(output.folder / model.artifact.main, settings, ctx.threads)
    except NotRunnable as error:
        raise broken(TITLE, error) from error
    return fast, exact


def judge(judged: Looks, threshold: float, params: Params) -> tuple[str, ...]:
    """Return sentences about the cascade on examples from which the threshold was not learned.

    Raises:
        InputRefused: too many inputs need both versions, or predictions change although the fast version is certain.
    """
    unsure = ~(judged.margins >= threshold)
    twice = share(unsure[judged.real])
    missed = share(judged.changed & ~unsure)
    if twice > params.max_second_share:
        raise _refused(
            _("The fast version was not sure of {0} of the examples, so both would run most of the time.").format(
                percent(twice, 0)
            ),
            _("Choose another fast version, or allow a larger share."),
        )
    if missed > max(0.01, 5 * params.missed_share):
        raise _refused(
            _(
                "On examples that it had not learned from, {0} of the answers changed although the fast version "
                "was sure of them."
            ).format(percent(missed)),
            _("Add more examples, or choose another fast version."),
        )
    n, copies = int(judged.real.sum()), int((~judged.real).sum())
    return (
        _(
            "The fast version answers; it was not sure of {0} of {1} examples that it had not learned from, and "
            "the exact version answers those again."
        ).format(percent(twice, 0), n),
        _(
            "Of these and {0} changed copies, {1} of the answers changed unnoticed ({2} without the second look)."
        ).format(copies, percent(missed), percent(share(judged.changed))),
        _("This shortens the usual request, not the slowest ones: an unsure one takes the time of both versions."),
        _("Both versions are kept in memory."),
    )


def _settings(spec: PipelineSpec, made: ModelArtifact, threshold: float) -> dict[str, Any]:
    own: dict[str, Any] = {
        "first": made.settings,
        "output": next(entry.name for entry in spec.outputs if entry.answer),
        "scores": spec.scores,
        "threshold": threshold,
        "batched": [entry.name for entry in spec.inputs if entry.batched and entry.shape],
    }
    return {**own, "first_main": made.main} if made.files else own


def why_not(situation: Situation, params: Params) -> Reason | None:
    """Reject models that do not predict single classes, and processors on which the fast version is not fast."""
    if params.first != "int8_static" and "bf16" not in situation.fast:
        return Reason(code="no_bf16", text=NO_BF16)
    return None if situation.model.classes else NO_CLASSES


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="A fast version answers; where it is not sure, the exact one answers again. For models that give classes.",
    source="Rapid Object Detection using a Boosted Cascade of Simple Features (Viola, Jones 2001); BranchyNet, "
    "arXiv 1709.01686",
    params=Params,
    accepts=("onnx", "openvino-ir"),
    apply=apply,
    needs_calibration=True,
    traits=("bf16", "speed", "quick"),
    order=30,
    explanation=mark("Where the fast version is not sure, the exact one answers again."),
    why_not=why_not,
    requires=("openvino",),
    runtimes=("openvino", "onnxruntime-cpu"),
)
