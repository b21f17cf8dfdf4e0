"""Load and save the settings that apply to all projects.

The settings are one small file, read before the database is opened; `app.first_settings` reads what the first paint
needs. Each setting is declared once, here: name, type, bounds, default and the texts of its field.
"""

import logging
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from app.files import write_whole
from app.first_settings import MAX_BYTES, Appearance, Language, TextPercent
from app.paths import unusable
from workers.contracts.base import Frozen
from workers.contracts.errors import WorkerError
from workers.contracts.process.messages import Card
from workers.contracts.translation import _

DAMAGED_SUFFIX = ".damaged"


class Settings(Frozen):
    """All settings. Settings without a field (`hidden` in the schema) remember the last state of the window.

    Settings of a newer version are kept unread, because people may go back to this version and forward again.
    """

    model_config = ConfigDict(extra="allow")

    theme: Appearance = Field(
        default="system", title="Appearance", description="Light or dark, or as the rest of the computer."
    )
    language: Language = Field(default="", title="Language", description="Empty: as the rest of the computer.")
    text_percent: TextPercent = Field(
        default=100, title="Text size", description="In percent of the system's size, for all of the window."
    )
    motion: Literal["system", "full", "reduced"] = Field(
        default="system", title="Movement", description="“reduced” stops animations, whatever the system is set to."
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        title="Processor cores to use",
        description="Empty: all that are there. Fewer leave the computer free for other work.",
    )
    memory_limit_bytes: int | None = Field(
        default=None,
        ge=1 << 28,
        le=1 << 60,
        title="Memory for one step of the work",
        description="A step that needs more is stopped. Empty: Fettle's own limit.",
    )
    store_limit_bytes: int | None = Field(
        default=None,
        ge=10**9,
        le=1 << 60,
        title="Disk space for projects",
        description="Beyond it, what nothing needs is removed after runs and at the start. Empty: no limit.",
    )
    log_level: Literal["info", "debug"] = Field(
        default="info", title="Detail of the log", description="“debug” helps when a problem is to be reported."
    )
    weekly_updates: bool = Field(
        default=False,
        title="Look for a newer version once a week",
        description="Asks the server of updates, and sends nothing about you. Nothing is installed without you.",
    )
    updates_looked_at: AwareDatetime | None = Field(default=None, json_schema_extra={"hidden": True})
    updates_issued: AwareDatetime | None = Field(
        default=None, description="Date of the newest index that was seen.", json_schema_extra={"hidden": True}
    )
    gpu_uuid: str = Field(default="", json_schema_extra={"hidden": True})
    gpu_index: int = Field(default=0, ge=0, json_schema_extra={"hidden": True})
    last_project_id: str = Field(default="", json_schema_extra={"hidden": True})
    export_target: str = Field(default="", json_schema_extra={"hidden": True})
    last_page: str = Field(default="model", json_schema_extra={"hidden": True})
    window_geometry: str = Field(
        default="", description="Qt's saved geometry in base 64.", json_schema_extra={"hidden": True}
    )


def chosen_card(settings: Settings) -> Card | None:
    """Return the GPU selected in the settings; None means the first GPU."""
    return Card(uuid=settings.gpu_uuid, index=settings.gpu_index) if settings.gpu_uuid else None


def load_settings(path: Path) -> tuple[Settings, str]:
    """Read the settings; a missing file gives the defaults, a damaged one is kept as ``….damaged`` and reported.

    The second value is one sentence about why the defaults replace the file, "" if they do not.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
    except FileNotFoundError:
        return Settings(), ""
    except OSError as error:
        return Settings(), _("The settings in {0} cannot be read ({1}).").format(path, error.strerror)
    try:
        return Settings.model_validate_json(data), ""
    except ValidationError as error:
        return Settings(), _set_aside(path, error)


def save_settings(path: Path, settings: Settings) -> None:
    """Write all settings in one atomic step.

    Raises:
        DataFolderUnusable: if the file cannot be written.
    """
    try:
        write_whole(path, settings.model_dump_json(indent=1).encode())
    except OSError as error:
        raise unusable(path, error) from error


def _set_aside(path: Path, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    reason = f"“{place}”: {first['msg']}" if place else first["msg"]
    kept = path.with_name(path.name + DAMAGED_SUFFIX)
    try:
        path.replace(kept)
    except OSError:
        kept = path
    return _("The settings could not be used ({0}). The usual ones hold; the old file is {1}.").format(reason, kept)


class SavedSettings:
    """The current settings; each change is written to the file at once. Owned by the application."""

    def __init__(self, path: Path, value: Settings) -> None:
        """Create the settings with their file and their current value."""
        self._path = path
        self.value = value

    def save(self, **changes: object) -> None:
        """Change settings and save them.

        Raises:
            DataFolderUnusable: if the file cannot be written.
        """
        changed = self.value.model_copy(update=changes)
        if changed != self.value:
            self.value = changed
            save_settings(self._path, changed)

    def try_to_save(self, **changes: object) -> None:
        """Change settings that may be lost, such as the window's geometry; a failure is only logged."""
        try:
            self.save(**changes)
        except WorkerError:
            logging.getLogger(__name__).warning("the settings could not be saved", exc_info=True)
