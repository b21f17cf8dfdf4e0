"""`pipeline.json` at the program's boundaries: the dataclasses of `workers.pipeline.spec`, checked by pydantic."""

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from workers.pipeline.spec import PIPELINE_FILE
from workers.pipeline.spec import AudioSteps as AudioSteps
from workers.pipeline.spec import BoxesSteps as BoxesSteps
from workers.pipeline.spec import ImageSteps as ImageSteps
from workers.pipeline.spec import MaskSteps as MaskSteps
from workers.pipeline.spec import Part as Part
from workers.pipeline.spec import PipelineSpec as PipelineSpec
from workers.pipeline.spec import Preprocess as Preprocess
from workers.pipeline.spec import Task as Task
from workers.pipeline.spec import TextSteps as TextSteps

P = TypeVar("P", bound=Part)
_SPEC = TypeAdapter(PipelineSpec)
SPEC_NAMES = {
    "frame_samples": "frame",
    "context_samples": "context",
    "sample_rate_hz": "sample_rate",
}
NOT_IN_SPEC = ("kind", "tokenizer", "pixels")


def read_pipeline(folder: Path) -> PipelineSpec:
    """Read and check `folder`/pipeline.json.

    Raises:
        OSError: It cannot be read.
        ValidationError: It is no such description, or exceeds the bounds.
    """
    return parse_pipeline((folder / PIPELINE_FILE).read_bytes())


def parse_pipeline(text: str | bytes) -> PipelineSpec:
    """Return the description in `text`. Raises `ValidationError` as `read_pipeline` does."""
    return _SPEC.validate_json(text)


def checked(part: P) -> P:
    """Return the same part of a description with its types, words and bounds checked.

    The constructors of the classes check nothing, so values from untrusted files go through this function.

    Raises:
        ValidationError: It exceeds the bounds.
    """
    kind: Any = type(part)  # mypy does not take a class for hashable
    valid: P = _adapter(kind).validate_python(asdict(part))
    return valid


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    """Return the checks of a class; making them takes 200 times as long as checking."""
    return TypeAdapter(kind)


def write_pipeline(folder: Path, spec: PipelineSpec) -> None:
    """Check `spec` and write it as `folder`/pipeline.json, with all fields.

    Raises:
        ValidationError: It exceeds the bounds.
    """
    (folder / PIPELINE_FILE).write_bytes(_SPEC.dump_json(checked(spec), indent=1))


def pipeline_document(spec: PipelineSpec) -> dict[str, Any]:
    """Return `spec` as the JSON values of pipeline.json."""
    document: dict[str, Any] = _SPEC.dump_python(spec, mode="json")
    return document


def spec_text(steps: Preprocess) -> str:
    """Return the SPEC of ``--preprocess`` that describes the same steps."""
    values = {name: value for name, value in vars(steps).items() if name not in NOT_IN_SPEC}
    return ",".join(f"{SPEC_NAMES.get(name, name)}={_value_text(name, value)}" for name, value in values.items())


def _value_text(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, tuple):
        joined = "x" if name in ("resize", "crop") else "/"
        return joined.join("*" if part is None else f"{part:.9g}" for part in value)
    return str(value)
