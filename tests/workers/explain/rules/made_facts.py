"""Made facts about two models: layers with times, without running anything."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from graphs_by_name import by_name

from workers.contracts.after.changes import Layer
from workers.explain.graph import ModelGraph, Node
from workers.explain.reasoning import facts_of
from workers.explain.speed import SpeedFacts
from workers.tune.timing_runs import Profile

JITTER = (0.0, 0.01, -0.01, 0.02, -0.02, 0.005, -0.005, 0.015, -0.015)
"""Relative differences of a layer's time between turns."""


def layer(name: str, kind: str, ms: float, precision: str = "f32", **more) -> Layer:
    return Layer(name=name, kind=kind, ms=ms, precision=precision, **{"kernel": kind, **more})


@dataclass
class Model:
    """One made model: its operators as (name, kind), one after the other, and the layers that its engine runs."""

    operators: Sequence[tuple[str, str]]
    layers: Sequence[Layer]
    threads: int = 1
    free_sizes: bool = False
    outside_ms: float = 0.01
    jitter: Sequence[float] = JITTER
    runtime: str = "onnxruntime-cpu"
    replaced: frozenset[str] = field(default_factory=frozenset)

    @property
    def graph(self) -> ModelGraph:
        values = ["x", *(f"{name}_value" for name, _ in self.operators)]
        nodes = [Node(name, op, (values[n],), (values[n + 1],)) for n, (name, op) in enumerate(self.operators)]
        return ModelGraph(tuple(nodes), ("x",), (values[-1],))

    @property
    def profile(self) -> Profile:
        turns = tuple({one.name: one.ms * (1 + part) for one in self.layers} for part in self.jitter)
        outside = tuple(self.outside_ms * (1 + part) for part in self.jitter)
        request = tuple(sum(turn.values()) + out for turn, out in zip(turns, outside, strict=True))
        return Profile(tuple(self.layers), turns, request, outside, self.free_sizes, threads=self.threads)


def facts(first: Model, second: Model, fixed: Model | None = None, **more) -> SpeedFacts:
    """Return the facts about two made models whose operators match by name."""
    profiles = first.profile, second.profile, fixed.profile if fixed else None
    known = facts_of(
        by_name(first.graph, second.graph), (first.graph, second.graph), profiles, (first.runtime, second.runtime)
    )
    return replace(known, **{"fast": frozenset({"fp32", "bf16", "int8"}), **more})
