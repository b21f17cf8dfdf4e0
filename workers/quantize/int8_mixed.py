"""Quantize all layers to INT8 except those that would change the predictions, found by measuring each layer."""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext, derived
from workers.contracts.specs import ModelArtifact, UnquantizedLayers
from workers.contracts.techniques import Model, TechniqueSpec
from workers.contracts.translation import _, joined, mark
from workers.contracts.wording import percent
from workers.convert.graphs import onnx_files
from workers.convert.inference import engines
from workers.convert.output import MODEL_FILE, need_onnx, new_model
from workers.quantize import eight_bits, qdq, switches
from workers.quantize.calibrating import one_sided, sensitivity, similarity
from workers.quantize.calibrating.similarity import Alike, HeldOutExamples, set_aside
from workers.quantize.histograms import Histogram

ID = "int8_mixed"
TITLE = mark("INT8, sensitive layers kept")
RANGES = ("minmax", "percentile", "mse")
SHOWN = 8
SCOPE = qdq.Scope(heavy_only=True, float_products=True, weights_only=True)
"""Scope of the quantization: only layers that are faster in 8 bits; their results stay in float."""


class Params(similarity.SimilarityParams, qdq.RangeParams):
    """Parameters of mixed INT8: the ranges, the required similarity, and the time limit of the search."""

    method: Literal["best", "minmax", "percentile", "mse"] = Field(  # type: ignore[assignment]
        default="best",
        description="minmax: the full range of the examples. percentile: all but the largest values. mse: the range "
        "with the smallest squared error. best: whichever of these three changes answers least.",
    )
    max_kept: float = Field(
        title="Most kept in 32 bits",
        default=0.5,
        ge=0,
        le=0.95,
        description="Share of all multiplications that may keep 32 bits; beyond it little is gained.",
    )
    engine: engines.Engine = Field(
        default="onnxruntime-cpu", description="The engine whose results are compared with the original's."
    )
    max_s: float = Field(
        title="Most seconds", default=60, ge=5, le=3600, description="Seconds that the search may take."
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Quantize all layers; if that changes predictions, rank the layers by cost and keep the fewest in float."""
    source = need_onnx(model, TITLE)
    end_s = time.monotonic() + params.max_s
    learn, check = set_aside(ctx, params.examples, params.check_examples)
    with new_model(model, ID, params, ctx) as output:
        prepared, target = output.folder / "prepared.onnx", output.folder / MODEL_FILE
        large = qdq.prepare(source, prepared, TITLE, ctx)
        learning = derived(ctx, calibration=lambda limit=None: islice(learn, limit))
        with onnx_files.library_call(TITLE, ctx):
            reader = qdq.requests(model, learning, params.examples)
            histograms = qdq.collect(prepared, reader, SCOPE, large)
            held = similarity.hold(model, check, ctx)
            result, layers = _Search(model, params, ctx, output.folder, large, histograms, held).run(end_s)
        for name in ("prepared.onnx", "switches.onnx"):
            qdq.remove(output.folder / name)
        onnx_files.check_opens(target, TITLE)
        output.files = onnx_files.written(target)
        output.precision = "int8"
        output.notes = (*one_sided.notes(model, ctx), *_notes(result, layers, params))
        output.layers_kept = UnquantizedLayers(kept=len(result.kept), layers=layers)
    return output.artifact


class _Search:
    """Quantizes with different kept layers and compares predictions until they are similar enough."""

    def __init__(
        self,
        model: Model,
        params: Params,
        ctx: JobContext,
        folder: Path,
        large: bool,
        histograms: dict[str, Histogram],
        held: HeldOutExamples,
    ) -> None:
        self._model, self._params, self._ctx, self._held = model, params, ctx, held
        self._prepared, self._target, self._large = folder / "prepared.onnx", folder / MODEL_FILE, large
        self._histograms = histograms
        self._ranges: Any = None

    def run(self, end_s: float) -> tuple[sensitivity.SensitiveLayers, int]:
        """Return the search result and the number of layers; afterwards the target file holds that model.

        Raises:
            InputRefused: no allowed set of kept layers is enough.
        """
        params, ctx = self._params, self._ctx
        alike = self._choose_ranges()
        if params.enough(alike):
            self._quantize(())
            none = sensitivity.SensitiveLayers((), alike, 1)
            return none, len(switches.heavy_layers(onnx_files.load(self._prepared)))
        layers = sensitivity.rank(self._prepared, self._ranges, params, self._held, self._open_original, ctx)
        costs = {layer.name: float(f"{layer.cost:.4g}") for layer in layers}
        self._target.with_name(sensitivity.FILE).write_text(json.dumps(costs, sort_keys=True), encoding="utf-8")
        for layer in layers[:SHOWN]:
            ctx.log(
                f"{shown(layer.name)}: error of the answers {layer.cost:.2g}, share of the work {percent(layer.work)}"
            )
        most = sensitivity.most_unquantized(layers, params.max_kept)
        if most == 0:
            raise _refused(alike, layers, 0, params)
        names = [layer.name for layer in layers]
        chosen = sensitivity.fewest(names, most, self._evaluate, params.enough, lambda: time.monotonic() > end_s, ctx)
        if isinstance(chosen, Alike):
            raise _refused(chosen, layers, most, params)
        self._quantize(chosen.kept)
        return chosen, len(layers)

    def _choose_ranges(self) -> Alike:
        """Choose the ranges that change predictions least with all layers in 8 bits; return that similarity."""
        wanted = RANGES if self._params.method == "best" else (self._params.method,)
        tried: list[tuple[Alike, Any]] = []
        for number, method in enumerate(wanted):
            self._ctx.progress("Try ranges", number, len(wanted), "ranges")
            self._ranges = qdq.ranges_of({n: self._range(h, method) for n, h in self._histograms.items()})
            tried.append((self._evaluate(()), self._ranges))
            qdq.need_pairs(self._target)
        alike, self._ranges = max(tried, key=lambda pair: (pair[0].agreement or 0.0, pair[0].cosine))
        return alike

    def _range(self, histogram: Histogram, method: str) -> tuple[float, float]:
        if method == "mse":
            return histogram.least_error(self._params.symmetric)
        return histogram.whole() if method == "minmax" else histogram.without_rarest(self._params.percentile)

    def _evaluate(self, kept: Sequence[str]) -> Alike:
        self._ctx.check_cancelled()
        self._quantize(kept)
        self._ctx.check_cancelled()
        engine, threads = self._params.engine, self._ctx.threads
        with closing(engines.open_file(self._target, self._model, engine, threads)) as session:
            return self._held.judge(self._held.predict(session))

    def _open_original(self, path: Path) -> Any:
        return engines.open_file(path, self._model, "onnxruntime-cpu", self._ctx.threads)

    def _quantize(self, kept: Sequence[str]) -> None:
        qdq.remove(self._target)
        qdq.insert_pairs(self._prepared, self._target, self._ranges, self._params, SCOPE, self._large, kept)


def shown(name: str) -> str:
    """Return a layer's name in a form that fits into a sentence."""
    return name.strip("/").replace("/", ".").replace("\\", ".")[-60:]


def _refused(alike: Alike, layers: Sequence[sensitivity.Layer], kept: int, params: Params) -> InputRefused:
    if alike.agreement is None:
        detail = _("With {0} of {1} layers kept as they are, answers are alike to {2:.5f} and {3:g} is wanted.").format(
            kept, len(layers), alike.cosine, params.min_cosine
        )
    else:
        detail = _(
            "With {0} of {1} layers kept as they are, {2} of the answers are expected to stay and {3} are wanted."
        ).format(kept, len(layers), percent(alike.agreement), percent(params.min_agreement))
    hint = _("Use 16-bit numbers instead, or allow more layers to be kept or more answers to change.")
    hint = joined([*map(_, eight_bits.overflow_notes(reduce_range=params.reduce_range)), hint])
    return InputRefused("too_sensitive", "Too many layers are sensitive to 8 bits", detail, hint)


def _notes(result: sensitivity.SensitiveLayers, layers: int, params: Params) -> tuple[str, ...]:
    kept = [shown(name) for name in result.kept]
    if not kept:
        what = _("All {1} layers are in 8 bits.")
    elif len(kept) > SHOWN:
        what = _("{0} of {1} layers keep their numbers: {2} and {3} more.")
    else:
        what = _("{0} of {1} layers keep their numbers: {2}.")
    notes, alike = [what.format(len(kept), layers, ", ".join(kept[:SHOWN]), len(kept) - SHOWN)], result.alike
    if alike.seen is not None:
        agreed = _("On examples set aside for this check, the answers agree: {0} of {1}.")
        notes.append(agreed.format(percent(alike.seen), alike.n))
    else:
        agreed = _("On examples set aside for this check, the answers agree: a similarity of {0:.5f} over {1}.")
        notes.append(agreed.format(alike.cosine, alike.n))
    if result.stopped:
        notes.append(mark("The search reached its time limit; keeping fewer layers might suffice."))
    return (*notes, *eight_bits.overflow_notes(reduce_range=params.reduce_range))


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="8 bits where answers stay alike; the layers that would change them keep their numbers.",
    source="HAWQ: Hessian AWare Quantization of Neural Networks with Mixed-Precision, arXiv 1905.03696; here each "
    "layer's cost in answers is measured, and the number of layers kept is found by bisection",
    params=Params,
    apply=apply,
    needs_calibration=True,
    traits=("int8", "speed", "size", "batches"),
    order=57,
    explanation="Whole numbers change some answers. The layers that change most of them keep their fractions.",
    why_not=eight_bits.why_not,
    fit=eight_bits.fit,
    runtimes=("onnxruntime-cpu", "openvino", "onnxruntime-cuda"),
)
