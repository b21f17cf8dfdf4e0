"""Round the weights of a language model part by part, so that only one layer at a time is in memory.

NNCF compiles the model that it learns from. For the whole model it holds all weights a second time, and the inputs of
each layer. From one part, fed with its inputs in the whole model, it learns the same: which weights matter, and how
sensitive a layer is. AWQ (arXiv 2306.00978) and scale estimation use the values of the original, GPTQ (arXiv
2210.17323) those of the rounded layers. Finished parts are stored in files, so that interrupted work continues with the
next part.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from workers.contracts.process.context import JobContext
from workers.contracts.translation import mark
from workers.quantize.weights.graph_parts import (
    Crossing,
    Graph,
    GraphPart,
    beginnings,
    ends_of,
    input_names,
    joined,
    taken_out,
)
from workers.quantize.weights.mapped_weights import give_back_freed
from workers.quantize.weights.sensitive_parts import least_sensitive, scores_of


class Activations:
    """Values between parts; `folder` has one folder per value, with one file for each of `count` examples."""

    def __init__(self, folder: Path, count: int) -> None:
        """Use `folder` for the values of `count` examples."""
        self._folder, self.count = folder, count

    def save(self, crossing: Crossing, example: int, value: Any) -> None:
        """Save one value of one example, replacing an existing one."""
        place = self._place(crossing)
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / f"{example}.npy", np.asarray(value), allow_pickle=False)

    def feeds(self, part: GraphPart, example: int) -> dict[str, Any]:
        """Return the inputs of a part for one example, by the names of its parameters."""
        return {
            name: np.load(self._place(crossing) / f"{example}.npy", allow_pickle=False)
            for crossing, name in input_names(part).items()
        }

    def drop_but(self, needed: Iterable[Crossing]) -> None:
        """Delete all values that no later part reads."""
        places = {self._place(crossing) for crossing in needed}
        for place in list(self._folder.iterdir()):
            if place not in places:
                shutil.rmtree(place)

    def _place(self, crossing: Crossing) -> Path:
        name, number = crossing
        return self._folder / f"{quote(name, safe='')}.{number}"


LOOKING, ROUNDING, JOINING = (
    mark("Finding sensitive layers"),
    mark("Rounding weights, layer by layer"),
    mark("Putting layers together"),
)
ROUNDING_ENDS = mark("Rounding the table of words")
DONE, ENDS = "done.json", "ends.xml"
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}

Treat = Callable[[int, GraphPart, Any, "Examples"], Any]
"""Processes a part's own model with its examples, saves the result, and returns the model that feeds the next part."""


@dataclass(frozen=True)
class Rounding:
    """Settings of the rounding of weights.

    `arguments` are those of `nncf.compress_weights` except the examples. `share` of the weights gets few bits, the rest
    8. With `follows_rounded`, the rounded layers feed the next part (GPTQ).
    """

    arguments: Mapping[str, Any]
    share: float
    follows_rounded: bool


class Examples:
    """Inputs of one part, which NNCF iterates several times, each time from the start."""

    def __init__(self, ctx: JobContext, activations: Activations, part: GraphPart) -> None:
        """Read the inputs of `part` from `activations`."""
        self._ctx, self._activations, self._part = ctx, activations, part
        self.count = activations.count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the part's inputs of each example."""
        for example in range(self.count):
            self._ctx.check_cancelled()
            yield self._activations.feeds(self._part, example)


class PartByPart:
    """The work on one model; `folder` stores finished parts."""

    def __init__(
        self, library: Any, graph: Graph, parts: Sequence[GraphPart], given: Sequence[Mapping[str, Any]], folder: Path
    ) -> None:
        """Prepare the work.

        Args:
            library: the imported `openvino`.
            graph: the whole graph.
            parts: its parts in order.
            given: the model's own inputs for each example.
            folder: the folder of finished parts.
        """
        self._library, self._graph, self._parts, self._given, self._folder = library, graph, parts, given, folder
        self._core = library.Core()
        self._last = max(number for number, part in enumerate(parts) if part.products)

    def run(self, rounding: Rounding, ctx: JobContext) -> Any:
        """Return the whole model with fewer bits per weight.

        Raises:
            JobCancelled: the job was cancelled; finished parts stay in the folder.
        """
        self._round_ends(ctx)
        in_8_bits = self._sensitive(rounding, ctx) if rounding.share < 1 else set()

        def treat(number: int, part: GraphPart, model: Any, examples: Examples) -> Any:
            rounded = _rounded(model, part, in_8_bits, examples, rounding)
            self._save(rounded, self._file(number))
            return rounded if rounding.follows_rounded else taken_out(self._library, self._graph, part)

        self._walk(self._folder / "rounded", ROUNDING, ctx, treat)
        ctx.progress(JOINING, 0, 1)
        self._put_ends_in()
        rounded = {number: part for number, part in enumerate(self._parts) if part.products}
        made = {number: self._core.read_model(str(self._file(number))) for number in rounded}
        whole = joined(self._library, self._graph, rounded, made)
        ctx.progress(JOINING, 1, 1)
        return whole

    def _sensitive(self, rounding: Rounding, ctx: JobContext) -> set[str]:
        """Return the names of the products that get 8 bits: all except the least sensitive ones of all layers."""
        folder = self._folder / "looked"
        metric = rounding.arguments["sensitivity_metric"]

        def treat(number: int, part: GraphPart, model: Any, examples: Examples) -> Any:
            scores = scores_of(model, part, metric, examples)
            _write(folder / f"scores_{number}.json", scores)
            return model

        self._walk(folder, LOOKING, ctx, treat)
        files = [folder / f"scores_{number}.json" for number, part in enumerate(self._parts) if part.products]
        scores = [tuple(row) for file in files for row in json.loads(file.read_text(encoding="utf-8"))]
        return {name for name, _, _ in scores} - least_sensitive(scores, rounding.share)

    def _walk(self, folder: Path, title: str, ctx: JobContext, treat: Treat) -> None:
        """Run all examples through one part after the other, starting with the first unfinished part."""
        folder.mkdir(parents=True, exist_ok=True)
        begun = folder / DONE
        activations = Activations(folder / "activations", len(self._given))
        if not begun.exists():
            for example, given in enumerate(self._values(ctx)):
                for crossing, value in given.items():
                    activations.save(crossing, example, value)
            _write(begun, 0)
        done, total = json.loads(begun.read_text(encoding="utf-8")), sum(part.weights for part in self._parts)
        for number in range(done, self._last + 1):
            ctx.check_cancelled()
            ctx.progress(title, sum(earlier.weights for earlier in self._parts[:number]), total, "weights")
            self._step(number, activations, ctx, treat)
            _write(begun, number + 1)
            activations.drop_but(self._needed_from(number + 1))
            give_back_freed()
        ctx.progress(title, total, total, "weights")

    def _step(self, number: int, activations: Activations, ctx: JobContext, treat: Treat) -> None:
        part = self._parts[number]
        examples = Examples(ctx, activations, part)
        model = taken_out(self._library, self._graph, part)
        if part.products:
            model = treat(number, part, model, examples)
        needed = self._needed_from(number + 1).intersection(part.gives)
        if not needed:
            return
        request = self._core.compile_model(model, "CPU", EXACT).create_infer_request()
        for example, feeds in enumerate(examples):
            given = request.infer(feeds)
            for place, crossing in enumerate(part.gives):
                if crossing in needed:
                    activations.save(crossing, example, given[place])

    def _needed_from(self, number: int) -> set[Crossing]:
        return {crossing for part in self._parts[number : self._last + 1] for crossing in part.takes}

    def _values(self, ctx: JobContext) -> Iterator[dict[Crossing, Any]]:
        """Yield the graph's inputs and initial caches for each example."""
        names, model = beginnings(self._library, self._graph)
        needed = self._needed_from(0)
        inputs = {crossing[0]: crossing for crossing in needed}
        request = self._core.compile_model(model, "CPU", EXACT).create_infer_request()
        for feeds in self._given:
            ctx.check_cancelled()
            outputs = request.infer(dict(feeds))
            values = {crossing: outputs[place] for place, crossing in enumerate(names) if crossing in needed}
            for parameter in self._graph.model.get_parameters():
                if (name := parameter.get_friendly_name()) in inputs:
                    called = parameter.output(0).get_names()
                    values[inputs[name]] = next(feeds[one] for one in feeds if one in called)
            yield values

    def _file(self, number: int) -> Path:
        return self._folder / "rounded" / f"part_{number}.xml"

    def _save(self, model: Any, file: Path) -> None:
        """Save a model; the file that refers to the other one is written last."""
        hidden = file.with_name(f"part-of-{file.name}")
        self._library.save_model(model, str(hidden), compress_to_fp16=False)
        hidden.with_suffix(".bin").replace(file.with_suffix(".bin"))
        hidden.replace(file)

    @property
    def _ends(self) -> list[tuple[str, int]]:
        """Return embedding tables and the head, each with the input that holds its weights."""
        names = [name for part in self._parts for name in part.kept]
        return [(name, port) for name in names for port in self._graph.weight_ports(self._graph.by_name[name])]

    def _round_ends(self, ctx: JobContext) -> None:
        """Round embedding tables and head to 8 bits with NNCF into a separate file, before other parts use memory."""
        import nncf

        file = self._folder / ENDS
        if file.exists():
            return
        ctx.check_cancelled()
        ctx.progress(ROUNDING_ENDS, 0, 1)
        model = taken_out(self._library, self._graph, ends_of(self._graph, self._parts))
        nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
        by_name = {op.get_friendly_name(): op for op in model.get_ops()}
        results = [self._library.opset15.result(by_name[name].input_value(port)) for name, port in self._ends]
        self._save(self._library.Model(results, [], "ends"), file)
        del model, by_name, results
        give_back_freed()
        ctx.progress(ROUNDING_ENDS, 1, 1)

    def _put_ends_in(self) -> None:
        results = self._core.read_model(str(self._folder / ENDS)).get_results()
        for (name, port), result in zip(self._ends, results, strict=True):
            self._graph.by_name[name].input(port).replace_source_output(result.input_value(0))


def _rounded(model: Any, part: GraphPart, in_8_bits: set[str], examples: Examples, rounding: Rounding) -> Any:
    """Round these products to 8 bits and the others to few; embedding tables and the head stay unchanged."""
    import nncf

    others = sorted(in_8_bits & part.nodes)
    if len(others) < len(part.products):
        scope = nncf.IgnoredScope(names=[*part.kept, *others])
        arguments = {name: value for name, value in rounding.arguments.items() if name != "sensitivity_metric"}
        model = nncf.compress_weights(
            model,
            dataset=nncf.Dataset(examples),
            subset_size=examples.count,
            all_layers=True,
            ignored_scope=scope,
            **arguments,
        )
    if others:
        scope = nncf.IgnoredScope(names=list(part.kept))
        model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM, ignored_scope=scope)
    return model


def _write(path: Path, value: Any) -> None:
    """Write a JSON file atomically."""
    hidden = path.with_suffix(".part")
    hidden.write_text(json.dumps(value), encoding="utf-8")
    hidden.replace(path)
