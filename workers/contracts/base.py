"""Base class of all messages, specifications and results that cross a process or file boundary."""

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue

from workers.contracts.paths import to_text
from workers.contracts.text import WHOLE

Row = TypeVar("Row")
PathText = Annotated[str, BeforeValidator(to_text)]
"""A path that the user named, as text; `workers.contracts.paths.from_text` converts it back."""


class Frozen(BaseModel):
    """Immutable model that refuses unknown fields, so that a spelling mistake is an error and not a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    def model_dump_json(self, **options: Any) -> str:
        """Return the record as JSON that keeps the templates of its texts (`Text`), for the program itself."""
        return super().model_dump_json(**{"context": WHOLE, **options})


class Nothing(Frozen):
    """Parameters of a job that has none, or the result of a job that only sends messages."""


class Rows(Frozen, Generic[Row]):
    """Parameters or result of a job that are a list of records."""

    rows: tuple[Row, ...]


class RunParams(Frozen):
    """A model in a folder and how to run it: the parameters that all jobs which run one version share.

    `data_dir` is the folder of the read data; "" for none. The kind ``chat`` has no other parameters, and neither has
    ``try_it``, which also accepts the numbers of test items of `data_dir`. Both load the model, send Ready("loaded")
    and answer each `Request` until an empty one.
    """

    model_dir: str
    data_dir: str = ""
    runtime: str
    settings: dict[str, JsonValue] = {}
