"""Measure how fast this computer reads memory, which bounds a language model: it reads its weights for each token."""

import time
from concurrent.futures import ThreadPoolExecutor
from math import prod

import numpy as np

from workers.contracts.after.load import MemoryRoof
from workers.contracts.process.allowance import usable_memory_bytes
from workers.contracts.techniques import Model
from workers.infer.openvino_program import import_library

READ_BYTES = 256 << 20
"""Bytes of one reading; several times the caches of most processors."""

ROUNDS = 5
PRODUCTS = {"MatMul", "MatMulNBits", "Gemm"}
"""ONNX operators that read a whole weight for each token; Gather reads one row of it."""

UNPACKING = {"Convert", "Multiply", "Reshape", "Subtract", "Transpose"}
"""OpenVINO operators between a weight in few bits and its product."""


def memory_roof(model: Model, threads: int) -> MemoryRoof | None:
    """Return the bound for a language model on `threads` cores; None on a computer with too little memory to tell."""
    if usable_memory_bytes() < 8 * READ_BYTES:
        return None
    return MemoryRoof(token_bytes=token_bytes(model), read_bytes_per_s=read_bytes_per_s(threads))


def read_bytes_per_s(threads: int) -> float:
    """Return the bytes of memory that `threads` cores read in a second, the best of a few rounds."""
    parts = np.array_split(np.ones(READ_BYTES // 8, np.int64), threads)
    fastest_s = float("inf")
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(ROUNDS):
            began_s = time.perf_counter()
            list(pool.map(np.max, parts))
            fastest_s = min(fastest_s, time.perf_counter() - began_s)
    return READ_BYTES / fastest_s


def token_bytes(model: Model) -> int:
    """Return the bytes of weights that a token is multiplied with; tables of which it reads one row do not count."""
    return sum((_of_openvino(model) if model.artifact.format == "openvino-ir" else _of_onnx(model)).values())


def _of_openvino(model: Model) -> dict[str, int]:
    program = import_library().Core().read_model(str(model.main))
    found: dict[str, int] = {}
    waiting = [node for node in program.get_ordered_ops() if node.get_type_name() == "MatMul"]
    while waiting:
        node = waiting.pop()
        for port in range(node.get_input_size()):
            source = node.input_value(port).get_node()
            if source.get_type_name() == "Constant":
                found[source.get_friendly_name()] = source.get_byte_size()
            elif source.get_type_name() in UNPACKING:
                waiting.append(source)
    return found


def _of_onnx(model: Model) -> dict[str, int]:
    import onnx

    graph = onnx.load(str(model.main), load_external_data=False).graph
    products = (node for node in graph.node if node.op_type in PRODUCTS)
    read = {name for node in products for name in node.input}
    return {
        tensor.name: prod(tensor.dims) * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        for tensor in graph.initializer
        if tensor.name in read
    }
