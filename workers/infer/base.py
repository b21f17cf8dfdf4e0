"""What every runtime module holds. Standard library and numpy only: this folder is copied into bundles.

A runtime module (`workers/infer/<name>.py`) imports from here by a relative import, imports its library inside functions
only, and holds `RUNTIME = Runtime(...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


class Session(Protocol):
    """One loaded model. `run` takes and gives arrays under the model's own names, shapes and dtypes."""

    device_ran: str
    fallbacks: tuple[str, ...]

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Answers to one batch; the arrays belong to the caller."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class Availability:
    """Whether a runtime really works here; `hint` is the install line or the reason in plain words."""

    available: bool
    hint: str = ""


@dataclass(frozen=True)
class Runtime:
    """`load(path, settings, threads)` opens the artifact's main file. Unknown settings are an error (ValueError).

    `requirements` are the pip requirements that a bundle needs for it; `environment` variables must be set before the
    library is imported (its own telemetry off).
    """

    id: str
    title: str
    device: str
    formats: tuple[str, ...]
    requirements: tuple[str, ...]
    available: Callable[[], Availability]
    load: Callable[[Path, Mapping[str, Any], int], Session]
    environment: tuple[tuple[str, str], ...] = ()
    summary: str = ""
