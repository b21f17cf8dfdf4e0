"""Read requests and write responses of the Open Inference Protocol, version 2, in JSON and with binary tensors.

Sources: github.com/open-inference/open-inference-protocol, specification/protocol/inference_rest.md; binary tensors as
in github.com/triton-inference-server/server, docs/protocol/extension_binary_data.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from .documents import AT_ONCE, RequestError, write_document
from .forms import MAX_DIMENSIONS, Datatype, InferBody, InferInput, read_body

Arrays = dict[str, NDArray[Any]]

DATATYPES = {name.lower().replace("fp", "float"): name for name in get_args(Datatype)}
"""The protocol's names of the dtypes of bundles' models."""
HEADER_LENGTH = "Inference-Header-Content-Length"
MAX_HEADER_DIGITS = 12


@dataclass(frozen=True)
class Tensor:
    """An input or output of the model.

    Attributes:
        shape: None where any size is valid.
        required: False for inputs that are filled in if they are missing.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    required: bool = True

    def metadata(self) -> dict[str, Any]:
        """Return the protocol's description; free sizes are −1."""
        shape = [-1 if size is None else size for size in self.shape]
        return {"name": self.name, "datatype": DATATYPES[self.dtype], "shape": shape}


@dataclass(frozen=True)
class InferenceRequest:
    """One request.

    Attributes:
        feeds: Arrays by input name.
        outputs: Requested outputs and whether they are binary; none means all, in JSON or in binary (`all_binary`).
    """

    request_id: str | None
    feeds: Arrays
    outputs: Mapping[str, bool]
    all_binary: bool


def parse(body: bytes, header_length: str | None, tensors: Sequence[Tensor]) -> InferenceRequest:
    """Return the request in `body`: JSON of `header_length` bytes, followed by binary tensors; raise RequestError."""
    text, rest = _split(body, header_length)
    document = read_body(InferBody, text)
    known = {tensor.name: tensor for tensor in tensors}
    feeds: Arrays = {}
    for entry in document.inputs:
        if entry.name not in known:
            raise RequestError(f"the model has no input {entry.name[:80]!r}; it has {', '.join(known)}")
        if entry.name in feeds:
            raise RequestError(f"the input {entry.name!r} comes twice")
        feeds[entry.name], rest = _array(entry, known[entry.name], rest)
    if rest:
        raise RequestError(f"{len(rest)} bytes of binary data belong to no input")
    missing = [tensor.name for tensor in tensors if tensor.required and tensor.name not in feeds]
    if missing:
        raise RequestError(f"the input {', '.join(missing)} is missing")
    all_binary = document.parameters.binary_data_output
    wanted = [(one.name, one.parameters) for one in document.outputs or ()]
    if any(parameters.classification is not None for _, parameters in wanted):
        raise RequestError("classification of outputs is not offered; ask the path that ends with /answer")
    binary = {name: all_binary if how.binary_data is None else how.binary_data for name, how in wanted}
    return InferenceRequest(document.id, feeds, binary, all_binary)


def _split(body: bytes, header_length: str | None) -> tuple[bytes, memoryview]:
    if header_length is None:
        return body, memoryview(b"")
    is_length = header_length.isascii() and header_length.isdigit() and len(header_length) <= MAX_HEADER_DIGITS
    if not is_length or int(header_length) > len(body):
        raise RequestError(f"{HEADER_LENGTH} is {header_length[:20]!r}, and the body has {len(body)} bytes")
    return body[: int(header_length)], memoryview(body)[int(header_length) :]


def _array(entry: InferInput, tensor: Tensor, rest: memoryview) -> tuple[NDArray[Any], memoryview]:
    """Return one input's array, and the binary data after it."""
    shape, wanted = entry.shape, tensor.metadata()
    if entry.datatype != wanted["datatype"]:
        raise RequestError(f"the input {tensor.name!r} is {entry.datatype}, and the model takes {wanted['datatype']}")
    if len(shape) != len(tensor.shape) or any(
        want not in (None, size) for size, want in zip(shape, tensor.shape, strict=True)
    ):
        raise RequestError(f"the input {tensor.name!r} has the shape {shape}, and the model takes {wanted['shape']}")
    dtype, count = np.dtype(tensor.dtype).newbyteorder("<"), math.prod(shape)
    size = entry.parameters.binary_data_size
    if size is None:
        values = _from_json(entry.data, tensor, dtype)
    else:
        if size != count * dtype.itemsize or size > len(rest):
            raise RequestError(f"the input {tensor.name!r} needs {count * dtype.itemsize} bytes of binary data")
        values, rest = np.frombuffer(rest[:size], dtype), rest[size:]
    if values.size != count:
        raise RequestError(f"the input {tensor.name!r} has {values.size} numbers, and its shape {shape} needs {count}")
    if dtype.kind == "f" and np.isnan(values).any():
        raise RequestError(f"the input {tensor.name!r} holds NaN, which is not a number")
    try:
        shaped = values.reshape(shape)
    except ValueError as error:  # with a size of 0 the other sizes may exceed any array's
        raise RequestError(f"the input {tensor.name!r} has the shape {shape}, which is too large") from error
    return shaped.astype(tensor.dtype, copy=False), rest


def _from_json(data: Any, tensor: Tensor, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the numbers (n,) of a flat or nested list; none is rounded, cut or made infinite.

    The types are checked before numpy reads the list: one long text among numbers would give every entry its width.
    """
    if not isinstance(data, list):
        raise RequestError(f'the input {tensor.name!r} has no list "data" and no binary data')
    numbers = _flat(data, tensor.name)
    kinds: tuple[type, ...] = {"f": (int, float), "b": (bool,)}.get(dtype.kind, (int,))
    parts = [numbers[start : start + AT_ONCE] for start in range(0, len(numbers), AT_ONCE)]
    if not all(set(map(type, part)).issubset(kinds) for part in parts):
        raise RequestError(
            f"the input {tensor.name!r} takes {DATATYPES[tensor.dtype]}, and its data are something else"
        )
    try:
        values = np.concatenate([np.empty(0, dtype), *(_numbers(part, dtype) for part in parts)])
        fits = dtype.kind != "f" or bool(np.isfinite(values).all())
    except OverflowError:
        fits = False
    if not fits:
        raise RequestError(f"the input {tensor.name!r} holds numbers that {DATATYPES[tensor.dtype]} cannot hold")
    return values


def _numbers(part: list[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return numbers (n,); integers are converted to float32 directly, since float64 between would round them twice."""
    with np.errstate(over="ignore"):
        return np.array(part, None if dtype.kind == "f" else dtype).astype(dtype)


def _flat(data: list[Any], name: str) -> list[Any]:
    """Return the entries of nested lists in order; raise RequestError if lists on one level differ in length."""
    for _ in range(MAX_DIMENSIONS):
        if list not in set(map(type, data)):
            return data
        lengths = {len(entry) if isinstance(entry, list) else None for entry in data}
        if len(lengths) > 1:
            raise RequestError(f"the input {name!r}: the lists of its data have different lengths")
        data = list(chain.from_iterable(data))
    raise RequestError(f"the input {name!r}: its data are lists in more than {MAX_DIMENSIONS} lists")


def reply(
    model: str, version: str, request: InferenceRequest, outputs: Mapping[str, NDArray[Any]]
) -> tuple[bytes, int | None]:
    """Return the response's body, and the size of its JSON if binary tensors follow; raise RequestError."""
    entries, parts = [], []
    for name, is_binary in (request.outputs or dict.fromkeys(outputs, request.all_binary)).items():
        if name not in outputs:
            raise RequestError(f"the model has no output {name[:80]!r}; it has {', '.join(outputs)}")
        values = np.asarray(outputs[name])
        entry: dict[str, Any] = {"name": name, "datatype": DATATYPES[values.dtype.name], "shape": list(values.shape)}
        if is_binary:
            parts.append(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes())
            entry["parameters"] = {"binary_data_size": len(parts[-1])}
        elif values.dtype.kind == "f" and not np.isfinite(values).all():
            raise RequestError(f"the output {name!r} is not finite, which JSON cannot say: ask for binary data", 422)
        else:
            entry["data"] = values.ravel()
        entries.append(entry)
    document: dict[str, Any] = {"model_name": model, "model_version": version, "outputs": entries}
    if request.request_id:
        document["id"] = request.request_id
    head = write_document(document).encode()
    return b"".join([head, *parts]), len(head) if parts else None
