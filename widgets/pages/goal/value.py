"""Define the values of the page Goal: frozen, with raw numbers in SI units that the page rounds."""

from dataclasses import dataclass, field
from typing import Any

from widgets.parts.nouns import DataKind


@dataclass(frozen=True)
class PresetValue:
    """One preset card; `expect` is a text ("2 to 4 times faster").

    `problem` says why it cannot be used, with file and line. `how_long` is a text ("about 1 minute"); without it
    `seconds` is shown.
    """

    id: str
    title: str
    text: str
    expect: str
    seconds: float
    icon: str = "target"
    limit_pct: float = 1.0
    problem: str = ""
    how_long: str = ""


@dataclass(frozen=True)
class TechniqueValue:
    """A technique for recipes; `schema` is the JSON schema of its parameters."""

    id: str
    title: str
    summary: str
    schema: dict[str, Any] = field(default_factory=dict, hash=False)
    available: bool = True
    hint: str = ""


@dataclass(frozen=True)
class StepValue:
    """A technique with its parameters."""

    technique: str
    params: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class RecipeValue:
    """One recipe: its steps in order and its runtime."""

    title: str
    steps: tuple[StepValue, ...]
    runtime: str
    enabled: bool = True
    key: str = ""  # id of the preset's recipe; "" if it was added by hand


@dataclass(frozen=True)
class GoalValue:
    """The page's value; `n_test` and `accuracy` (0..1, the original's) express the limit in examples.

    `expected` is the expected time of a run with the chosen preset here, "" if it is unknown. `short_of_memory` says
    what to do if the run probably needs more memory than is free, else "".
    """

    presets: tuple[PresetValue, ...]
    chosen: str
    limit_pct: float
    n_test: int = 0
    labelled: bool = False
    accuracy: float | None = None
    kind: DataKind = "images"
    recipes: tuple[RecipeValue, ...] = ()
    techniques: tuple[TechniqueValue, ...] = ()
    runtimes: tuple[tuple[str, str], ...] = ()  # id, title
    can_start: bool = True
    why_not: str = ""
    expected: str = ""
    short_of_memory: str = ""
    by_words: bool = False  # the limit of a language model is a share of next words
