"""Read `pipeline.json` with the standard library alone, as in bundles; `workers.contracts.pipeline` also checks it."""

import functools
import json
import typing
from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from .spec import PIPELINE_FILE, PipelineError, PipelineSpec


def read_spec(folder: Path) -> PipelineSpec:
    """Read `folder`/pipeline.json.

    Raises:
        FileNotFoundError: The file is missing.
        PipelineError: It is not a valid description.
    """
    text = (folder / PIPELINE_FILE).read_text(encoding="utf-8")
    try:
        return parse_spec(json.loads(text))
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise PipelineError("{0} cannot be understood: {1}.", PIPELINE_FILE, error) from error


def parse_spec(data: Mapping[str, Any]) -> PipelineSpec:
    """Return the dataclasses of one parsed pipeline.json.

    Raises:
        KeyError, TypeError: A field is missing.
        PipelineError: The version is not supported.
    """
    if data.get("version", 1) != 1:
        raise PipelineError("{0} has version {1}, and only version 1 is known here.", PIPELINE_FILE, data["version"])
    spec: PipelineSpec = _part(PipelineSpec, data)
    return spec


def _part(cls: Any, data: Mapping[str, Any]) -> Any:
    """Return `cls` with its fields from `data`; unknown fields are left out."""
    types = _types(cls)
    return cls(**{name: _value(types[name], value) for name, value in data.items() if name in types})


@functools.cache
def _types(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _value(expected: Any, value: Any) -> Any:
    """Return `value` with lists as tuples and objects as the part that `expected` or their `kind` names."""
    options = typing.get_args(expected) or (expected,)
    parts: list[Any] = [option for option in options if is_dataclass(option)]
    if not parts:
        return tuple(value) if isinstance(value, list) else value
    if typing.get_origin(expected) is tuple:
        return tuple(_part(parts[0], entry) for entry in value)
    if not value and type(None) in options:
        return None
    chosen = parts[0] if len(parts) == 1 else {part.kind: part for part in parts}[value["kind"]]
    return _part(chosen, value)
