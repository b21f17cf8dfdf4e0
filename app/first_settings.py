"""Read the settings that the window's first paint needs, without pydantic, which is imported after it.

`app.settings` declares all settings, and reads and checks the whole file once the window is visible.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

Appearance = Literal["system", "light", "dark"]
Language = Literal["", "en", "de", "fr", "es", "ja", "zh_CN"]
TextPercent = Literal[100, 125, 150, 175, 200]
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class FirstSettings:
    """The settings of the first paint, as `app.settings.Settings` has them."""

    theme: Appearance = "system"
    language: Language = ""
    text_percent: TextPercent = 100
    last_project_id: str = ""
    last_page: str = "model"
    window_geometry: str = ""


def read_first_settings(path: Path) -> FirstSettings:
    """Return the first settings of a file; the defaults for a file that is missing, damaged or unreadable."""
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(MAX_BYTES))
        found = {field.name: values[field.name] for field in fields(FirstSettings) if field.name in values}
    except (OSError, ValueError, TypeError, RecursionError):
        return FirstSettings()
    is_valid = all(
        value in get_args(kind) if (kind := FirstSettings.__annotations__[name]) is not str else isinstance(value, str)
        for name, value in found.items()
    )
    return FirstSettings(**found) if is_valid else FirstSettings()
