"""One ONNX Runtime session on a card: on a stream of its own, with its inputs and outputs bound to the card's memory.

Source: ONNX Runtime, “I/O Binding”, “CUDA Execution Provider” (user_compute_stream, enable_cuda_graph).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Arrays, CardSpans, NotRunnable, gpu_name, without_constants
from .cuda_driver import NO_CLOCK, Buffer, Clock, CudaError, Driver, NoClock
from .onnxruntime_cpu import OnnxSession

NUMPY_TYPES = {
    "tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64", "tensor(bool)": "bool",
    "tensor(int8)": "int8", "tensor(uint8)": "uint8", "tensor(int16)": "int16", "tensor(uint16)": "uint16",
    "tensor(int32)": "int32", "tensor(uint32)": "uint32", "tensor(int64)": "int64", "tensor(uint64)": "uint64",
}  # fmt: skip

FREE_SIZES = "it has open sizes, and a CUDA graph is recorded for one size"


def open_driver() -> Driver:
    """The driver with the card's context. Raises `NotRunnable`."""
    try:
        return Driver()
    except (OSError, CudaError) as error:
        raise NotRunnable(error) from error


class OnnxCardSession(OnnxSession):
    """Where `bound`, every request is copied to the same places and computed there, which a CUDA graph needs; sizes
    must be fixed (`NotRunnable`). Else the library copies, and only `card_spans` binds. It owns the stream.

    `device` is what the library calls the memory that the driver gives.
    """

    def __init__(
        self,
        inference: Any,
        driver: Driver,
        stream: int,
        fallbacks: tuple[str, ...] = (),
        constants: Mapping[str, Any] | None = None,
        *,
        bound: bool = False,
        device: str = "cuda",
    ) -> None:
        super().__init__(inference, gpu_name(), fallbacks, constants)
        self._driver, self._stream, self._device, self._bound = driver, stream, device, bound
        self._buffers: dict[str, Buffer] = {}
        self._fixed = _fixed_outputs(inference)
        if bound and not (self._fixed and all(None not in shape for shape in self._shapes.values())):
            raise NotRunnable(ValueError(FREE_SIZES))

    def _run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        return self._run_bound(feeds) if self._bound else super()._run(feeds)

    def card_spans(self, feeds: Mapping[str, NDArray[np.generic]]) -> tuple[CardSpans, Arrays]:
        """Where the time of one request goes, of the model's own batch, and its answers."""
        self._driver.enter()
        clock = Clock(self._driver, self._stream)
        answers = self._run_bound(without_constants(feeds, self._constants), clock)
        return clock.spans(), answers

    def _run_bound(self, feeds: Mapping[str, NDArray[np.generic]], clock: Clock | NoClock = NO_CLOCK) -> Arrays:
        self._driver.enter()
        binding = self._inference.io_binding()
        given = {name: np.asarray(feeds[name], order="C") for name in self._shapes}
        for name, array in given.items():
            place = self._hold(name, array)
            binding.bind_input(name, self._device, 0, array.dtype, list(array.shape), place)
        answers = {name: np.empty(shape, dtype) for name, (shape, dtype) in self._fixed.items()}
        for name in self._outputs:
            if name in answers:
                array, place = answers[name], self._hold(name, answers[name])
                binding.bind_output(name, self._device, 0, array.dtype, list(array.shape), place)
            else:
                binding.bind_output(name, self._device)
        clock.mark()
        for name, array in given.items():
            self._driver.to_card(self._buffers[name].address, array, self._stream)
        clock.mark()
        with clock.enqueuing():
            self._inference.run_with_iobinding(binding, _run_options())
        clock.mark()
        if answers:
            for name, array in answers.items():
                self._driver.to_host(array, self._buffers[name].address, self._stream)
        else:
            self._driver.synchronize(self._stream)  # the library copies in a stream of its own
            answers = dict(zip(self._outputs, binding.copy_outputs_to_cpu(), strict=True))
        clock.mark()
        self._driver.synchronize(self._stream)
        return answers

    def _hold(self, name: str, array: NDArray[Any]) -> int:
        """The address of its place on the card."""
        buffer = self._buffers.setdefault(name, Buffer(self._driver))
        return buffer.hold(max(array.nbytes, 1))

    def close(self) -> None:
        """Give the card's memory and the stream back."""
        super().close()
        self._driver.enter()
        for buffer in self._buffers.values():
            buffer.free()
        self._driver.destroy(self._stream)


def _run_options() -> Any:
    """The call comes back when the work is handed over: whoever calls it waits for the stream."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("disable_synchronize_execution_providers", "1")
    return options


def _fixed_outputs(inference: Any) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Shape and dtype of every output; {} where any is open or no number."""
    found = {}
    for output in inference.get_outputs():
        name, sizes = NUMPY_TYPES.get(output.type), tuple(output.shape or ())
        if name is None or not all(isinstance(size, int) for size in sizes):
            return {}
        found[output.name] = (sizes, np.dtype(name))
    return found
