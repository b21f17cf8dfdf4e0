"""`--recipe FILE.yaml`: the person's own recipes, as a preset for one run."""

from pathlib import Path

from presets.loader import DEFAULT_ID, load_preset, load_presets, load_recipes
from presets.schema import Preset
from presets.yaml_file import read_yaml


def preset_of_recipes(path: Path, own_folder: Path | None = None) -> Preset:
    """A file that holds a whole preset counts with its limits; one with recipes alone gets those of “Balanced”.

    Raises `PresetRefused` with file and line.
    """
    values, _ = read_yaml(path)
    if isinstance(values, dict) and "recipes" in values:
        return load_preset(path)
    base = load_presets(own_folder).get(DEFAULT_ID)
    return base.with_recipes(load_recipes(path)).model_copy(update={"title": path.stem})
