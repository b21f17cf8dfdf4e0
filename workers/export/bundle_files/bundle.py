"""Load and run this model: ``load().run({"input name": array})``; needs only the packages in requirements.txt."""

from __future__ import annotations

import atexit
import importlib
import json
import os
import runpy
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PACKAGE: str = globals().get("PACKAGE", "fettle_bundle")
"""Name of this bundle's package; a program with two loaded bundles (a service that switches) sets its own names."""
if PACKAGE == "fettle_bundle" and str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))
runpy.run_path(str(HERE / "own_code.py"))
MANIFEST: dict[str, Any] = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
for _runtime in (MANIFEST["runtime"], MANIFEST.get("fallback", {}).get("runtime", {})):
    os.environ.update(_runtime.get("environment", {}))  # switch the runtime's telemetry off

import numpy as np  # noqa: E402 - after the environment is set
from numpy.typing import NDArray  # noqa: E402

Arrays = dict[str, NDArray[Any]]


def part(name: str) -> Any:
    """Return a module of this bundle's package."""
    return importlib.import_module(f"{PACKAGE}.{name}")


fit_settings = part("infer.fit").fit_settings
load_pipeline = part("pipeline.pipeline").load_pipeline
default_of = part("pipeline.filling").default_of
open_whole = part("pipeline.generating").open_whole
landing = part("infer.landing")
base = part("infer.base")
UnsafeProgram = base.UnsafeProgram


class Model:
    """The model with the names, shapes and dtypes of the original.

    For an encoder and a decoder, `run` takes the encoder's inputs and returns all `tokens` and the first one's
    `logits`; `parts` holds both with their own inputs and outputs. With a log, `answer` logs each request for
    `monitor.py`; `run` only computes.

    Attributes:
        notes: Abilities that this computer lacks (for example 16-bit numbers), and why the original runs in place of
            the version.
        used: "version" or "fallback".
    """

    def __init__(
        self,
        session: Any,
        pipeline: Any,
        notes: tuple[str, ...] = (),
        log: Any = None,
        used: str = "version",
        item_by_item: bool = False,
    ) -> None:
        """Wrap a loaded session and its pipeline."""
        self._session, self._log = session, log
        self.pipeline, self.used = pipeline, used
        self.inputs = tuple(entry.name for entry in pipeline.spec.inputs)
        self.outputs = tuple(entry.name for entry in pipeline.spec.outputs)
        self.notes: tuple[str, ...] = (*notes, *session.fallbacks)
        self._required = len(self.inputs)
        self._split = _split_inputs(pipeline.spec) if item_by_item else frozenset()
        self.parts: Mapping[str, Any] = getattr(session, "parts", {})

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Return arrays by output name for arrays by input name; optional inputs may be left out.

        The items of a batch are computed one by one if the version rounds over a whole batch, as it was tested.
        """
        if len(feeds) != self._required:
            feeds = self._completed(feeds)
        items = base.split_batch(feeds, self._split) if self._split else []
        answers: Arrays = base.join_batch([*map(self._session.run, items)]) if items else self._session.run(feeds)
        return answers

    def answer(self, source: Any) -> NDArray[np.float32]:
        """Return the prediction for one file, text or array, preprocessed by pipeline.json."""
        if self._log is not None:
            return self._logged(source)
        answer: NDArray[np.float32] = self.pipeline.answer(self._session, self.pipeline.feeds_from(source))
        return answer

    def generate(
        self,
        prompt: str | Sequence[Mapping[str, str]],
        max_new_tokens: int = 256,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Iterator[str]:
        """Yield a language model's answer to a text, or to messages with `role` and `content`, piece by piece.

        With a `temperature` above 0 tokens are drawn, the same for the same `seed`.

        Raises:
            PipelineError: A ValueError; the model is no language model, or the dialogue is too long for it.
        """
        return (piece for piece in self.answering(max_new_tokens, temperature, seed).pieces(prompt) if piece)

    def answering(self, max_new_tokens: int, temperature: float, seed: int) -> Any:
        """Return an answer with `made`, the number of tokens so far; its pieces are empty for half of a character."""
        chats = part("pipeline.chats")
        return chats.Answering(self._session, self.pipeline.chat, max_new_tokens, temperature, seed)

    def _logged(self, source: Any) -> NDArray[np.float32]:
        try:
            feeds = self.pipeline.feeds_from(source)
            began_s = time.perf_counter()
            answer: NDArray[np.float32] = self.pipeline.answer(self._session, feeds)
            seconds = time.perf_counter() - began_s
        except Exception:
            self._log.failed()
            raise
        self._log.request(self.pipeline, feeds, lambda: answer, seconds)
        return answer

    def _completed(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        done, main = dict(feeds), self.pipeline.main_input
        for entry in self.pipeline.spec.inputs:
            if entry.name in done:
                continue
            given = feeds.get(main.name)
            value = None if given is None else default_of(entry, given, given.shape[main.batch_axis])
            if value is None:
                raise ValueError(f"the input {entry.name!r} is missing; the model takes {', '.join(self.inputs)}")
            done[entry.name] = value
        return done


def load(
    threads: int | None = None, cache_dir: str | None = None, log: str | Path | None = None, use: str | None = None
) -> Model:
    """Open the model.

    Settings measured elsewhere are used if they fit this computer; `Model.notes` names those that do not.

    If the bundle holds the original as a fallback, the fallback runs in three cases: it was measured to be faster here
    (`verify.py --measure`), this processor lacks abilities that the version was measured with, or the version does not
    open.

    Args:
        threads: Number of cores to use; None means all that this process may use.
        cache_dir: Folder for compiled models (OpenVINO, TensorRT), which makes the next start faster.
        log: Folder of a log for `monitor.py`: figures of at most 64 MB, never an input.
        use: "version" or "fallback" to open exactly that.

    Raises:
        RuntimeError: No model opens, or the version is a program that could do more than compute.
    """
    wanted, note = (use, "") if use is not None else _choice()
    written = None if log is None else _log_in(Path(log))
    if wanted == landing.FALLBACK:
        return _opened(MANIFEST["fallback"], threads, cache_dir, note, written)
    try:
        return _opened(MANIFEST, threads, cache_dir, note, written)
    except UnsafeProgram:
        raise
    except (RuntimeError, OSError, ImportError, ValueError) as error:
        report = f"This version does not open here ({' '.join(str(error).split())[:300] or type(error).__name__})"
        if use is not None or "fallback" not in MANIFEST:
            lacks = landing.lacking(MANIFEST)
            more = f"{lacks}. " if lacks else ""
            raise RuntimeError(f"{report}. {more}Is all of requirements.txt installed?") from error
        return _opened(MANIFEST["fallback"], threads, cache_dir, f"{report}; the original is used instead", written)


def _choice() -> tuple[str, str]:
    """Return which of the two models runs, and a note if there is something to report."""
    if "fallback" not in MANIFEST:
        return landing.VERSION, ""
    landed, note = landing.saved_choice(HERE)
    if landed is not None:
        is_other = landed.use == landing.FALLBACK
        return landed.use, f"The original is used: here the version is {landed.why}" if is_other else ""
    if lacks := landing.lacking(MANIFEST):
        return landing.FALLBACK, f"{lacks}; the original is used instead. Measure: python verify.py --measure"
    return landing.VERSION, note


def _opened(described: Mapping[str, Any], threads: int | None, cache_dir: str | None, note: str, log: Any) -> Model:
    """Open one of the two models as the manifest describes it."""
    runtime, model = described["runtime"], described["model"]
    engine = part(f"infer.{runtime['module']}")
    cores = threads or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    settings, notes = fit_settings(runtime["settings"], model["precision"], runtime["measured_on"], cores)
    if cache_dir is not None and runtime["id"] in ("openvino", "tensorrt"):
        settings["cache_dir"] = cache_dir
    used = landing.VERSION if described is MANIFEST else landing.FALLBACK
    pipeline = load_pipeline(HERE if used == landing.VERSION else HERE / "fallback")
    session = open_whole(engine.load, HERE / model["folder"], model["main"], settings, cores, pipeline.spec.generation)
    notes = ((note,) if note else ()) + notes
    return Model(session, pipeline, notes, log, used, model.get("item_by_item", False))


def _split_inputs(spec: Any) -> frozenset[str]:
    """Return the inputs whose axis 0 counts items; none if a state or a loop joins what `run` is called with."""
    batched = [entry for entry in spec.inputs if entry.batched and entry.shape]
    whole = spec.links or spec.generation or any(entry.batch_axis for entry in (*batched, *spec.outputs))
    return frozenset() if whole else frozenset(entry.name for entry in batched)


def _log_in(folder: Path) -> Any:
    """Return a log that is closed with the program; raise `CannotLog`, a RuntimeError, in plain words."""
    log = part("monitor.writing").Log(folder, HERE)
    atexit.register(log.close)
    return log
