"""What the time of a model's layers is asked and told with: the job kind ``layers`` (the page "Layers")."""

from pydantic import Field, JsonValue

from workers.contracts.base import Frozen


class LayersParams(Frozen):
    """kind ``layers``: runs one request of a version a few times and tells where the time goes.

    `sensitivity_dir` is the folder of a version whose layers were ranked by what 8 bits cost in answers, if there is
    one.
    """

    model_dir: str
    data_dir: str
    runtime: str
    settings: dict[str, JsonValue] = {}
    sensitivity_dir: str | None = None


class Layer(Frozen):
    """One part as the engine runs it, several of the file's operators fused where it fuses them.

    `order` counts in the order of execution. `ms` is the fastest of a few runs; `size_bytes` are its weights as they
    are stored, None where that cannot be told. `precision` is what it computes in ("f32", "bf16", "int8", …), "" where
    the engine does not say. `sensitivity` is the squared error of the answers over their square, with this layer alone
    in 8 bits; None where it was not measured, or where the engine has fused the layer under another name.
    """

    order: int
    name: str
    kind: str
    ms: float = Field(ge=0)
    size_bytes: int | None = None
    precision: str = ""
    sensitivity: float | None = None


class LayersResult(Frozen):
    """`layers` in their order, those without time left out; `total_ms` is the sum of their times.

    `part` says which part of a combined version was looked at, "" for a plain one.
    """

    layers: tuple[Layer, ...]
    total_ms: float
    part: str = ""
