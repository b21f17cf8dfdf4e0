"""Profile a model operator by operator with OpenVINO."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.infer.base import NotRunnable

MAX_S = 1.5
RUNS = 8


@dataclass(frozen=True)
class Timed:
    """One executed operator: `name` of the graph's node or tensor, `kind` as OpenVINO names it.

    `ms` is the fastest of a few runs, because other programs make an operator slower, never faster.
    """

    name: str
    kind: str
    ms: float


@dataclass(frozen=True)
class Profile:
    """All operators that took time in one request of `total_ms`."""

    operators: tuple[Timed, ...]

    @property
    def total_ms(self) -> float:
        """Return the sum of all operators' times."""
        return sum(operator.ms for operator in self.operators)

    def share(self, kinds: Collection[str], names: Collection[str] = ()) -> float:
        """Return the share of the time, 0..1, of operators of these types or with one of these names."""
        stems = {name.rsplit(":", 1)[0] for name in names} | set(names)
        taken = sum(op.ms for op in self.operators if op.kind in kinds or op.name.split("/WithoutBiases")[0] in stems)
        return taken / self.total_ms if self.total_ms else 0.0


def take_profile(
    path: Path, feeds: Mapping[str, NDArray[np.generic]], settings: Mapping[str, Any], threads: int
) -> Profile:
    """Run one request a few times with fixed sizes and return the fastest time of each operator.

    Raises:
        NotRunnable: OpenVINO cannot run the model.
    """
    from workers.infer.openvino_program import import_library, options_of, read_model

    core = import_library().Core()
    options, _ = options_of(core, settings, threads)
    names = {name: list(array.shape) for name, array in feeds.items()}
    try:
        compiled = core.compile_model(read_model(core, path, names), "CPU", {**options, "PERF_COUNT": True})
        request = compiled.create_infer_request()
        best: dict[tuple[str, str], float] = {}
        runs, end_s = 0, time.monotonic() + MAX_S
        request.infer(dict(feeds))
        while runs < RUNS and (runs == 0 or time.monotonic() < end_s):
            request.infer(dict(feeds))
            runs += 1
            for entry in request.profiling_info:
                key, ms = (entry.node_name, entry.node_type), entry.real_time.total_seconds() * 1000
                best[key] = min(ms, best.get(key, ms))
    except RuntimeError as error:
        raise NotRunnable(error) from error
    operators = (Timed(name, kind, ms) for (name, kind), ms in best.items() if ms > 0)
    return Profile(tuple(sorted(operators, key=lambda operator: -operator.ms)))
