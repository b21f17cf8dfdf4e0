"""Bodies of requests as pydantic models, which check them and describe them in the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, WithJsonSchema

from .documents import RequestError, read_document

MAX_DIMENSIONS = 16
MAX_INPUTS, MAX_MESSAGES, MAX_PARTS = 1_000, 500, 10_000
MAX_STOPS, MAX_STOP_CHARS = 4, 1_000
Datatype = Literal[
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64"
]
Size = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Body = TypeVar("Body", bound=BaseModel)


class TensorParameters(BaseModel):
    """Parameters of an input: the size in bytes of its binary data."""

    binary_data_size: Size | None = None


class InferInput(BaseModel):
    """One input; `data` is checked with the model's dtype, in parts."""

    name: str
    datatype: Datatype
    shape: Annotated[list[Size], Field(max_length=MAX_DIMENSIONS, fail_fast=True)]
    data: Annotated[Any, WithJsonSchema({"type": "array"})] = None
    parameters: TensorParameters = TensorParameters()


class OutputParameters(BaseModel):
    """Parameters of an output: whether it is sent as binary data."""

    binary_data: bool | None = None
    classification: Any = None


class InferOutput(BaseModel):
    """One output tensor that a request names; without any, all outputs are returned."""

    name: str
    parameters: OutputParameters = OutputParameters()


class InferParameters(BaseModel):
    """Parameters of a request: whether outputs are sent as binary data."""

    binary_data_output: bool = False


class InferBody(BaseModel, coerce_numbers_to_str=True):
    """A request for the model's outputs; no `outputs` means all."""

    id: str | None = None
    inputs: Annotated[list[InferInput], Field(max_length=MAX_INPUTS, fail_fast=True)]
    outputs: Annotated[list[InferOutput], Field(max_length=MAX_INPUTS, fail_fast=True)] | None = None
    parameters: InferParameters = InferParameters()


class LoadParameters(BaseModel):
    """Parameters of a change: the absolute path of the bundle."""

    path: str


class LoadBody(BaseModel):
    """A request to load another bundle."""

    parameters: LoadParameters


class ChatPart(BaseModel):
    """One text part of a chat message, as clients send content in parts."""

    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """One message of a dialogue."""

    role: Literal["system", "user", "assistant"]
    content: str | Annotated[list[ChatPart], Field(max_length=MAX_PARTS, fail_fast=True)]

    @property
    def text(self) -> str:
        """Return the content as one text."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


Stop = Annotated[str, Field(min_length=1, max_length=MAX_STOP_CHARS)]
Tokens = Annotated[int, Field(strict=True, ge=1, le=100_000)]


class ChatBody(BaseModel):
    """A request for the next answer of a dialogue; unknown fields are ignored, as clients expect."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES, fail_fast=True)]
    max_completion_tokens: Tokens | None = None
    max_tokens: Tokens = 512
    temperature: Annotated[float, Field(strict=True, ge=0, le=5)] = 1.0
    seed: Annotated[int, Field(strict=True, ge=0, le=2**53)] = 0
    stop: Stop | Annotated[list[Stop], Field(max_length=MAX_STOPS)] = []
    stream: bool = False
    n: Literal[1] = 1
    tools: Annotated[list[Any], Field(max_length=0)] = []
    functions: Annotated[list[Any], Field(max_length=0)] = []

    @property
    def dialogue(self) -> tuple[dict[str, str], ...]:
        """Return role and text of each message, as a pipeline takes them."""
        return tuple({"role": one.role, "content": one.text} for one in self.messages)

    @property
    def max_new_tokens(self) -> int:
        """Return the limit under its present name, or under its older one."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def stops(self) -> list[str]:
        """Return the texts at which the answer ends."""
        return [self.stop] if isinstance(self.stop, str) else self.stop


def read_body(form: type[Body], text: bytes) -> Body:
    """Return the request in `text`, where null stands for a missing field; raise RequestError with its first error."""
    document = read_document(text)
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if value is not None}
    try:
        return form.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise RequestError(f"{place[:80]}: {first['msg']}") from error
