"""What every runtime module holds. Standard library and numpy only: this folder is copied into bundles.

A runtime module (`workers/infer/<name>.py`) imports from here by a relative import, imports its library
inside functions only, and holds `RUNTIME = Runtime(...)`.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

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
class CardSpans:
    """One request on a card, in milliseconds: copying inputs there, computing, and copying answers back by the card's
    own clock; `enqueue_ms` is the processor's time to hand the computing over."""

    to_card_ms: float
    compute_ms: float
    to_host_ms: float
    enqueue_ms: float


@runtime_checkable
class OnCard(Protocol):
    """A session that works on a card, and can tell where the time of a request goes."""

    def card_spans(self, feeds: Mapping[str, NDArray[np.generic]]) -> tuple[CardSpans, Arrays]:
        """Run one request and wait for it: where its time went, and its answers. Raises what `run` raises."""


@dataclass(frozen=True)
class Availability:
    """Whether a runtime works on this computer. `hint` is the reason why not, or the command that installs what is
    missing; `installs` then names the installer's set that holds it ("base": part of every installation)."""

    available: bool
    hint: str = ""
    installs: Literal["", "base", "rtx", "cuda"] = ""


@dataclass(frozen=True)
class Wanted:
    """One recipe for one model, as a runtime judges it before anything is made.

    `settings` are the recipe's, `steps` the ids of its techniques. The model may have a torch program beside it
    (`has_torch`), inputs of open sizes, a state that is carried from request to request, branches (an If), and inputs
    that always have one value (`constants`). `fast` are the kinds of numbers that this processor has instructions for.
    `time_budget_s` is the whole run's, None without an end.
    """

    settings: Mapping[str, Any]
    steps: tuple[str, ...]
    has_torch: bool
    free_sizes: bool
    stateful: bool
    branches: bool
    constants: tuple[str, ...]
    fast: frozenset[str]
    time_budget_s: float | None


@dataclass(frozen=True)
class Refusal:
    """Why a runtime is not tried for a recipe: `code` for programs, `text` one sentence for people."""

    code: str
    text: str


@dataclass(frozen=True)
class Trial:
    """What is tried wherever a runtime works, whatever the goal: `steps` are ids of techniques, `settings` the
    runtime's own."""

    id: str
    title: str
    why: str = ""
    steps: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def nothing_against(wanted: Wanted) -> Refusal | None:
    """It may pay everywhere."""
    return None


def nothing_needed(wanted: Wanted) -> tuple[str, ...]:
    """The model is taken as it is."""
    return ()


@dataclass(frozen=True)
class Runtime:
    """`load(path, settings, threads)` opens the artifact's main file.

    It raises `NotRunnable` with the library's own reason, and ValueError for settings that it does not know.
    `requirements` are the pip requirements that a bundle needs for it; `environment` variables must be set
    before the library is imported (its own telemetry off). `modules` names the sibling modules that it
    imports (a bundle copies them along).

    What the planner asks: `family` is the library (presets name it), `torch_program` whether it runs the torch program
    beside a model and not the model itself. `trials` are tried before a preset's recipes, wherever it works.
    `one_core` says that tiny models are tried on one core as well; `usual` are the settings that hold unless others are
    given. `why_not(wanted)` says why it cannot pay, `needs(wanted)` names techniques that have to go first.
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
    modules: tuple[str, ...] = ()
    family: str = ""
    torch_program: bool = False
    trials: tuple[Trial, ...] = ()
    one_core: bool = False
    usual: Mapping[str, Any] = field(default_factory=dict)
    why_not: Callable[[Wanted], Refusal | None] = nothing_against
    needs: Callable[[Wanted], tuple[str, ...]] = nothing_needed


class NotRunnable(RuntimeError):
    """The library refused the model; `str(error)` is its own reason, shortened to one line."""

    def __init__(self, error: BaseException) -> None:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        super().__init__(" ".join(lines)[-400:] or type(error).__name__)


class UnsafeProgram(NotRunnable):
    """A torch program that holds more than `torch.export.save` writes; nothing of it was run."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(ValueError(f"{name} was not opened: {reason}. Nothing in it was run."))


def check_settings(settings: Mapping[str, Any], known: Mapping[str, tuple[type, ...]]) -> None:
    """Raise ValueError for a setting that the runtime does not know, or that has the wrong type."""
    for name, value in settings.items():
        if name not in known:
            raise ValueError(f"unknown setting {name!r}; known are {', '.join(sorted(known))}")
        if not isinstance(value, known[name]):
            raise ValueError(f"setting {name!r} cannot be {value!r}")


def split_batch(feeds: Mapping[str, NDArray[np.generic]], batched: frozenset[str]) -> list[Arrays]:
    """One dict for each index of axis 0; only inputs named in `batched` are cut, the others go along whole.

    Empty where no input is `batched` or their sizes differ.
    """
    sizes = {feeds[name].shape[0] for name in batched if name in feeds}
    if len(sizes) != 1:
        return []
    return [
        {name: array[i : i + 1] if name in batched else array for name, array in feeds.items()}
        for i in range(sizes.pop())
    ]


def join_batch(parts: list[Arrays]) -> Arrays:
    """The answers of `split_batch`'s parts, joined along axis 0 (scalars are those of the last part)."""
    return {
        name: np.concatenate([part[name] for part in parts]) if parts[-1][name].ndim else parts[-1][name]
        for name in parts[-1]
    }


def without_constants(feeds: Mapping[str, NDArray[np.generic]], constants: Mapping[str, Any]) -> Arrays:
    """`feeds` less the inputs that were built into the model with one value. Raises ValueError for another value."""
    for name, value in constants.items():
        array = feeds.get(name)
        if array is not None and not (array.item() == value if array.size == 1 else (array == value).all()):
            raise ValueError(f"this variant was made for {name} = {value} and takes no other value")
    return {name: array for name, array in feeds.items() if name not in constants}


def fixed_at_one(
    feeds: Mapping[str, NDArray[np.generic]], shapes: Mapping[str, tuple[int | None, ...]]
) -> frozenset[str]:
    """Inputs that the model takes one at a time (axis 0 is fixed at 1) and that `feeds` holds more of."""
    return frozenset(
        name for name, array in feeds.items() if array.ndim and array.shape[0] > 1 and shapes.get(name, ())[:1] == (1,)
    )


DEVICE_VARIABLE = "FETTLE_DEVICE"
"""What the one GPU that a process sees is called among all of the computer, e.g. "cuda:1"."""


def gpu_name() -> str:
    """The GPU that this process's device 0 is, as people name it."""
    return os.environ.get(DEVICE_VARIABLE, "cuda:0")


def gpu_index() -> int:
    """Its place among all: 1 for "cuda:1"."""
    number = gpu_name().rpartition(":")[2]
    return int(number) if number.isdigit() else 0


def cuda_driver_found() -> bool:
    """Whether the driver's own library can be loaded; needs no CUDA toolkit and takes a millisecond."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
