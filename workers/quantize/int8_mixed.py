"""Quantize to INT8 with learned rounding, except layers that change the predictions most for the time they save."""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact
from workers.contracts.techniques import Model, TechniqueSpec
from workers.contracts.translation import _, joined, localized, mark
from workers.contracts.wording import in_ms, percent
from workers.convert.graphs import onnx_files
from workers.convert.inference import calibration, engines
from workers.convert.output import MODEL_FILE, need_onnx, new_model
from workers.convert.replica.torch_replica import threads
from workers.infer.base import Arrays
from workers.quantize import eight_bits, qdq, switches
from workers.quantize.calibrating import layer_times, one_sided, sensitivity, similarity
from workers.quantize.calibrating.similarity import Alike, HeldOutExamples
from workers.quantize.learning.layers import QuantizedGraph, keep, round_layers_only
from workers.quantize.learning.learner import Learner

ID = "int8_mixed"
TITLE = mark("INT8, sensitive layers kept")
SHOWN = 8
SCOPE = qdq.Scope(inputs_only=True)
"""Scope of the quantization: the inputs of layers, so that what each costs does not depend on the others."""

LEARNING_SHARE = 0.5
"""Share of the time for learning."""

FILE = "sensitivity.json"
"""File next to the model with all layers, the worst first, and the similarity with the first ones of them kept."""


class Params(similarity.SimilarityParams, qdq.RangeParams):
    """Parameters of mixed INT8: the ranges, the required similarity, and the time limit of the search."""

    method: Literal["best", "minmax", "percentile", "mse"] = Field(  # type: ignore[assignment]
        default="best",
        description="minmax: the full range of the examples. percentile: all but the largest values. mse: the range "
        "with the smallest squared error. best: the full range, or the part of it that changes the next layers least.",
    )
    max_kept: float = Field(
        title="Most time given up",
        default=0.75,
        ge=0,
        le=0.95,
        description="Share of the time saved by 8 bits that layers in 32 bits may give up; beyond it little is gained.",
    )
    engine: engines.Engine = Field(
        default="openvino", description="The engine in which layers are timed and results are compared."
    )
    max_s: float = Field(
        title="Most seconds", default=120, ge=1, le=7200, description="Seconds that learning and the search may take."
    )


def apply(model: Model, params: Params, ctx: JobContext) -> ModelArtifact:
    """Quantize all layers with learned rounding; if that changes predictions, keep the fewest of the worst layers."""
    source = need_onnx(model, TITLE)
    end_s = time.monotonic() + params.max_s
    reader = qdq.requests(model, ctx, params.examples)
    with threads(ctx.threads), new_model(model, ID, params, ctx) as output:
        target = output.folder / MODEL_FILE
        with qdq.prepared(source, output.folder, TITLE, ctx) as graph, onnx_files.library_call(TITLE, ctx):
            check = list(ctx.calibration(params.check_examples))
            search = _Search(model, params, ctx, graph, target, similarity.hold(model, check, ctx))
            search.learn(reader)
            result, layers = search.run(check[0], end_s)
        onnx_files.check_opens(target, TITLE)
        output.files = onnx_files.written(target)
        output.precision = "int8"
        output.notes = (*one_sided.notes(model, ctx), *_notes(result, layers, params), *filter(None, [search.tried()]))
    return output.artifact


class _Search:
    """Keeps different layers of one learned model and compares predictions until they are similar enough."""

    def __init__(
        self, model: Model, params: Params, ctx: JobContext, graph: qdq.Prepared, target: Path, held: HeldOutExamples
    ) -> None:
        self._model, self._params, self._ctx, self._held = model, params, ctx, held
        self._prepared, self._target, self._original = graph, target, onnx_files.load(graph.path)
        self._quantized: Any = None
        self._names: list[str] = []
        self._frontier: list[dict[str, float | None]] = []

    def learn(self, reader: qdq.Reader) -> None:
        """Put all layers into 8 bits, where only layers read rounded values, and learn their rounding."""
        params, model, target, ctx = self._params, self._model, self._target, self._ctx
        width = params if params.method != "best" else params.model_copy(update={"method": "minmax"})
        qdq.quantize(self._prepared, target, reader, width, SCOPE, ctx)
        proto = self._quantized = qdq.load_named(target)
        self._names = list(QuantizedGraph(proto).layers)
        round_layers_only(proto, self._names)
        keep(proto, self._original, {node.name for node in self._original.graph.node} - set(self._names))
        end_s = time.monotonic() + LEARNING_SHARE * params.max_s
        graph = QuantizedGraph(proto, with_sums=False)
        learner = Learner(self._original, graph, 63 if params.reduce_range else 127, ctx, end_s)
        total = len(reader)
        learner.run(lambda: calibration.requests(model, ctx, total), total, target.with_name("probe.onnx"))

    def run(self, feeds: Arrays, end_s: float) -> tuple[sensitivity.SensitiveLayers, int]:
        """Return the search result and the number of layers; afterwards the target file holds that model.

        Raises:
            InputRefused: no allowed set of kept layers is enough.
        """
        params, ctx = self._params, self._ctx
        alike = self._evaluate(())
        if params.enough(alike):
            return sensitivity.SensitiveLayers((), alike), len(self._names)
        layers = sensitivity.ranked(self._layers(feeds))
        for layer in layers[:SHOWN]:
            ctx.log(f"{shown(layer.name)}: error of the answers {layer.cost:.2g}, {layer.saved_ms:.3f} ms saved")
        most = sensitivity.most_unquantized(layers, params.max_kept)
        if most == 0:
            raise _refused(alike, layers, 0, params)
        names = [layer.name for layer in layers]
        chosen = sensitivity.fewest(names, most, self._evaluate, params.enough, lambda: time.monotonic() > end_s, ctx)
        if isinstance(chosen, Alike):
            raise _refused(chosen, layers, most, params)
        self._write(chosen.kept)
        self._record(layers)
        return chosen, len(layers)

    def tried(self) -> str:
        """Return in words how alike the answers are, and how long all layers take, for each number that was kept."""
        texts = []
        for row in sorted(self._frontier, key=lambda row: row["kept"] or 0):
            share, ms = row["agreement"], row.get("ms")
            if ms is not None:
                alike = localized(row["cosine"] or 0.0, ".5f") if share is None else percent(share)
                texts.append(joined([f"{row['kept']:.0f}: ", alike, ", ", in_ms(ms)], ""))
        tried = _("Tried (layers kept, how alike the answers are expected to be, time of all layers): {0}.")
        return tried.format(joined(texts, "; ")) if texts else ""

    def _layers(self, feeds: Arrays) -> list[sensitivity.Layer]:
        """Measure what each layer costs and saves; the target file holds all layers in 8 bits."""
        model, params, path = self._model, self._params, self._target.with_name("switches.onnx")
        nodes = [node for node in self._original.graph.node if node.name in self._names]
        settings = dict(model.artifact.settings)
        files = self._prepared.path, self._target
        self._ctx.progress(sensitivity.RANK, 0, len(self._names), "layers")
        before, after = layer_times.times_ms(files, params.engine, settings, feeds, nodes, self._ctx)
        proto = onnx_files.copied(self._quantized)
        switches.add_switches(proto, self._original, self._names)
        onnx_files.save(proto, path)
        session = engines.open_file(path, model, "onnxruntime-cpu", self._ctx.threads)
        costs = sensitivity.costs(self._names, session, self._held, self._ctx)
        onnx_files.remove(path)
        return [sensitivity.Layer(n, cost, before[n], after[n]) for n, cost in zip(self._names, costs, strict=True)]

    def _evaluate(self, kept: Sequence[str]) -> Alike:
        self._ctx.check_cancelled()
        self._write(kept)
        self._ctx.check_cancelled()
        engine, threads = self._params.engine, self._ctx.threads
        with closing(engines.open_file(self._target, self._model, engine, threads)) as session:
            alike = self._held.judge(self._held.predict(session))
        self._frontier.append({"kept": len(kept), "agreement": alike.agreement, "cosine": alike.cosine})
        return alike

    def _write(self, kept: Sequence[str]) -> None:
        onnx_files.remove(self._target)
        proto = onnx_files.copied(self._quantized)
        keep(proto, self._original, kept)
        onnx_files.save(proto, self._target)

    def _record(self, layers: Sequence[sensitivity.Layer]) -> None:
        """Write the layers in their order, and the similarity and their time with the first ones of them kept."""
        for row in self._frontier:
            kept = int(row["kept"] or 0)
            row["ms"] = sum(one.ms for one in layers[:kept]) + sum(one.ms_8 for one in layers[kept:])
        document = {"layers": [asdict(layer) for layer in layers], "frontier": self._frontier}
        self._target.with_name(FILE).write_text(json.dumps(document), encoding="utf-8")


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
        agreed = _("On the examples, the answers agree: {0} of {1}.")
        notes.append(agreed.format(percent(alike.seen), alike.n))
    else:
        agreed = _("On the examples, the answers agree: a similarity of {0:.5f} over {1}.")
        notes.append(agreed.format(alike.cosine, alike.n))
    if result.stopped:
        notes.append(mark("The search reached its time limit; keeping fewer layers might suffice."))
    return (*notes, *eight_bits.overflow_notes(reduce_range=params.reduce_range))


SPEC = TechniqueSpec(
    id=ID,
    title=TITLE,
    summary="8 bits where answers stay alike; the layers that would change them keep their numbers.",
    source="HAWQ: Hessian AWare Quantization of Neural Networks with Mixed-Precision, arXiv 1905.03696; here each "
    "layer's cost in answers and its time are measured, and the number of layers kept is found by bisection",
    params=Params,
    apply=apply,
    needs_calibration=True,
    traits=("int8", "speed", "size", "batches"),
    order=57,
    explanation="Whole numbers change some answers. The layers that change most of them keep their fractions.",
    why_not=eight_bits.why_not,
    fit=eight_bits.fit_in_time,
    requires=("onnx", "onnxruntime", "openvino", "torch"),
    runtimes=("onnxruntime-cpu", "openvino", "onnxruntime-cuda"),
)
