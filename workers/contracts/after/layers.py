"""Contracts of the job kind ``layers``: time per layer of a model (the page "Layers")."""

from pydantic import Field

from workers.contracts.base import Frozen
from workers.contracts.specs import RunParams


class LayersParams(RunParams):
    """Parameters of the kind ``layers``: run one request of a version a few times and measure the time of each layer.

    Attributes:
        sensitivity_dir: Folder of a version whose layers were ranked by how much 8 bits change the predictions, if any.
    """

    sensitivity_dir: str | None = None


class Layer(Frozen):
    """One layer as the engine runs it; the engine may fuse several operators of the file into one.

    Attributes:
        order: Position in the order of execution.
        ms: The fastest of a few runs, in milliseconds.
        size_bytes: Size of its stored weights; None if unknown.
        precision: Number format of its computation ("f32", "bf16", "int8", …); "" if the engine does not report it.
        sensitivity: Squared error of the outputs divided by their square, with only this layer in 8 bits. None if it
            was not measured, or if the engine has fused the layer under another name.
    """

    order: int
    name: str
    kind: str
    ms: float = Field(ge=0)
    size_bytes: int | None = None
    precision: str = ""
    sensitivity: float | None = None


class LayersResult(Frozen):
    """Result of the kind ``layers``.

    Attributes:
        layers: Layers in the order of execution, without those that take no time.
        total_ms: Sum of their times.
        part: The measured part of a combined version; "" for a plain one.
    """

    layers: tuple[Layer, ...]
    total_ms: float
    part: str = ""
