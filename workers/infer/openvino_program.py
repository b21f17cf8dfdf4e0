"""Read, reshape, compile and run one OpenVINO program whose tensors are reused for each request."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Arrays, NotRunnable, check_settings
from .processor import has_bf16
from .words import Words

KNOWN_SETTINGS: dict[str, tuple[type, ...]] = {
    "inference_precision": (str,),
    "shapes": (dict,),
    "num_threads": (int,),
    "performance": (str,),
    "tbb_partitioner": (str,),
    "cache_dir": (str,),
    "constants": (dict,),
    "buckets": (dict,),
    "chat": (bool,),
    "activation_group": (int,),
    "cache_bits": (int,),
}
CAPABILITIES = {"f32": "FP32", "bf16": "BF16", "f16": "FP16"}
HINTS = {"latency": "LATENCY", "throughput": "THROUGHPUT"}
PARTITIONERS = {"none": "NONE", "static": "STATIC", "auto": "AUTO"}
BRANCHING = {"If", "Loop", "TensorIterator"}
SHOWN = {"bf16": Words("16 bits (BF16)"), "f16": Words("16 bits (FP16)")}


def import_library() -> Any:
    """Import `openvino` without `openvino_telemetry`, which would contact a server and write into the home folder."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    return openvino


class Program:
    """One compiled model with one request whose tensors are reused.

    Input shapes may be free: then an input tensor is resized whenever the shape of its feed differs from the last one.
    `branches`: the model holds an If or a loop. The first prediction after a resize is then discarded, because OpenVINO
    (2026.4, seen on an If behind a grown input) reads memory there that it has not filled yet. Variables inside the
    model begin anew with each request, so that no prediction depends on the requests before it.
    """

    def __init__(self, compiled: Any, output_names: list[str], branches: bool) -> None:
        """Create the request of a compiled model.

        Args:
            compiled: the library's compiled model.
            output_names: the names of the outputs, in order.
            branches: whether the model holds an If or a loop.
        """
        self._request = compiled.create_infer_request()
        self._names = output_names
        self._has_state = bool(self._request.query_state())
        self._branches, self._resized = branches, False
        self._ports = {input_name(port): (port, port.element_type.to_dtype()) for port in compiled.inputs}
        self.shapes = {name: sizes_of(port.partial_shape) for name, (port, _) in self._ports.items()}
        self._slots: dict[str, NDArray[Any] | None] = {
            name: self._request.get_tensor(port).data if port.partial_shape.is_static else None
            for name, (port, _) in self._ports.items()
        }

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Arrays:
        """Return the predictions for feeds of any shape that fits.

        Raises:
            ValueError: a name, dtype or shape is wrong.
        """
        if not self.fill(feeds):
            self._prepare(feeds)
            self.fill(feeds)
        return self.answer()

    def fill(self, feeds: Mapping[str, NDArray[np.generic]], others: int = 0) -> bool:
        """Copy feeds into the tensors; return False where a shape or dtype differs. Every microsecond counts here.

        `others` is the number of feeds that are not for this program.
        """
        if len(feeds) != len(self._slots) + others:
            return False
        for name, slot in self._slots.items():
            array = feeds.get(name)
            if slot is None or array is None or array.shape != slot.shape or array.dtype != slot.dtype:
                return False
            slot[...] = array
        return True

    def answer(self) -> Arrays:
        """Run on the copied feeds and return the predictions."""
        if self._resized and self._branches:
            self._infer()
        self._resized = False
        self._infer()
        # The next request reuses the tensors, so the caller gets copies of the (small) predictions. The tensors are
        # fetched each time: behind an If, a tensor moves with the branch that was taken.
        output = self._request.get_output_tensor
        return {name: output(index).data.copy() for index, name in enumerate(self._names)}

    def _infer(self) -> None:
        if self._has_state:
            self._request.reset_state()
        self._request.infer(share_outputs=True)

    def _prepare(self, feeds: Mapping[str, NDArray[np.generic]]) -> None:
        """Resize the tensors for these feeds.

        Raises:
            ValueError: a name, dtype or shape is wrong.
        """
        if feeds.keys() != self._slots.keys():
            raise ValueError(f"the model takes the inputs {', '.join(self._slots)}, not {', '.join(feeds)}")
        for name, (port, dtype) in self._ports.items():
            array, slot = feeds[name], self._slots[name]
            if array.dtype != dtype:
                raise ValueError(f"input {name!r} takes {dtype}, not {array.dtype}")
            if not fits(self.shapes[name], array.shape):
                raise ValueError(f"input {name!r} takes the shape {self.shapes[name]}, not {array.shape}")
            if slot is None or slot.shape != array.shape:
                tensor = self._request.get_tensor(port)
                tensor.shape = array.shape
                self._slots[name] = tensor.data
                self._resized = True


def read_model(core: Any, path: Path, shapes: Mapping[str, list[int]]) -> Any:
    """Read a model and set its input sizes.

    Raises:
        ValueError: the model does not have one of the inputs.
    """
    try:
        model = core.read_model(str(path))
    except RuntimeError:
        # Some operators are converted only where the number of axes is known from the start.
        if not shapes or path.suffix != ".onnx":
            raise
        return _read_with_shapes(path, shapes)
    if shapes:
        reshape(model, shapes)
    return model


def reshape(model: Any, shapes: Mapping[str, list[int]]) -> None:
    """Set input sizes by name (-1: any).

    Raises:
        ValueError: the model does not have one of the inputs.
    """
    known = {input_name(port): port for port in model.inputs}
    unknown = set(shapes) - set(known)
    if unknown:
        raise ValueError(f"setting 'shapes' names unknown inputs: {', '.join(sorted(unknown))}")
    model.reshape({known[name]: sizes for name, sizes in shapes.items()})


def compile_program(core: Any, model: Any, options: Mapping[str, Any]) -> Program:
    """Compile a model for the processor.

    Raises:
        NotRunnable: with the library's reason.
    """
    try:
        names = [output_name(port) for port in model.outputs]
        branches = any(node.get_type_name() in BRANCHING for node in model.get_ops())
        return Program(core.compile_model(model, "CPU", dict(options)), names, branches)
    except RuntimeError as error:
        raise NotRunnable(error) from error


def _read_with_shapes(path: Path, shapes: Mapping[str, list[int]]) -> Any:
    """Read an ONNX file and set its input shapes before its operators are converted."""
    from openvino import PartialShape
    from openvino.frontend import FrontEndManager

    frontend = FrontEndManager().load_by_framework("onnx")
    source = frontend.load(str(path))
    for name, sizes in shapes.items():
        place = source.get_place_by_tensor_name(name)
        if place is None:
            raise ValueError(f"setting 'shapes' names an unknown input: {name}")
        source.set_partial_shape(place, PartialShape(sizes))
    try:
        return frontend.convert(source)
    except Exception as error:  # the frontend's own errors derive from Exception alone
        raise RuntimeError(str(error)) from error


def options_of(core: Any, settings: Mapping[str, Any], threads: int) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return OpenVINO's options for the settings of a version, and one sentence for each unsupported setting.

    Raises:
        ValueError: a setting is unknown.
    """
    check_settings(settings, KNOWN_SETTINGS)
    precision = _one_of(settings, "inference_precision", "f32", CAPABILITIES)
    fallbacks: tuple[str, ...] = ()
    if not _can(core, precision):
        # Emulated 16-bit arithmetic is ten times slower than 32-bit (measured), so it is never forced.
        fallbacks = (Words("{0}: this processor has no such arithmetic, 32-bit numbers were used", SHOWN[precision]),)
        precision = "f32"
    options: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": HINTS[_one_of(settings, "performance", "latency", HINTS)],
        "INFERENCE_NUM_THREADS": int(settings.get("num_threads", threads)),
    }
    if "tbb_partitioner" in settings:
        options["TBB_PARTITIONER"] = PARTITIONERS[_one_of(settings, "tbb_partitioner", "auto", PARTITIONERS)]
    if settings.get("cache_dir"):
        options["CACHE_DIR"] = str(settings["cache_dir"])
    return options, fallbacks


def _can(core: Any, precision: str) -> bool:
    if precision == "bf16":
        return has_bf16(core)
    return CAPABILITIES[precision] in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _one_of(settings: Mapping[str, Any], name: str, default: str, allowed: Mapping[str, str]) -> str:
    value = str(settings.get(name, default))
    if value not in allowed:
        raise ValueError(f"setting {name!r} cannot be {value!r}; it is one of {', '.join(allowed)}")
    return value


def sizes_of(partial_shape: Any) -> tuple[int | None, ...]:
    """Return the sizes of a shape; None where a size is open."""
    return tuple(size.get_length() if size.is_static else None for size in partial_shape)


def fits(wanted: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    """Return whether a shape matches the expected sizes; None matches every size."""
    return len(wanted) == len(shape) and all(w in (None, s) for w, s in zip(wanted, shape, strict=True))


def input_name(port: Any) -> str:
    """Return the name of an input as in the ONNX file."""
    own = str(port.node.friendly_name)
    return own if own in port.get_names() else str(port.get_any_name())


def output_name(port: Any) -> str:
    """Return the name of the ONNX output; a tensor may have several names, the result node has the ONNX one."""
    own = str(port.node.friendly_name).split("/sink_port_")[0]
    return own if own in port.get_names() else str(port.get_any_name())
