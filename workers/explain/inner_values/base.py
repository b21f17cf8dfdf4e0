"""Common form of a model whose inner values are computed: its operators, and parts of it that run alone."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.infer.base import Arrays, NotRunnable
from workers.infer.chat_session import IDS

Values = dict[str, Any]
"""Inner values by name: arrays, and sizes or groups of arrays that only the same engine can read again."""

Run = Callable[[Values], Values]
"""Computes the values that a part gives from those that it takes."""


@dataclass(frozen=True)
class Operator:
    """One operator that depends on an input of the model.

    Attributes:
        name: Its unique name.
        reads: Names of the values that it reads, without weights and other constants.
        gives: Names of its outputs.
        weight_bytes: Bytes of the constants behind it.
        rounds_to: Number type to which it or its constants round: "int4", "int8", "bf16", "f16"; "" for none.
        weight_error: Relative error of those of its weights that are stored as whole numbers of 8 bits.
    """

    name: str
    reads: tuple[str, ...]
    gives: tuple[str, ...]
    weight_bytes: int = 0
    rounds_to: str = ""
    weight_error: float = 0.0


@dataclass(frozen=True)
class Part:
    """Operators that run alone.

    A value may be in `takes` and in `gives`: then the operators read what is fed, and the computed one is returned.
    """

    operators: tuple[Operator, ...]
    takes: tuple[str, ...]
    gives: tuple[str, ...]


class InnerModel(ABC):
    """A model file whose inner values can be computed. `operators` are in an order of execution.

    `precision` is the number type in which the engine computes 32-bit numbers ("f32", "bf16", "f16"). `other_names`
    gives the names of values by those that the file has for them.
    """

    operators: tuple[Operator, ...]
    inputs: tuple[str, ...]
    other_names: Mapping[str, str] = MappingProxyType({})
    precision: str = "f32"

    @abstractmethod
    def start(self, part: Part) -> Run:
        """Load one part with its weights, which are freed together with the returned function.

        Raises:
            NotRunnable: the engine refuses it. Running raises the same.
        """

    def dequantized(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers that quantized values stand for; other values are returned unchanged."""
        return values

    def complete(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Return a request with all inputs of the model and no others: a language model reads from an empty cache."""
        given = {name: np.asarray(array) for name, array in feeds.items()}
        if IDS in given:
            ids = given[IDS]
            given.setdefault("attention_mask", np.ones(ids.shape, np.int64))
            given.setdefault("position_ids", np.arange(ids.shape[1], dtype=np.int64)[None])
            given.setdefault("beam_idx", np.zeros(len(ids), np.int32))
        return {name: given[name] for name in self.inputs if name in given}

    @cached_property
    def makers(self) -> dict[str, Operator]:
        """Return {name of a value: the operator that gives it}."""
        return {name: operator for operator in self.operators for name in operator.gives}

    def value_of(self, names: Iterable[str]) -> str | None:
        """Return the computed value that has the first possible one of these names; None for constants and inputs."""
        found = (self.other_names.get(name, name) for name in names)
        return next((name for name in found if name in self.makers), None)

    @cached_property
    def places(self) -> dict[str, int]:
        """Return {name of an operator: its place in the order of execution}."""
        return {operator.name: place for place, operator in enumerate(self.operators)}

    def part(self, wanted: Iterable[str], known: Container[str]) -> Part:
        """Return the part that computes `wanted` from inputs and `known` values, even where it is known itself."""
        found: dict[str, Operator] = {}
        takes: dict[str, None] = {}
        gives = tuple(dict.fromkeys(wanted))
        unread = [self.makers[name] for name in gives]
        while unread:
            operator = unread.pop()
            if operator.name in found:
                continue
            found[operator.name] = operator
            for name in operator.reads:
                if name in known or name not in self.makers:
                    takes[name] = None
                else:
                    unread.append(self.makers[name])
        return Part(tuple(sorted(found.values(), key=lambda one: self.places[one.name])), tuple(takes), gives)


def plan(
    model: InnerModel, groups: Sequence[Sequence[str]], kept: Mapping[str, int]
) -> tuple[list[Part], dict[str, int]]:
    """Return parts, one for each group of wanted values, that run every operator once.

    The second value holds the number of the last part that needs a value; then it can be forgotten.

    Args:
        model: the model.
        groups: names of the wanted values.
        kept: numbers of the last groups for which values are needed from outside.
    """
    known: set[str] = set()
    parts = []
    for wanted in groups:
        parts.append(model.part((name for name in wanted if name not in known), known))
        known |= {name for operator in parts[-1].operators for name in operator.gives}
    last_use = dict(kept)
    for number, (part, wanted) in enumerate(zip(parts, groups, strict=True)):
        for name in (*part.takes, *wanted):
            last_use[name] = max(last_use.get(name, 0), number)
    for number, part in enumerate(parts):
        made = (name for operator in part.operators for name in operator.gives)
        gives = {name: None for name in made if last_use.get(name, -1) > number}
        parts[number] = replace(part, gives=tuple(dict.fromkeys((*part.gives, *gives))))
    return parts, last_use


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the errors of an engine into `NotRunnable`."""
    try:
        yield
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise NotRunnable(error) from error
    except Exception as error:  # ONNX Runtime's own errors derive from Exception alone
        if type(error).__module__.startswith(("onnxruntime", "google.protobuf")):
            raise NotRunnable(error) from error
        raise
