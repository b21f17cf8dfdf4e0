"""Define the values of the page Goal: frozen, with raw numbers in SI units that the page rounds."""

from dataclasses import dataclass

from widgets.parts.nouns import DataKind
from workers.contracts.specs import Described, Recipe


@dataclass(frozen=True)
class PresetValue:
    """One preset card; `expect` is a text ("2 to 4 times faster").

    `problem` states why it cannot be used, with file and line.
    """

    id: str
    title: str
    text: str
    expect: str
    seconds: float
    icon: str = "target"
    problem: str = ""


@dataclass(frozen=True)
class ComputerValue:
    """One computer on which versions can be measured; `name` "" is this one, `detail` names its processor."""

    name: str
    title: str
    detail: str = ""


EditedRecipe = tuple[Recipe, bool]
"""A recipe in the editor, and whether it is enabled; a recipe that was added by hand has no id."""


@dataclass(frozen=True)
class GoalValue:
    """The page's value; `n_test` expresses the limit in examples.

    `expected` is the expected time of a run with the chosen preset here, "" if it is unknown. `short_of_memory`
    states what to do if the run probably needs more memory than is free, else "".
    """

    presets: tuple[PresetValue, ...]
    chosen: str
    limit_pct: float
    n_test: int = 0
    kind: DataKind = "images"
    recipes: tuple[EditedRecipe, ...] = ()
    techniques: tuple[Described, ...] = ()
    runtimes: tuple[tuple[str, str], ...] = ()  # id, title
    why_not: str = ""  # the button Start is disabled
    expected: str = ""
    short_of_memory: str = ""
    by_words: bool = False  # the limit of a language model is a share of next words
    computers: tuple[ComputerValue, ...] = ()  # empty if there is no other computer
    where: tuple[str, ...] = ("",)  # names of the computers where it is measured
