"""Measure how long each layer takes in two forms of one model, in turns."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from workers.contracts.process.context import JobContext
from workers.infer.base import Arrays
from workers.tune.layers import profile_in_turns
from workers.tune.openvino_layers import stem_of
from workers.tune.timing_runs import Profile, Target


def times_ms(
    files: tuple[Path, Path],
    runtime: str,
    settings: dict[str, Any],
    feeds: Arrays,
    nodes: Collection[Any],
    ctx: JobContext,
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the milliseconds of each of these operators in both files, by its name.

    The time of a layer that computes several operators counts for the first of them in `nodes`.

    Raises:
        InputRefused: the engine has no profiler, or cannot run a file with it.
    """
    programs = [(Target(file, runtime, settings), feeds) for file in files]
    first, second, _ = profile_in_turns(programs, ctx)
    return _by_operator(first, nodes), _by_operator(second, nodes)


def _by_operator(profile: Profile, nodes: Collection[Any]) -> dict[str, float]:
    names = {output: node.name for node in nodes for output in (node.name, *node.output)}
    spent = {node.name: 0.0 for node in nodes}
    for layer in profile.layers:
        origins = (names.get(one, names.get(stem_of(one))) for one in (*layer.origins, layer.name))
        if (name := next(filter(None, origins), None)) is not None:
            spent[name] += layer.ms
    return spent
