"""Run the job ``diff``: match the graphs of two models, and add errors, times, reasons and the picture."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from workers.contracts.after.changes import ChangedNode, DiffParams, DiffResult
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
from workers.explain.speed import SpeedFacts
from workers.infer.base import Arrays
from workers.measure.requests import load_requests
from workers.tune.layers import profile_in_turns, target_of
from workers.tune.timing_runs import Profile, Target

STAGES = ("Match both graphs", "Compare inner values", "Time each layer")

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
    speed, notes = None, [note for graph in graphs for note in graph.notes]
    if first.data_dir:
        ctx.progress(STAGES[1], 0, 1)
        errors = with_errors(errors.nodes, *graphs, first, second, params.max_items, ctx)
        notes += errors.notes
    if first.data_dir and params.timed:
        ctx.progress(STAGES[2], 0, 1)
        speed, problem = _speed(errors.nodes, graphs, (first, second), ctx)
        notes += problem
    precision = str(second.settings.get("inference_precision", ""))
    nodes = errors.nodes if speed is None else speed.nodes
    profiles = (None, None) if speed is None else (speed.first, speed.second)
    totals = [None if one is None else sum(layer.ms for layer in one.layers) for one in profiles]
    return DiffResult(
        counts=dict(Counter(node.status for node in nodes)),
        nodes=nodes,
        reasons=() if speed is None else reasons(speed),
        first_different=errors.first_different,
        difference=difference(errors.nodes, errors.first_different, precision),
        total_ms_a=totals[0],
        total_ms_b=totals[1],
        n_items=errors.n_items,
        notes=tuple(notes),
        levels=levels_of(nodes, *graphs, ctx) if params.draw else (),
    )


def _speed(
    nodes: Sequence[ChangedNode], graphs: Graphs, sides: tuple[RunParams, RunParams], ctx: JobContext
) -> tuple[SpeedFacts | None, tuple[str, ...]]:
    """Return the times of both models; None and the reason if an engine does not report them."""
    try:
        profiles = profile_in_turns([_program(side) for side in sides], ctx)
    except InputRefused as error:
        return None, (f"The time of single operators is not known: {error.detail}",)
    return facts_of(nodes, graphs, profiles, (sides[0].runtime, sides[1].runtime)), ()


def _total_ms(profile: Profile) -> float:
    return sum(layer.ms for layer in profile.layers)


def _program(side: RunParams) -> tuple[Target, Arrays]:
    folder = Path(side.model_dir)
    feeds = load_requests(folder, Path(side.data_dir), limit=1).feed(0)
    return target_of(folder, side.runtime, side.settings), feeds
