"""Define the value of the page Data: the result of reading the examples, and what the page shows next to it."""

from dataclasses import dataclass

from widgets.parts.small import CheckValue
from workers.contracts.data.reading import DataResult
from workers.contracts.pipeline import PipelineSpec


@dataclass(frozen=True)
class DataValue:
    """A data set that was read; `source` is the dropped folder or file.

    `spec` describes the inputs and outputs of the model, and `model_classes` are its classes. `earlier` is the name of
    the set that this one replaced, "" for none.
    """

    result: DataResult
    source: str = ""
    checks: tuple[CheckValue, ...] = ()
    spec: PipelineSpec | None = None
    model_classes: tuple[str, ...] = ()
    earlier: str = ""
