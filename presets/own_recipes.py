"""Make a preset for one run from the user's own recipes (`--recipe FILE.yaml`)."""

from pathlib import Path

from presets.loader import DEFAULT_ID, load_preset, load_presets, load_recipes
from presets.schema import Preset
from presets.yaml_file import read_yaml


def preset_of_recipes(path: Path, own_folder: Path | None = None) -> Preset:
    """Return the preset of a recipe file.

    A whole preset keeps its own limits. A file with recipes alone gets the limits of “Balanced”.

    Raises:
        PresetRefused: with the file and line of the mistake.
    """
    values, _ = read_yaml(path)
    if isinstance(values, dict) and "recipes" in values:
        return load_preset(path)
    base = load_presets(own_folder).get(DEFAULT_ID)
    return base.with_recipes(load_recipes(path)).model_copy(update={"title": path.stem})
