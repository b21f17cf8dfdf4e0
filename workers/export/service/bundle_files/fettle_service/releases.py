"""Load a bundle, and switch from one bundle to the next without losing a request.

Each bundle runs its own code: its package is imported under its own name (its modules use relative imports). Two
bundles can therefore be loaded until the older one has answered its requests.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import json
import sys
import threading
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from .engine import Axes, Engine, Filled
from .loading import version_of
from .places import FolderRefused
from .protocol import Tensor

FILLED_IN = ("constant", "initial_state", "attention_mask", "token_type_ids", "position_ids")
"""Sources of inputs that the model fills in if they are missing."""
MOST_AT_START = 4
"""Maximum number of items in the batches with which each start checks that batches give the same outputs."""

_numbers = itertools.count(1)


def _expected(model: Any) -> tuple[str, ...]:
    """Return the store of golden predictions to compare with: the fallback has its own, older bundles have none."""
    return ("fallback",) if getattr(model, "used", "version") == "fallback" else ()


class Release:
    """A loaded bundle whose golden predictions are equal here; `why_single` is why requests are not batched."""

    def __init__(self, folder: Path, threads: int | None, max_waiting: int, log: Path | None = None) -> None:
        """Load the bundle in `folder`; after a failure nothing of it stays in memory.

        Raises:
            FolderRefused: The bundle does not run here or gives other predictions.
        """
        self.folder = folder
        self.log: Any = None
        self._model: Any = None
        self._package = f"fettle_release_{next(_numbers)}"
        try:
            self._open(threads)
            self._compare(log)
        except FolderRefused:
            self._close()
            raise
        except Exception as error:  # a folder from a client may cause any error
            self._close()
            raise FolderRefused(f"{folder.name} does not run here: {type(error).__name__}: {error}") from error
        self.engine = Engine(self._model, self._axes(), self.max_batch, max_waiting)
        self._users, self._free = 0, threading.Condition()

    def _open(self, threads: int | None) -> None:
        """Load the model, and read the bundle's description."""
        content = (self.folder / "manifest.json").read_bytes()
        self.manifest: dict[str, Any] = json.loads(content)
        self.version = version_of(content)
        self._bundle = bundle = self._import()
        self._model = model = bundle.load(threads)
        self.pipeline, self.notes = model.pipeline, tuple(model.notes)
        self.answered = bundle.part("pipeline.answering").answered
        self.error_type = bundle.part("pipeline").PipelineError
        self.inputs = tuple(
            Tensor(one.name, one.dtype, one.shape, not one.optional and one.source not in FILLED_IN)
            for one in self.pipeline.spec.inputs
        )
        self.outputs = tuple(Tensor(one.name, one.dtype, one.shape) for one in self.pipeline.spec.outputs)

    def _compare(self, log: Path | None) -> None:
        """Compare the golden predictions, open the log, and decide whether requests are joined; raise Refused."""
        golden = self._bundle.part("pipeline.golden")
        self.golden_alike, differences = golden.compare_golden(
            self.folder / "golden", self.pipeline, self._model, *_expected(self._model)
        )
        if differences:
            raise FolderRefused(f"{self.folder.name} gives other answers here than where it was made. {differences[0]}")
        self.log = self._log_in(log)
        serving = self.manifest["serving"]
        self.max_batch, self.why_single = int(serving["max_batch"]), str(serving["why_single"])
        if self.max_batch > 1:
            self.why_single = self._why_single(self._axes(), golden)
            self.max_batch = 1 if self.why_single else self.max_batch

    @property
    def chats(self) -> bool:
        """Return whether the model is a language model."""
        return getattr(self.pipeline.spec, "chat", None) is not None

    def answering(self, max_new_tokens: int, temperature: float, seed: int) -> Any:
        """Return one answer of a language model, for the model's own thread."""
        return self._model.answering(max_new_tokens, temperature, seed)

    def _import(self) -> Any:
        _module(self._package, self.folder / "fettle_bundle" / "__init__.py", is_package=True)
        return _module(f"{self._package}_bundle", self.folder / "bundle.py", PACKAGE=self._package)

    def _log_in(self, log: Path | None) -> Any:
        """Return the log for `monitor.py`, with its own thread; None without a log."""
        if log is None:
            return None
        try:
            writing = self._bundle.part("monitor.writing")
            return writing.Background(writing.Log(log, self.folder))
        except Exception as error:  # a bundle from before logs existed, or a folder that cannot be written to
            raise FolderRefused(f"{self.folder.name} cannot log: {error}") from error

    def _axes(self) -> Axes:
        spec = self.pipeline.spec
        counted = [one for one in spec.inputs if self._counts(one) and one.shape[one.batch_axis] is None]
        return Axes({one.name: one.batch_axis for one in counted}, {one.name: one.batch_axis for one in spec.outputs})

    @staticmethod
    def _counts(entry: Any) -> bool:
        """Return whether an input's batch axis counts items."""
        return bool(entry.batched and entry.shape and entry.source != "state")

    def _why_single(self, axes: Axes, golden: Any) -> str:
        spec = self.pipeline.spec
        if spec.links or spec.generation is not None or spec.sampling is not None:
            return "each answer takes several steps of its own"
        if not axes.inputs or any(self._counts(one) and one.shape[one.batch_axis] for one in spec.inputs):
            return "the model takes a fixed number of items at once"
        filled = Filled(self._model, axes, min(self.max_batch, MOST_AT_START))
        try:
            _, differences = golden.compare_golden(
                self.folder / "golden", self.pipeline, filled, *_expected(self._model)
            )
        except Exception as error:  # a model whose outputs cannot be split runs requests one by one
            return f"answers of a batch cannot be separated ({error})"
        return f"in a batch its answers differ: {differences[0]}" if differences else ""

    def take(self) -> None:
        """Count one more user; the bundle is not closed until `give_back` was called as often."""
        with self._free:
            self._users += 1

    def give_back(self) -> None:
        """Count one user less."""
        with self._free:
            self._users -= 1
            self._free.notify_all()

    def retire(self) -> None:
        """Wait until all requests are answered, release the model, and return."""
        with self._free:
            self._free.wait_for(lambda: self._users == 0)
        self.engine.close(self._close)  # if another thread closes it, OpenVINO later ends the process with SIGSEGV

    def _close(self) -> None:
        """Close everything that is open so far, also after a late failure of the loading."""
        if self.log is not None:
            self.log.close()
        if self._model is not None:
            self._model._session.close()
        self._forget()

    def _forget(self) -> None:
        for name in [name for name in sys.modules if name.split(".")[0] in (self._package, f"{self._package}_bundle")]:
            del sys.modules[name]


class _FromSource(SourceFileLoader):
    """Loader that compiles a module's source, like `own_code.py`: no checksum covers a cache of Python."""

    def exec_module(self, module: ModuleType) -> None:
        exec(self.source_to_code(self.get_data(self.path), self.path), vars(module))


def _module(name: str, path: Path, *, is_package: bool = False, **given: str) -> ModuleType:
    """Import the file at `path` as the module `name`, which finds `given` as its own."""
    places = [str(path.parent)] if is_package else None
    loader = _FromSource(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader, submodule_search_locations=places)
    assert spec is not None  # it has a loader
    module = importlib.util.module_from_spec(spec)
    vars(module).update(given)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def check_sums(release: Release, folder: Path) -> None:
    """Check that each file of `folder` is unchanged, before any of its code runs; raise Refused."""
    golden = importlib.import_module(f"{release._package}.pipeline.golden")
    problems: list[str] = golden.check_sums(folder)
    if problems:
        raise FolderRefused(f"{folder.name} is not as it was written. {problems[0]}")
