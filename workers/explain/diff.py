"""Run the job ``diff``: match the graphs of two models, and add errors, times, reasons and the picture."""

from pathlib import Path
from typing import Any

from workers.contracts.after.changes import DiffParams, DiffResult
from workers.contracts.base import RunParams
from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, joined, mark
from workers.explain.difference import difference
from workers.explain.errors import with_errors
from workers.explain.graph import ModelGraph
from workers.explain.graphs.reading import read_graph
from workers.explain.matching import match_graphs
from workers.explain.picture.levels import levels_of
from workers.explain.reasoning import facts_of, reasons
from workers.infer.base import Arrays
from workers.measure.requests import load_requests
from workers.tune.layers import profile_in_turns, target_of
from workers.tune.timing_runs import Target

MOST_ITEMS = 32
"""Most examples whose inner values are compared."""

STAGES = ("Match both graphs", "Compare inner values", "Time each layer")

BUSY = mark("Other programs kept the computer busy: times and reasons are less certain. Compare again when it is idle.")

Graphs = tuple[ModelGraph, ModelGraph]


def compare(params: DiffParams, ctx: JobContext) -> DiffResult:
    """Compare the graphs of two models, with examples also their inner values and the time of each operator.

    Raises:
        InputRefused: The graph of a model cannot be read.
    """
    first, second = params.first, params.second
    ctx.progress(STAGES[0], 0, 1)
    graphs = read_graph(Path(first.model_dir), first.runtime), read_graph(Path(second.model_dir), second.runtime)
    found = DiffResult(nodes=match_graphs(*graphs))
    if first.data_dir:
        ctx.progress(STAGES[1], 0, 1)
        found = with_errors(found.nodes, graphs, (first, second), MOST_ITEMS, ctx)
    precision = str(second.settings.get("inference_precision", ""))
    why = difference(found.nodes, found.first_different, precision)
    if first.data_dir and not params.brief:
        ctx.progress(STAGES[2], 0, 1)
        found = found.model_copy(update=_times(found, graphs, (first, second), ctx))
    more = {
        "difference": why,
        "notes": (*graphs[0].notes, *graphs[1].notes, *found.notes),
        "levels": () if params.brief else levels_of(found.nodes, *graphs, ctx),
    }
    return found.model_copy(update=more)


def _times(found: DiffResult, graphs: Graphs, sides: tuple[RunParams, RunParams], ctx: JobContext) -> dict[str, Any]:
    """Return the fields of times, from both models in turns; the rules know no engines on a card."""
    programs = [_program(side) for side in sides]
    try:
        profiles = profile_in_turns(programs, ctx)
    except InputRefused as error:
        return {"notes": (*found.notes, joined([_("The time of single operators is not known."), error.detail]))}
    facts = facts_of(found.nodes, graphs, profiles, (sides[0].runtime, sides[1].runtime))
    notes = (*found.notes, *((BUSY,) if facts.second.disturbed else ()))
    why = () if "tensorrt" in facts.runtimes else reasons(facts)
    return {"nodes": facts.nodes, "reasons": why, "notes": notes}


def _program(side: RunParams) -> tuple[Target, Arrays]:
    folder = Path(side.model_dir)
    feeds = load_requests(folder, Path(side.data_dir), limit=1).feed(0)
    return target_of(folder, side.runtime, side.settings), feeds
