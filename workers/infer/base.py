"""Define the types that every runtime module shares, and helpers for its sessions.

Only the standard library and numpy are allowed here: this folder is copied into bundles.

A runtime module (`workers/infer/<name>.py`) imports from here by a relative import, imports its library inside
functions only, and defines `RUNTIME = Runtime(...)`.
"""

from __future__ import annotations

import ast
import ctypes
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .words import Words

Arrays = dict[str, NDArray[Any]]


class Session(Protocol):
    """One loaded model, owned by the caller of `Runtime.load`.

    `run` takes and returns arrays under the model's own names, shapes and dtypes. `device_ran` names the device, and
    `fallbacks` holds one sentence for each setting that this computer could not apply.
    """

    device_ran: str
    fallbacks: tuple[str, ...]

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Return the predictions for one batch; the arrays belong to the caller."""

    def close(self) -> None:
        """Release the model and its memory."""
        ...


@dataclass(frozen=True)
class CardSpans:
    """Durations of one request on a graphics card, in milliseconds.

    The card's own clock measures copying the inputs to the card, computing, and copying the predictions back.
    `enqueue_ms` is the time that the processor spends on starting the computation.
    """

    to_card_ms: float
    compute_ms: float
    to_host_ms: float
    enqueue_ms: float


@runtime_checkable
class OnCard(Protocol):
    """A session that runs on a graphics card and can measure the parts of a request."""

    def card_spans(self, feeds: Mapping[str, NDArray[np.generic]]) -> tuple[CardSpans, Arrays]:
        """Run one request, wait for it, and return its durations and its predictions.

        Raises:
            Exception: the same errors as `run`.
        """


@dataclass(frozen=True)
class Availability:
    """Availability of a runtime on this computer.

    `hint` is the reason why it does not work, or the command that installs the missing package. `installs` then names
    the installer's package set that contains it ("base" is part of every installation).
    """

    available: bool
    hint: str = ""
    installs: Literal["", "base", "rtx", "cuda"] = ""


NO_DRIVER = Words("needs an NVIDIA GPU and its driver; none was found here")


def installed(package: str) -> Availability:
    """Return whether a package of the base installation is there, without importing it."""
    if importlib.util.find_spec(package) is None:
        return Availability(False, f"pip install {package}", installs="base")
    return Availability(True)


@dataclass(frozen=True)
class SessionOptions:
    """One recipe for one model, which a runtime judges before any version is made.

    `settings` are the recipe's settings, `steps` the ids of its techniques. The remaining fields describe the model and
    the computer:

    - `has_torch`: a torch program is next to the model.
    - `free_sizes`: inputs have open sizes.
    - `stateful`: a state is carried from request to request.
    - `branches`: the graph contains an If.
    - `constants`: inputs that always have one value.
    - `fast`: the number formats that this processor has instructions for.
    - `time_budget_s`: the time limit of the whole run; None means no limit.
    - `classic`: the graph contains trees, linear models or other operators of ai.onnx.ml.
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
    classic: bool = False


@dataclass(frozen=True)
class Refusal:
    """The reason why a runtime rejects a recipe: `code` for programs, `text` as one sentence for people."""

    code: str
    text: str


@dataclass(frozen=True)
class Trial:
    """A recipe that is tried wherever a runtime works, whatever the goal.

    `steps` are ids of techniques, `settings` belong to the runtime.
    """

    id: str
    title: str
    why: str = ""
    steps: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Runtime:
    """Description of one runtime; each runtime module defines one as `RUNTIME`.

    `load(path, settings, threads)` opens the artifact's main file. It raises `NotRunnable` with the library's own
    reason, and ValueError for unknown settings. `requirements` are the pip requirements of a bundle. `environment`
    variables must be set before the library is imported (they turn its telemetry off).

    The planner reads the other fields:

    - `family` is the library, which presets name.
    - `torch_program` means that it runs the torch program next to a model instead of the model itself.
    - `trials` are tried before a preset's recipes, wherever the runtime works.
    - `one_core` means that tiny models are also tried on one core.
    - `usual` are the settings that hold unless others are given.
    - `why_not(wanted)` returns the reason why a recipe cannot help; by default there is none.
    - `needs(wanted)` returns the ids of techniques that must be applied first; by default there are none.
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
    family: str = ""
    torch_program: bool = False
    trials: tuple[Trial, ...] = ()
    one_core: bool = False
    usual: Mapping[str, Any] = field(default_factory=dict)
    why_not: Callable[[SessionOptions], Refusal | None] = lambda wanted: None
    needs: Callable[[SessionOptions], tuple[str, ...]] = lambda wanted: ()

    @property
    def modules(self) -> tuple[str, ...]:
        """Return the sibling modules that this runtime imports, also through others; a bundle copies them too."""
        first = self.load.__module__.rpartition(".")[2]
        names, unread = set[str](), [first]
        while unread:
            source = Path(__file__).with_name(f"{unread.pop()}.py").read_text(encoding="utf-8")
            imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.level]
            imported = {node.module or one.name for node in imports for one in node.names}
            unread += imported - names
            names |= imported
        return tuple(sorted(names - {first, "base"}))


class NotRunnable(RuntimeError):
    """The model does not run; `str(error)` is the reason in one line, and `words` keeps its template if it is ours."""

    def __init__(self, error: BaseException | str) -> None:
        """Take `Words` as they are, and of a library's error its text in one line, at most 400 characters."""
        words = getattr(error, "words", error)
        if not isinstance(words, Words):
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            words = " ".join(lines)[-400:] or type(error).__name__
        super().__init__(words)
        self.words: str = words


class UnsafeProgram(NotRunnable):
    """A torch program that contains more than `torch.export.save` writes; none of it was run."""

    def __init__(self, name: str, reason: str | BaseException) -> None:
        """Name the file and the reason why it was not opened."""
        super().__init__(Words("{0} was not opened: {1}. Nothing in it was run.", name, reason))


def check_settings(settings: Mapping[str, Any], known: Mapping[str, tuple[type, ...]]) -> None:
    """Check that every setting is known and has the right type.

    Args:
        settings: the settings to check.
        known: the allowed types of each known setting.

    Raises:
        ValueError: a setting is unknown or has the wrong type.
    """
    for name, value in settings.items():
        if name not in known:
            raise ValueError(f"unknown setting {name!r}; known are {', '.join(sorted(known))}")
        if not isinstance(value, known[name]):
            raise ValueError(f"setting {name!r} cannot be {value!r}")


def split_batch(feeds: Mapping[str, NDArray[np.generic]], batched: frozenset[str]) -> list[Arrays]:
    """Split the inputs of one batch into one dict for each index of axis 0.

    Only inputs named in `batched` are split; the others are passed on whole. Return an empty list where `feeds` has
    none of these inputs or their sizes differ.
    """
    sizes = {feeds[name].shape[0] for name in batched if name in feeds}
    if len(sizes) != 1:
        return []
    return [
        {name: array[i : i + 1] if name in batched else array for name, array in feeds.items()}
        for i in range(sizes.pop())
    ]


def join_batch(parts: list[Arrays]) -> Arrays:
    """Join the predictions of the parts of `split_batch` along axis 0; scalars come from the last part."""
    return {
        name: np.concatenate([part[name] for part in parts]) if parts[-1][name].ndim else parts[-1][name]
        for name in parts[-1]
    }


def run_in_parts(
    run: Callable[[Mapping[str, NDArray[np.generic]]], Arrays],
    feeds: Mapping[str, NDArray[np.generic]],
    shapes: Mapping[str, tuple[int | None, ...]],
) -> Arrays:
    """Run a batch, item by item where the model's `shapes` fix the batch size of an input at 1."""
    single = fixed_at_one(feeds, shapes)
    parts = split_batch(feeds, single) if single else []
    return join_batch([run(part) for part in parts]) if parts else run(feeds)


def check_entries(
    setting: str, own: Mapping[str, Any], known: Mapping[str, tuple[type, ...]], needed: tuple[str, ...]
) -> None:
    """Check the entries of a setting that holds several.

    Raises:
        ValueError: an entry is missing, unknown or of another type.
    """
    for name, value in own.items():
        if name not in known or not isinstance(value, known[name]):
            raise ValueError(f"setting {setting!r} cannot hold {name} = {value!r}")
    lacking = [name for name in needed if name not in own]
    if lacking:
        raise ValueError(f"setting {setting!r} lacks {', '.join(lacking)}")


def without_constants(feeds: Mapping[str, NDArray[np.generic]], constants: Mapping[str, Any]) -> Arrays:
    """Return `feeds` without the inputs that are built into the model as constants.

    Raises:
        ValueError: an input differs from the value that was built in.
    """
    for name, value in constants.items():
        array = feeds.get(name)
        if array is not None and not (array.item() == value if array.size == 1 else (array == value).all()):
            raise ValueError(f"this variant was made for {name} = {value} and takes no other value")
    return {name: array for name, array in feeds.items() if name not in constants}


def fixed_at_one(
    feeds: Mapping[str, NDArray[np.generic]], shapes: Mapping[str, tuple[int | None, ...]]
) -> frozenset[str]:
    """Return the inputs whose batch size the model fixes at 1 while `feeds` holds more than one item."""
    return frozenset(
        name for name, array in feeds.items() if array.ndim and array.shape[0] > 1 and shapes.get(name, ())[:1] == (1,)
    )


DEVICE_VARIABLE = "FETTLE_DEVICE"
"""Environment variable with the computer-wide name of the one GPU that this process sees, for example "cuda:1"."""


def gpu_name() -> str:
    """Return the computer-wide name of the GPU that is device 0 in this process."""
    return os.environ.get(DEVICE_VARIABLE, "cuda:0")


def gpu_index() -> int:
    """Return the computer-wide index of this process's GPU: 1 for "cuda:1"."""
    number = gpu_name().rpartition(":")[2]
    return int(number) if number.isdigit() else 0


def cuda_driver() -> ctypes.CDLL:
    """Load the NVIDIA driver library, which needs no CUDA toolkit and takes a millisecond; raise OSError."""
    return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")


def cuda_driver_found() -> bool:
    """Return whether the NVIDIA driver library can be loaded."""
    try:
        cuda_driver()
    except OSError:
        return False
    return True
