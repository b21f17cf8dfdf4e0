"""Load the list of hub models for beginners from a local file, so that the list needs no request."""

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter

from presets.schema import Sentence
from presets.yaml_file import check, read_yaml
from workers.contracts.base import Frozen

STARTERS_FILE = Path(__file__).with_name("starters.yaml")

RepoId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}$")]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
TaskId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]


class Confirmed(Frozen):
    """Confirmation that the model was downloaded, opened and optimized on `day` at `revision`."""

    day: date
    revision: Commit


class Starter(Frozen):
    """One hub model for beginners; `task` is the hub's task name, `title` and `about` describe it to a newcomer."""

    repo: RepoId
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    task: TaskId
    about: Sentence
    confirmed: Confirmed | None = None


def _all_differ(starters: tuple[Starter, ...]) -> tuple[Starter, ...]:
    repos = [starter.repo.lower() for starter in starters]
    twice = sorted({repo for repo in repos if repos.count(repo) > 1})
    if twice:
        raise ValueError(f"“{twice[0]}” is there twice")
    return starters


Starters = Annotated[tuple[Starter, ...], Field(min_length=1), AfterValidator(_all_differ)]
_starters: TypeAdapter[tuple[Starter, ...]] = TypeAdapter(Starters)


def load_starters(path: Path = STARTERS_FILE) -> tuple[Starter, ...]:
    """Return the models in the order of the file.

    Raises:
        PresetRefused: with the file and line of the mistake.
    """
    values, node = read_yaml(path)
    return check(_starters, path, values, node)
