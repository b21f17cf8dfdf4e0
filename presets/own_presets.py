"""Add presets that the user wrote by hand and save presets from the window."""

import re
import unicodedata
from pathlib import Path

import yaml

from presets.loader import load_preset, load_presets
from presets.schema import Preset
from presets.yaml_file import PresetRefused

OWN_ICON, OWN_POSITION = "sliders-horizontal", 200
MAX_TITLE = 40


def add_preset(path: Path, own_folder: Path) -> Preset:
    """Check a preset file and copy its text unchanged into the user's folder.

    Raises:
        PresetRefused: if the file is not a preset or its id exists already.
        OSError: if the copy cannot be written.
    """
    preset = load_preset(path)
    if preset.id in {known.id for known in load_presets(own_folder).presets}:
        what = f"there is a preset “{preset.id}” already."
        raise PresetRefused(path, None, what, "Give it another id, or remove the other one from the presets folder.")
    _write(own_folder, preset.id, path.read_text(encoding="utf-8"))
    return preset


def save_preset(base: Preset, title: str, own_folder: Path) -> Preset:
    """Save `base` under the user's own title as a new file; a title that is taken gets a number in its id.

    Raises:
        OSError: if the file cannot be written.
    """
    title = " ".join(title.split())[:MAX_TITLE].strip() or "My preset"
    taken = {known.id for known in load_presets(own_folder).presets} | {path.stem for path in own_folder.glob("*.y*ml")}
    preset = base.model_copy(
        update={"id": _free_id(title, taken), "title": title, "icon": OWN_ICON, "position": OWN_POSITION}
    )
    _write(own_folder, preset.id, preset_text(preset))
    return preset


def preset_text(preset: Preset) -> str:
    """Return the preset as YAML, in the form of presets/data and without default values."""
    values = preset.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110)


def _free_id(title: str, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    start = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:36].strip("-") or "own"
    names = (start if number == 1 else f"{start}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _write(folder: Path, preset_id: str, text: str) -> None:
    """Write the preset file atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f".{preset_id}.part"
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(folder / f"{preset_id}.yaml")
    finally:
        scratch.unlink(missing_ok=True)
