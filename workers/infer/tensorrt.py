"""Run models on an NVIDIA GPU with TensorRT for RTX, or with classic TensorRT on other cards."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import tensorrt_editions as editions
from .base import (
    NO_DRIVER,
    Arrays,
    Availability,
    CardSpans,
    NotRunnable,
    Refusal,
    Runtime,
    Session,
    SessionOptions,
    Trial,
    check_settings,
    gpu_name,
    run_in_parts,
    without_constants,
)
from .cuda_driver import NO_CLOCK, OUT_OF_MEMORY, Buffer, Clock, CudaError, Driver, NoClock, Place
from .onnxruntime_cuda import PROBE
from .tensorrt_build import BuildRequest, Tick, build
from .tensorrt_editions import Edition
from .tensorrt_engines import OpenedEngine, cache_folder, open_engine, read_cached, write
from .words import Words

KNOWN_SETTINGS: dict[str, tuple[type, ...]] = {
    "num_threads": (int,),
    "graph_optimization": (str,),
    "constants": (dict,),
    "cache_dir": (str,),
}
"""Settings with their types; the first two apply where ONNX Runtime runs the model instead."""


NO_CARD = Words(
    "needs an NVIDIA GPU and its driver; none was found here; engines for other computers are built with "
    "--build-for sm89 (GeForce RTX 40) and the like"
)


class SizeNotBuilt(ValueError):
    """A request has a size for which the engine was not built."""


class TensorRtSession:
    """One engine with its execution context; its card memory is reused and grows with the requests.

    Weights that do not fit on the card are streamed if the engine was built for that.
    """

    def __init__(self, opened: OpenedEngine, driver: Driver, constants: Mapping[str, Any]) -> None:
        """Create the execution context and the stream of an opened engine.

        Args:
            opened: the engine with its library.
            driver: the driver with the card's context.
            constants: inputs that are built into the model, with their values.

        Raises:
            NotRunnable: the card has too little free memory.
        """
        self._opened, self._driver, self._constants = opened, driver, dict(constants)
        engine, trt = opened.engine, opened.trt
        self.device_ran = gpu_name()
        self.fallbacks: tuple[str, ...] = _streamed(engine, driver)
        names = [engine.get_tensor_name(number) for number in range(engine.num_io_tensors)]
        self._inputs = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
        self._outputs = [name for name in names if name not in self._inputs]
        self._dtypes = {name: np.dtype(trt.nptype(engine.get_tensor_dtype(name))) for name in names}
        self._shapes = {name: tuple(s if s >= 0 else None for s in engine.get_tensor_shape(name)) for name in names}
        self._buffers = {name: Buffer(driver) for name in names}
        self._context, self._cache = opened.edition.context(engine, read_cached(opened.compiled))
        if self._context is None:
            raise NotRunnable(Words("there is not enough memory on the card to run this model"))
        self._stream = driver.stream()

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Return the predictions for one batch.

        Raises:
            SizeNotBuilt: the engine was not built for this size.
            ValueError: a name or dtype is wrong.
        """
        if self._constants:
            feeds = without_constants(feeds, self._constants)
        return run_in_parts(self._run, feeds, self._shapes)

    def card_spans(self, feeds: Mapping[str, NDArray[np.generic]]) -> tuple[CardSpans, Arrays]:
        """Run one request at the engine's own batch size; return its durations and its predictions."""
        self._driver.enter()
        clock = Clock(self._driver, self._stream)
        answers = self._run(without_constants(feeds, self._constants), clock)
        return clock.spans(), answers

    def _run(self, feeds: Mapping[str, NDArray[np.generic]], clock: Clock | NoClock = NO_CLOCK) -> Arrays:
        self._driver.enter()
        given = self._set_inputs(feeds)
        answers = {name: self._room(name) for name in self._outputs}
        clock.mark()
        for name, array in given.items():
            self._driver.to_card(self._buffers[name].address, array, self._stream)
        clock.mark()
        with clock.enqueuing():
            works = self._context.execute_async_v3(self._stream)
        if not works:
            raise ValueError("TensorRT could not run this request")
        clock.mark()
        for name, array in answers.items():
            self._driver.to_host(array, self._buffers[name].address, self._stream)
        clock.mark()
        self._driver.synchronize(self._stream)
        return answers

    def _set_inputs(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Set input shapes and addresses; return the arrays to copy, which must stay alive until the stream is done."""
        if feeds.keys() != set(self._inputs):
            raise ValueError(f"the model takes the inputs {', '.join(self._inputs)}, not {', '.join(feeds)}")
        given = {}
        for name in self._inputs:
            array = np.ascontiguousarray(feeds[name])
            if array.dtype != self._dtypes[name]:
                raise ValueError(f"input {name!r} takes {self._dtypes[name]}, not {array.dtype}")
            if not self._context.set_input_shape(name, array.shape):
                raise SizeNotBuilt(f"input {name!r}: the engine was not built for the shape {array.shape}")
            self._context.set_tensor_address(name, self._buffers[name].hold(max(array.nbytes, 1)))
            given[name] = array
        return given

    def timed(self, feeds: Mapping[str, NDArray[np.generic]]) -> list[tuple[str, float]]:
        """Run one request with the card's clock on every layer and return (name, ms) in the order of the layers."""
        times: list[tuple[str, float]] = []
        trt: Any = self._opened.trt

        class Clock(trt.IProfiler):  # type: ignore[misc]
            def __init__(self) -> None:
                trt.IProfiler.__init__(self)

            def report_layer_time(self, layer_name: str, ms: float) -> None:
                times.append((layer_name, ms))

        clock = Clock()  # the library keeps no reference to it
        self._context.profiler = clock
        self.run(feeds)
        self._context.profiler = None
        return times

    def inspected(self) -> str:
        """Return the JSON report of TensorRT's engine inspector."""
        inspector = self._opened.engine.create_engine_inspector()
        inspector.execution_context = self._context
        return str(inspector.get_engine_information(self._opened.trt.LayerInformationFormat.JSON))

    def _room(self, name: str) -> NDArray[Any]:
        """Allocate memory for an output of this request, on this computer and on the card."""
        shape = tuple(self._context.get_tensor_shape(name))
        if any(size < 0 for size in shape):
            raise ValueError(f"the size of the output {name!r} depends on values, which this runtime cannot give")
        array = np.empty(shape, self._dtypes[name])
        self._context.set_tensor_address(name, self._buffers[name].hold(max(array.nbytes, 1)))
        return array

    def close(self) -> None:
        """Free the card's memory, and save the code compiled for it for the next start."""
        if self._cache is not None and self._opened.compiled is not None:
            with contextlib.suppress(OSError):
                write(self._opened.compiled, bytes(self._cache.serialize()))
        for buffer in self._buffers.values():
            buffer.free()
        self._driver.destroy(self._stream)
        self._context = None


def _streamed(engine: Any, driver: Driver) -> tuple[str, ...]:
    """Turn on weight streaming where the weights do not fit together with the memory of a request.

    As many weights as possible stay on the card. Return one sentence that reports it, or nothing.
    """
    weights = int(engine.streamable_weights_size)
    if not weights or weights + int(engine.device_memory_size_v2) <= driver.memory()[0]:
        return ()
    engine.weight_streaming_budget_v2 = engine.get_weight_streaming_automatic_budget()
    return (Words("Its weights do not fit on the card and are sent there while it runs, which takes longer."),)


def ignore_progress(share: float, phase: str, seconds: float) -> None:
    """Ignore the progress of a build."""


def here() -> tuple[Driver, Place]:
    """Return the driver and the first visible card.

    Raises:
        NotRunnable: there is no driver, or it does not work.
    """
    try:
        driver = Driver()
        place = driver.place()
    except OSError as error:
        raise NotRunnable(NO_DRIVER) from error
    except CudaError as error:
        raise NotRunnable(Words("the card's driver does not work: {0}", error)) from error
    return driver, place


def edition_for(place: Place) -> Edition:
    """Return the edition that suits the card, or the other edition if only that is installed and may work.

    Raises:
        NotRunnable: no suitable edition is installed.
    """
    suits = editions.for_architecture(place.architecture)
    known = [suits, *(one for one in editions.EDITIONS if one.id != suits.id and not _is_too_new(one, place))]
    usable = next((one for one in known if editions.is_installed(one)), None)
    if usable is None:
        raise NotRunnable(Words("{0} is not installed; {1}", suits.title, suits.install))
    return usable


def _is_too_new(edition: Edition, place: Place) -> bool:
    """Return whether the card is a Hopper or Blackwell data-center card, which RTX does not support."""
    return edition.id == "rtx" and place.architecture in ("sm90", "sm100", "sm103")


def load(path: Path, settings: Mapping[str, Any], threads: int, tick: Tick = ignore_progress) -> Session:
    """Open `model.onnx` on the first GPU, with an engine that was built ahead, cached, or is built now.

    `tick` receives the progress of a build.

    Raises:
        NotRunnable: with the reason.
        ValueError: a setting is unknown.
    """
    check_settings(settings, KNOWN_SETTINGS)
    driver, place = here()
    edition = edition_for(place)
    trt = editions.load_library(edition)
    try:
        opened = open_engine(path, edition, trt, place, cache_folder(settings.get("cache_dir")), tick)
        return TensorRtSession(opened, driver, settings.get("constants", {}))
    except CudaError as error:
        words = Words("there is not enough memory on the card")
        raise NotRunnable(words if error.code == OUT_OF_MEMORY else error) from error


def available() -> Availability:
    """Return whether a small product can be built and computed on the card."""
    if not any(editions.is_installed(edition) for edition in editions.EDITIONS):
        return Availability(False, editions.OWN_INSTALL, installs="rtx")
    try:
        driver, place = here()
        edition = edition_for(place)
        trt = editions.load_library(edition)
        made = build(edition, trt, PROBE, BuildRequest(), place, ignore_progress)
        logger = trt.Logger(trt.Logger.ERROR)
        runtime = trt.Runtime(logger)
        engine = runtime.deserialize_cuda_engine(made.engine)
        if engine is None:
            return Availability(False, Words("TensorRT cannot open on this card what it has built for it"))
        session = TensorRtSession(OpenedEngine(trt, edition, engine, runtime, logger, None, ""), driver, {})
        answer = session.run({"x": np.ones((8, 8), np.float32)})["y"]
        session.close()
    except NotRunnable as error:
        return Availability(False, NO_CARD if error.words == NO_DRIVER else error.words)
    except (CudaError, ValueError) as error:
        return Availability(False, Words("TensorRT does not work with this card: {0}", error))
    works = bool((answer == 8).all())
    return Availability(works, "" if works else Words("TensorRT gave a wrong answer"))


def why_not(wanted: SessionOptions) -> Refusal | None:
    """Reject settings of other engines."""
    unknown = sorted(set(wanted.settings) - set(KNOWN_SETTINGS))
    if unknown:
        return Refusal("not_for_tensorrt", Words("TensorRT knows no setting {0}.", ", ".join(unknown)))
    return None


WHY = Words("TensorRT fits a model to the card: it joins operators and picks the fastest kernel for each.")
LAST, SPARSE = "tensorrt_engine", Words("Two of four weights are zero.")


def _why(more: str) -> Words:
    return Words("{0} {1}", WHY, more)


RUNTIME = Runtime(
    id="tensorrt",
    title="TensorRT (NVIDIA GPU)",
    device="cuda:0",
    formats=("onnx",),
    requirements=("numpy", *editions.WHEELS),
    available=available,
    load=load,
    summary="Builds its own engine for a card; often the fastest on NVIDIA GPUs.",
    family="tensorrt",
    trials=(
        Trial("tensorrt", "TensorRT", WHY, (LAST,)),
        Trial("tensorrt-fp16", "TensorRT, FP16", _why(Words("Half the digits.")), ("fp16", LAST)),
        Trial("tensorrt-bf16", "TensorRT, BF16", _why(Words("Half the digits, same range.")), ("bf16_tensorrt", LAST)),
        Trial("tensorrt-int8", "TensorRT, INT8", _why(Words("Whole numbers of 8 bits.")), ("int8_qdq", LAST)),
        Trial("tensorrt-fp8", "TensorRT, FP8", _why(Words("Fractions in 8 bits, on newer cards.")), ("fp8_qdq", LAST)),
        Trial("tensorrt-int4", "TensorRT, INT4 weights", _why(Words("Weights in 4 bits.")), ("int4_weights", LAST)),
        Trial("tensorrt-sparse", "TensorRT, 2:4 zeros", _why(SPARSE), ("sparsity_2_4", LAST)),
    ),
    why_not=why_not,
)  # fmt: skip
