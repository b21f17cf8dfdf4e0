"""Find the presets that come with Fettle and those in the user's own folder."""

import functools
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from presets.schema import Preset
from presets.yaml_file import PresetRefused, check, read_yaml
from workers.contracts.specs import Recipe

BUILTIN_FOLDER = Path(__file__).parent / "data"
DEFAULT_ID = "balanced"

_recipes: TypeAdapter[tuple[Recipe, ...]] = TypeAdapter(tuple[Recipe, ...])


@dataclass(frozen=True)
class Catalog:
    """All usable presets in the order of their cards; `problems` lists the user's files that were refused."""

    presets: tuple[Preset, ...]
    problems: tuple[PresetRefused, ...] = ()

    def for_task(self, task: str) -> tuple[Preset, ...]:
        """Return the presets made for a task, or those without a task if none is made for it."""
        own = tuple(preset for preset in self.presets if task in preset.tasks)
        return own or tuple(preset for preset in self.presets if not preset.tasks)

    def usual_for(self, task: str) -> Preset:
        """Return the default preset for a task."""
        fitting = self.for_task(task)
        return next((preset for preset in fitting if preset.id == DEFAULT_ID), fitting[0])

    def get(self, preset_id: str) -> Preset:
        """Return the preset with this id.

        Raises:
            PresetRefused: if there is none. The message names the existing presets.
        """
        for preset in self.presets:
            if preset.id == preset_id:
                return preset
        known = ", ".join(preset.id for preset in self.presets)
        raise PresetRefused(Path(preset_id), None, "there is no preset of this name.", f"Choose one of: {known}.")


def load_preset(path: Path) -> Preset:
    """Read one preset file.

    Raises:
        PresetRefused: with the file and line of the mistake.
    """
    values, node = read_yaml(path)
    return check(Preset, path, values, node)


def load_recipes(path: Path) -> tuple[Recipe, ...]:
    """Read the file of `--recipe FILE.yaml`: one recipe, a list of recipes, or a preset, whose recipes are used."""
    values, node = read_yaml(path)
    if isinstance(values, dict) and "recipes" in values:
        return check(Preset, path, values, node).recipes
    if isinstance(values, list):
        recipes = check(_recipes, path, values, node)
        if not recipes:
            raise PresetRefused(path, 1, "the list of recipes is empty.", "Write at least one recipe into it.")
        return recipes
    return (check(Recipe, path, values, node),)


def load_presets(own_folder: Path | None = None) -> Catalog:
    """Load the presets that come with Fettle, then the `*.yaml` and `*.yml` files of `own_folder`.

    A mistake in a built-in preset raises; a mistake in one of the user's files goes to `problems`. An id that exists
    already is refused, so that no file can replace another preset.
    """
    presets = list(_builtin())
    origin = {preset.id: "a preset that comes with Fettle" for preset in presets}
    if len(origin) != len(presets):
        raise ValueError("two presets that come with Fettle have the same id")
    problems: list[PresetRefused] = []
    for path in _own_files(own_folder, problems):
        try:
            preset = load_preset(path)
            if preset.id in origin:
                raise PresetRefused(
                    path, None, f"its id “{preset.id}” belongs to {origin[preset.id]}.", "Give it another id."
                )
        except PresetRefused as problem:
            problems.append(problem)
        else:
            presets.append(preset)
            origin[preset.id] = path.name
    return Catalog(tuple(sorted(presets, key=lambda preset: (preset.position, preset.id))), tuple(problems))


@functools.cache
def _builtin() -> tuple[Preset, ...]:
    """Return the presets that come with Fettle, which do not change while it runs."""
    return tuple(load_preset(path) for path in sorted(BUILTIN_FOLDER.glob("*.yaml")))


def preset_of_recipes(path: Path, own_folder: Path | None = None) -> Preset:
    """Return the preset of a recipe file for one run (`--recipe FILE.yaml`).

    A whole preset keeps its own limits. A file with recipes alone gets the limits of “Balanced”.

    Raises:
        PresetRefused: with the file and line of the mistake.
    """
    values, _ = read_yaml(path)
    if isinstance(values, dict) and "recipes" in values:
        return load_preset(path)
    base = load_presets(own_folder).get(DEFAULT_ID)
    return base.with_recipes(load_recipes(path)).model_copy(update={"title": path.stem})


def _own_files(folder: Path | None, problems: list[PresetRefused]) -> list[Path]:
    if folder is None or not folder.exists():
        return []
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".yaml", ".yml"))
        return [path for path in found if not path.is_fifo()]  # reading a pipe would never end
    except OSError as error:
        what = f"the folder cannot be read ({error.strerror})."
        problems.append(PresetRefused(folder, None, what, "Check its rights."))
        return []
