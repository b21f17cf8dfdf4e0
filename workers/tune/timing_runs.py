"""Times of layers over several turns of one program, as all engines report them."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any

from workers.contracts.after.changes import Layer
from workers.contracts.process.context import JobContext

MAX_S, RUNS, MOST_RUNS = 2.0, 9, 50
PRECISIONS = {"float": "f32", "float16": "f16", "bfloat16": "bf16", "fp32": "f32", "fp16": "f16"}
PRECISIONS |= dict.fromkeys(("uint8", "int8", "i8", "u8"), "int8")


@dataclass(frozen=True)
class Target:
    """The one program that is profiled."""

    path: Path
    runtime: str
    settings: dict[str, Any]
    part: str = ""


MOST_DELAYED, LEAST_CALM = 1.3, 4
"""A delayed turn takes more times its lower quartile; least number of other turns that say something."""


@dataclass(frozen=True)
class Profile:
    """What an engine reports about some runs of one program on one request.

    Attributes:
        layers: Layers that took time, in the order of execution, each with the lower quartile of its times.
        turns_ms: Milliseconds by layer's name in each turn.
        request_ms: Milliseconds of a whole run in each turn.
        outside_ms: Milliseconds of a run outside of its layers in each turn.
        free_sizes: Whether the program takes inputs of other sizes as well.
        disturbed: Whether other programs kept the computer busy, so that time outside of layers says nothing.
        threads: Number of threads that it may use.
    """

    layers: tuple[Layer, ...]
    turns_ms: tuple[dict[str, float], ...] = ()
    request_ms: tuple[float, ...] = ()
    outside_ms: tuple[float, ...] = ()
    free_sizes: bool = False
    disturbed: bool = False
    threads: int = 1


class Profiler(ABC):
    """One program, opened with its engine's profiler, and times by layer of several turns of it.

    `free_sizes` is whether it takes inputs of other sizes as well, `size` about how many layers it has.
    """

    free_sizes = False
    size = 0
    threads = 1

    def __init__(self) -> None:
        """Create a profiler that has measured no turn yet."""
        self._known: dict[str, Layer] = {}
        self._turns: list[tuple[dict[str, float], float, float]] = []

    @abstractmethod
    def run(self, times: int = 1) -> None:
        """Run the request `times` times, as one turn."""

    @abstractmethod
    def close(self) -> Profile:
        """Return what was measured since it was opened, and release the program."""

    def add(
        self, runs: Sequence[Sequence[Layer]], request_ms: Sequence[float] = (), profiled_ms: Sequence[float] = ()
    ) -> None:
        """Add one turn with the layers of runs, the times of runs without a profiler if known, and those with it.

        What is outside of the layers is at most the difference of the fastest times, which other programs enlarge, and
        at most that of a single run with its own layers, which the profiler enlarges.
        In a run, times of a layer in a loop add up. The fastest time of each layer in a turn counts, because other
        programs make a layer slower, never faster.
        """
        best: dict[str, float] = {}
        for layers in runs:
            spent: dict[str, float] = {}
            for layer in layers:
                self._known.setdefault(layer.name, layer)
                spent[layer.name] = spent.get(layer.name, 0.0) + layer.ms
            best |= {name: min(ms, best.get(name, ms)) for name, ms in spent.items()}
        inside_ms = sum(best.values())
        whole_ms = min(request_ms, default=inside_ms)
        own_ms = (sum(layer.ms for layer in layers) for layers in runs)
        within = (whole - own for whole, own in zip(profiled_ms, own_ms, strict=False))
        self._turns.append((best, whole_ms, max(0.0, min([whole_ms - inside_ms, *within]))))

    def profile(self, about: Mapping[str, Mapping[str, Any]]) -> Profile:
        """Return the profile; `about` has further facts by layer's name.

        The lower quartile of a layer's times is its time, because a single one may be too low by the clock's precision.
        """
        turns_ms, request_ms, outside_ms = zip(*self._turns, strict=True)
        times = {name: sorted(turn[name] for turn in turns_ms if name in turn) for name in self._known}
        best = {name: own[len(own) // 4] for name, own in times.items()}
        layers = tuple(
            layer.model_copy(update={"ms": best[name], **about.get(name, {})})
            for name, layer in self._known.items()
            if best[name] > 0
        )
        return Profile(layers, turns_ms, request_ms, outside_ms, self.free_sizes, threads=self.threads)


def calm(profiles: Sequence[Profile]) -> list[Profile]:
    """Return the profiles with the times of whole requests from turns in which no program was delayed.

    A request of several threads takes whole time slices longer where one of them has to wait for a core. If fewer than
    `LEAST_CALM` turns are left, no times of whole requests are.
    """
    limits = [MOST_DELAYED * sorted(one.request_ms)[len(one.request_ms) // 4] for one in profiles]
    turns_ms = zip(*(one.request_ms for one in profiles), strict=True)
    kept = [all(ms <= limit for ms, limit in zip(times, limits, strict=True)) for times in turns_ms]
    kept = kept if sum(kept) >= LEAST_CALM else []
    return [
        replace(one, request_ms=tuple(compress(one.request_ms, kept)), outside_ms=tuple(compress(one.outside_ms, kept)))
        for one in profiles
    ]


def timed(run: Callable[[], object]) -> float:
    """Run something and return the milliseconds that it took."""
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000


def turns(ctx: JobContext, at_least: int = 1, max_s: float = MAX_S) -> Iterator[int]:
    """Yield the numbers of the runs that time allows: at least `at_least`, at most nine."""
    end_s = time.monotonic() + max_s
    for number in range(RUNS):
        ctx.check_cancelled()
        if number >= at_least and time.monotonic() > end_s:
            return
        yield number
