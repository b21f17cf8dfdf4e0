"""Finds the presets: those that come with Fettle, then the person's own folder."""

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
    """All usable presets in the order of the cards; `problems` are the person's files that were left out."""

    presets: tuple[Preset, ...]
    problems: tuple[PresetRefused, ...] = ()

    def for_task(self, task: str) -> tuple[Preset, ...]:
        """Those for models of a task: its own where there are any, else all that name no task."""
        own = tuple(preset for preset in self.presets if task in preset.tasks)
        return own or tuple(preset for preset in self.presets if not preset.tasks)

    def usual_for(self, task: str) -> Preset:
        """What a person gets who chooses nothing."""
        fitting = self.for_task(task)
        return next((preset for preset in fitting if preset.id == DEFAULT_ID), fitting[0])

    def get(self, preset_id: str) -> Preset:
        """The preset of that id. Raises `PresetRefused`, which names those that exist."""
        for preset in self.presets:
            if preset.id == preset_id:
                return preset
        known = ", ".join(preset.id for preset in self.presets)
        raise PresetRefused(Path(preset_id), None, "there is no preset of this name.", f"Choose one of: {known}.")


def load_preset(path: Path) -> Preset:
    """One file. Raises `PresetRefused` with file and line."""
    values, node = read_yaml(path)
    return check(Preset, path, values, node)


def load_recipes(path: Path) -> tuple[Recipe, ...]:
    """`--recipe FILE.yaml`: one recipe, a list of recipes, or a whole preset, whose recipes count."""
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
    """Those that come with Fettle, then the `*.yaml` of `own_folder`.

    A mistake in the first raises, in the second it is told in `problems`. An id that exists already is
    refused, so that nobody's file can pass for another preset.
    """
    presets = [load_preset(path) for path in sorted(BUILTIN_FOLDER.glob("*.yaml"))]
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


def _own_files(folder: Path | None, problems: list[PresetRefused]) -> list[Path]:
    if folder is None or not folder.exists():
        return []
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in (".yaml", ".yml"))
    except OSError as error:
        what = f"the folder cannot be read ({error.strerror})."
        problems.append(PresetRefused(folder, None, what, "Check its rights."))
        return []
