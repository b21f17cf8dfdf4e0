"""What the page Goal shows: frozen, raw numbers in SI units; the page rounds them."""

from dataclasses import dataclass, field
from typing import Any

from widgets.parts.nouns import DataKind


@dataclass(frozen=True)
class PresetValue:
    """One card. `expect` is words ("2 to 4 times faster"), `problem` says why it cannot be used: file and line.

    `how_long` is words ("about 1 minute"); without them `seconds` says it.
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
    """A technique that may stand in a recipe; `schema` is the JSON schema of its parameters."""

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
    """One version to try: its steps in order and what runs it."""

    title: str
    steps: tuple[StepValue, ...]
    runtime: str
    enabled: bool = True
    key: str = ""  # which recipe of the preset it is; empty for one that was added by hand


@dataclass(frozen=True)
class GoalValue:
    """`n_test` and `accuracy` (0..1, the original's) put the limit into examples.

    `expected` says how long a run with the chosen preset will likely take here, "" where that cannot be said yet;
    `short_of_memory` what to do where it will likely need more memory than is free, else "".
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
    by_words: bool = False  # of a language model the limit is a share of next words
