"""One form of a model's graph for all formats, as it is compared."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Node:
    """One operator.

    Attributes:
        name: Unique name in the graph; made from the first output where the file has none.
        op: Kind of the operator as the format calls it.
        inputs: Names of the computed values that it reads, without weights, in their order.
        outputs: Names of the values that it gives.
        shape: Sizes of the first output (None for a free size); None if unknown.
        dtype: Number type of the first output ("f32", "bf16", "f16", "int8", "u8", "int4", "i64", …); "" if unknown.
        weight_dtype: Number type of the largest weight as stored; "" without weights.
        weight_bytes: Stored bytes of its weights.
        weight_shape: Sizes of the largest weight.
        weight_hash: Digest of the bytes of all its weights; "" without weights.
        weight_names: Names of its weights, the one with most numbers first.
        weight_sums: Digest of the numbers of each weight in any order, so that transposed weights have the same.
        attributes: Attributes as short texts.
        depth: Number of loops and branches around it.
    """

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    shape: tuple[int | None, ...] | None = None
    dtype: str = ""
    weight_dtype: str = ""
    weight_bytes: int = 0
    weight_shape: tuple[int, ...] = ()
    weight_hash: str = ""
    weight_names: tuple[str, ...] = ()
    weight_sums: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    depth: int = 0


@dataclass(frozen=True)
class ModelGraph:
    """The graph of one model; `nodes` are in an order of execution.

    Attributes:
        inputs: Names of the model's inputs as values; `outputs` are those of its outputs.
        notes: Sentences for the user: which of several programs this is, and what could not be read.
        form: The format that names its operators: "onnx", "openvino-ir" or "torch".
    """

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    notes: tuple[str, ...] = ()
    form: str = "onnx"
