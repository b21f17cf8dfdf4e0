"""Read and write ONNX files of any size, and make the small repairs that techniques need first.

`onnx` is imported inside functions only. A proto in memory always holds its weights.
"""

import contextlib
import logging
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from workers.contracts.errors import InputRefused, JobCancelled, WorkerError, looks_like_memory
from workers.contracts.process.context import JobContext
from workers.contracts.translation import Message, _, message_of

EXTERNAL_FROM_BYTES = 1 << 30
"""Weight size from which on weights go into a second file; a protobuf file holds 2 GiB at most."""

DATA_SUFFIX = ".data"


def load(path: Path, *, with_data: bool = True) -> Any:
    """Return the ModelProto with all its weights, or without those in its data file.

    Raises:
        InputRefused: the file cannot be read.
    """
    import onnx

    try:
        return onnx.load(str(path), load_external_data=with_data)
    except Exception as error:  # onnx raises protobuf's, its own and the system's errors
        raise InputRefused(
            "model_unreadable",
            "The model file cannot be read",
            _("{0} is no readable ONNX file: {1}.").format(path.name, one_line(error)),
            "Open the model again from its original file.",
        ) from error


def save(proto: Any, path: Path) -> tuple[str, ...]:
    """Write the proto to `path` and large weights to ``<path>.data``; return the names of the files."""
    import onnx

    if weight_bytes(proto) < EXTERNAL_FROM_BYTES:
        onnx.save_model(proto, str(path))
        return (path.name,)
    data = path.name + DATA_SUFFIX
    (path.parent / data).unlink(missing_ok=True)  # onnx would append to it
    onnx.save_model(proto, str(path), save_as_external_data=True, all_tensors_to_one_file=True, location=data)
    return (path.name, data)


def written(path: Path) -> tuple[str, ...]:
    """Return the names of a model file and of its data file, if a library has written one."""
    data = path.name + DATA_SUFFIX
    return (path.name, data) if (path.parent / data).is_file() else (path.name,)


def remove(path: Path) -> None:
    """Delete a model file and its data file, where they exist."""
    for name in written(path):
        (path.parent / name).unlink(missing_ok=True)


def graphs(graph: Any) -> Iterator[Any]:
    """Yield the graph and all graphs nested in its nodes (If, Loop, Scan)."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from graphs(attribute.g)
            for inner in attribute.graphs:
                yield from graphs(inner)


def readers_of(graph: Any) -> dict[str, list[Any]]:
    """Return {name of a value: the nodes of this graph that read it}."""
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    return readers


def set_nodes(graph: Any, nodes: Iterable[Any]) -> None:
    """Replace all nodes of a graph."""
    kept = list(nodes)
    del graph.node[:]
    graph.node.extend(kept)


def is_set(node: Any, name: str) -> bool:
    """Return whether an integer attribute of a node is there and not 0."""
    return any(attribute.name == name and attribute.i for attribute in node.attribute)


def copied(proto: Any) -> Any:
    """Return a copy with its own weights, because writing large weights to a file removes them from a proto."""
    copy = type(proto)()
    copy.CopyFrom(proto)
    return copy


def weight_bytes(proto: Any) -> int:
    """Return the bytes of all weights, including those of nested graphs and of Constant nodes."""
    total = 0
    for graph in graphs(proto.graph):
        total += sum(tensor.ByteSize() for tensor in graph.initializer)
        for node in graph.node:
            if node.op_type == "Constant":
                total += sum(attribute.t.ByteSize() for attribute in node.attribute)
    return total


def lift_constants(proto: Any) -> int:
    """Turn Constant nodes that hold a tensor into initializers of their graph; return their number.

    Quantizers and pruners look for weights among the initializers only. Names of nested graphs are unique in a valid
    model, so nothing else changes.
    """
    lifted = 0
    for graph in graphs(proto.graph):
        kept = []
        for node in graph.node:
            value = node.attribute[0] if len(node.attribute) == 1 else None
            if node.op_type != "Constant" or value is None or value.name != "value":
                kept.append(node)
                continue
            value.t.name = node.output[0]
            graph.initializer.append(value.t)
            lifted += 1
        if len(kept) != len(graph.node):
            set_nodes(graph, kept)
    return lifted


def drop_unused(proto: Any) -> None:
    """Remove initializers that nothing reads."""
    used = {output.name for graph in graphs(proto.graph) for output in graph.output}
    used |= {name for graph in graphs(proto.graph) for node in graph.node for name in node.input}
    for graph in graphs(proto.graph):
        kept = [tensor for tensor in graph.initializer if tensor.name in used]
        if len(kept) != len(graph.initializer):
            del graph.initializer[:]
            graph.initializer.extend(kept)


def flatten_biases(proto: Any) -> None:
    """Change Gemm biases of shape (1, n) to the equivalent shape (n,).

    ONNX Runtime's own fusion writes the first form, and its quantizer (1.32) fails on it.
    """
    for graph in graphs(proto.graph):
        tensors = {tensor.name: tensor for tensor in graph.initializer}
        uses = [name for node in graph.node for name in node.input]
        for node in graph.node:
            bias = tensors.get(node.input[2]) if node.op_type == "Gemm" and len(node.input) > 2 else None
            if bias is not None and len(bias.dims) == 2 and bias.dims[0] == 1 and uses.count(bias.name) == 1:
                del bias.dims[0]


def opset(proto: Any) -> int:
    """Return the version of the default operator set; 0 where the model has none."""
    return max((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), default=0)


def count(proto: Any, *op_types: str) -> int:
    """Return the number of nodes of these types, including nested graphs."""
    return sum(node.op_type in op_types for graph in graphs(proto.graph) for node in graph.node)


def raise_opset(proto: Any, wanted: int) -> Any:
    """Return the model converted to operator set `wanted` or later.

    Raises:
        InputRefused: onnx cannot convert it.
    """
    import onnx

    if opset(proto) >= wanted:
        return proto
    try:
        return onnx.version_converter.convert_version(proto, wanted)
    except Exception as error:  # the converter raises bare RuntimeErrors and its own types
        raise InputRefused(
            "opset_too_old",
            "The model is written in an old version of ONNX",
            _("It uses operator set {0}, and {1} is needed: {2}.").format(opset(proto), wanted, one_line(error)),
            _("Export the model again with operator set {0} or newer.").format(wanted),
        ) from error


def start(path: Path, level: str = "none", save_to: Path | None = None) -> Any:
    """Open an ONNX Runtime session on the processor; `save_to` receives the optimized graph.

    Raises:
        NotRunnable: the library refuses the file.
    """
    from workers.infer import onnxruntime_cpu

    library = onnxruntime_cpu.import_library()
    options = onnxruntime_cpu.make_options(library, {"graph_optimization": level}, 1)
    if save_to is not None:
        options.optimized_model_filepath = str(save_to)
        if path.with_name(path.name + DATA_SUFFIX).is_file() or path.stat().st_size > EXTERNAL_FROM_BYTES:
            options.add_session_config_entry(
                "session.optimized_model_external_initializers_file_name", save_to.name + DATA_SUFFIX
            )
    return onnxruntime_cpu.start(library, path, options, ["CPUExecutionProvider"])


def check_opens(path: Path, title: str) -> None:
    """Check that ONNX Runtime can open the file that a technique has written.

    Raises:
        InputRefused: it cannot.
    """
    from workers.infer.base import NotRunnable

    try:
        start(path)
    except NotRunnable as error:
        raise broken(title, error) from error


def broken(title: str, error: BaseException) -> InputRefused:
    """Return the error for a technique whose library failed on this model."""
    return InputRefused(
        "technique_failed",
        _("{0} does not work on this model").format(_(title)),
        _("The library that does it gave up: {0}.").format(one_line(error)),
        "Try another technique; the original is unchanged.",
    )


def one_line(error: BaseException) -> str:
    """Return the error's text on one line, short enough for a sentence; a text of ours as it is."""
    if isinstance(words := message_of(error), Message):
        return words
    return (" ".join(str(error).split()) or type(error).__name__)[:300].rstrip(".")


@contextlib.contextmanager
def library_call(title: str, ctx: JobContext) -> Iterator[None]:
    """Wrap a call into a quantization library: its output goes to the log, its errors become readable.

    Cancellation is checked before and after the call, and where the library failed: it may have turned a cancellation
    into another error. Refusals pass through unchanged; a lack of memory becomes a MemoryError.
    """
    ctx.check_cancelled()
    root, printed = logging.getLogger(), _ToLog(ctx)
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(printed):
            warnings.simplefilter("ignore")
            yield
        ctx.check_cancelled()
    except (JobCancelled, WorkerError, MemoryError):
        raise
    except Exception as error:  # all other errors of such a library mean the same to people
        ctx.check_cancelled()
        if looks_like_memory(str(error)):
            raise MemoryError(one_line(error)) from error
        raise broken(title, error) from error
    finally:
        root.setLevel(level)


class _ToLog:
    """A text stream for `redirect_stdout` that passes on whole lines."""

    def __init__(self, ctx: JobContext) -> None:
        self._ctx = ctx

    def write(self, text: str) -> int:
        if text.strip():
            self._ctx.log(text.strip())
        return len(text)

    def flush(self) -> None:
        """Do nothing, because nothing is buffered."""
