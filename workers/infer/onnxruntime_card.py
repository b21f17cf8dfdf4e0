"""Run ONNX Runtime on a card, in its own stream and with inputs and outputs bound to card memory.

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
from .words import Words

NUMPY_TYPES = {
    "tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64", "tensor(bool)": "bool",
    "tensor(int8)": "int8", "tensor(uint8)": "uint8", "tensor(int16)": "int16", "tensor(uint16)": "uint16",
    "tensor(int32)": "int32", "tensor(uint32)": "uint32", "tensor(int64)": "int64", "tensor(uint64)": "uint64",
}  # fmt: skip

FREE_SIZES = Words("it has open sizes, and a CUDA graph is recorded for one size")


def open_driver() -> Driver:
    """Open the driver with the card's context.

    Raises:
        NotRunnable: there is no driver, or it does not work.
    """
    try:
        return Driver()
    except (OSError, CudaError) as error:
        raise NotRunnable(error) from error


class OnnxCardSession(OnnxSession):
    """One ONNX Runtime session on a card; it owns its stream and its buffers.

    Where `bound`, every request is copied to the same addresses and computed there, which a CUDA graph needs. Otherwise
    the library copies, and only `card_spans` binds.
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
        """Wrap an open inference session.

        Args:
            inference: the library's InferenceSession.
            driver: the driver with the card's context.
            stream: handle of the stream, which this session destroys when it closes.
            fallbacks: one sentence for each part that runs on the processor.
            constants: inputs that are built into the model, with their values.
            bound: whether every request uses the same addresses; all sizes must be fixed then.
            device: the library's name of the memory that the driver allocates.

        Raises:
            NotRunnable: `bound` is set and the model has open sizes.
        """
        super().__init__(inference, gpu_name(), fallbacks, constants)
        self._driver, self._stream, self._device, self._bound = driver, stream, device, bound
        self._buffers: dict[str, Buffer] = {}
        self._fixed = _fixed_outputs(inference)
        if bound and not (self._fixed and all(None not in shape for shape in self._shapes.values())):
            raise NotRunnable(FREE_SIZES)

    def _run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        return self._run_bound(feeds) if self._bound else super()._run(feeds)

    def card_spans(self, feeds: Mapping[str, NDArray[np.generic]]) -> tuple[CardSpans, Arrays]:
        """Run one request at the model's own batch size; return its durations and its predictions."""
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
            self._driver.synchronize(self._stream)  # the library copies in its own stream
            answers = dict(zip(self._outputs, binding.copy_outputs_to_cpu(), strict=True))
        clock.mark()
        self._driver.synchronize(self._stream)
        return answers

    def _hold(self, name: str, array: NDArray[Any]) -> int:
        """Return the address of the card memory of this array, allocated if needed."""
        buffer = self._buffers.setdefault(name, Buffer(self._driver))
        return buffer.hold(max(array.nbytes, 1))

    def close(self) -> None:
        """Free the card's memory and the stream."""
        super().close()
        self._driver.enter()
        for buffer in self._buffers.values():
            buffer.free()
        self._driver.destroy(self._stream)


def _run_options() -> Any:
    """Return run options with which the call returns once the work is enqueued; the caller waits for the stream."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("disable_synchronize_execution_providers", "1")
    return options


def _fixed_outputs(inference: Any) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Return shape and dtype of every output; {} where a shape is open or a dtype is not numeric."""
    outputs = {}
    for output in inference.get_outputs():
        name, sizes = NUMPY_TYPES.get(output.type), tuple(output.shape or ())
        if name is None or not all(isinstance(size, int) for size in sizes):
            return {}
        outputs[output.name] = (sizes, np.dtype(name))
    return outputs
