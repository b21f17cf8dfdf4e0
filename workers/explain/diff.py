"""Run the job ``diff``: match the graphs of two models, and add errors, times, reasons and the picture."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.contracts.after.changes import ChangedNode, DiffParams, DiffResult, Layer, Reason
from workers.contracts.base import RunParams
from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.explain.difference import difference
from workers.explain.errors import Errors, with_errors
from workers.explain.graph import ModelGraph
from workers.explain.graphs.reading import read_graph
from workers.explain.matching import match_graphs
from workers.explain.picture.levels import levels_of
from workers.explain.reasoning import facts_of, reasons
from workers.explain.times import with_times
from workers.infer.base import Arrays
from workers.measure.requests import load_requests
from workers.tune.layers import layers_of, profile_in_turns, target_of
from workers.tune.timing_runs import Target

STAGES = ("Match both graphs", "Compare inner values", "Time each layer")

BUSY = "Other programs kept the computer busy: times and reasons are less certain. Compare again when it is idle."

Graphs = tuple[ModelGraph, ModelGraph]


def compare(params: DiffParams, ctx: JobContext) -> DiffResult:
    """Compare the graphs of two models, with examples also their inner values and the time of each operator.

    Raises:
        InputRefused: The graph of a model cannot be read.
    """
    first, second = params.first, params.second
    ctx.progress(STAGES[0], 0, 1)
    graphs = read_graph(Path(first.model_dir), first.runtime), read_graph(Path(second.model_dir), second.runtime)
    errors = Errors(match_graphs(*graphs))
    times = Times(errors.nodes)
    if first.data_dir:
        ctx.progress(STAGES[1], 0, 1)
        errors = with_errors(errors.nodes, *graphs, first, second, params.max_items, ctx)
        times = Times(errors.nodes)
    if first.data_dir and params.timed:
        ctx.progress(STAGES[2], 0, 1)
        times = _timed(errors.nodes, graphs, (first, second), ctx)
    precision = str(second.settings.get("inference_precision", ""))
    return DiffResult(
        counts=dict(Counter(node.status for node in times.nodes)),
        nodes=times.nodes,
        reasons=times.reasons,
        first_different=errors.first_different,
        difference=difference(errors.nodes, errors.first_different, precision),
        total_ms_a=times.totals_ms[0],
        total_ms_b=times.totals_ms[1],
        n_items=errors.n_items,
        notes=(*graphs[0].notes, *graphs[1].notes, *errors.notes, *times.notes),
        levels=levels_of(times.nodes, *graphs, ctx) if params.draw else (),
    )


@dataclass(frozen=True)
class Times:
    """Operators with their times, the milliseconds of all layers of both models, and reasons for the difference."""

    nodes: tuple[ChangedNode, ...]
    totals_ms: tuple[float | None, float | None] = (None, None)
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()


def _timed(
    nodes: tuple[ChangedNode, ...], graphs: Graphs, sides: tuple[RunParams, RunParams], ctx: JobContext
) -> Times:
    """Return the times of both models in turns; engines that cannot take turns give times without reasons."""
    programs = [_program(side) for side in sides]
    try:
        if any(side.runtime == "tensorrt" for side in sides):
            first, second = (layers_of(*program, ctx) for program in programs)
            return Times(with_times(nodes, *graphs, first, second), (_total_ms(first), _total_ms(second)))
        profiles = profile_in_turns(programs, ctx)
    except InputRefused as error:
        return Times(nodes, notes=(f"The time of single operators is not known: {error.detail}",))
    facts = facts_of(nodes, graphs, profiles, (sides[0].runtime, sides[1].runtime))
    totals_ms = _total_ms(facts.first.layers), _total_ms(facts.second.layers)
    return Times(facts.nodes, totals_ms, reasons(facts), (BUSY,) if facts.second.disturbed else ())


def _total_ms(layers: Sequence[Layer]) -> float:
    return sum(layer.ms for layer in layers)


def _program(side: RunParams) -> tuple[Target, Arrays]:
    folder = Path(side.model_dir)
    feeds = load_requests(folder, Path(side.data_dir), limit=1).feed(0)
    return target_of(folder, side.runtime, side.settings), feeds
