"""The settings file as the window changes it."""

import logging
from pathlib import Path

from app.settings import Settings, save_settings
from workers.contracts.errors import WorkerError


class KeptSettings:
    """What is set now; every change is written at once."""

    def __init__(self, path: Path, value: Settings) -> None:
        self._path = path
        self.value = value

    def keep(self, **changes: object) -> None:
        """Change and save. Raises `DataFolderUnusable`."""
        changed = self.value.model_copy(update=changes)
        if changed != self.value:
            self.value = changed
            save_settings(self._path, changed)

    def try_to_keep(self, **changes: object) -> None:
        """The same for what may be lost: where the window was."""
        try:
            self.keep(**changes)
        except WorkerError:
            logging.getLogger(__name__).warning("the settings could not be saved", exc_info=True)
