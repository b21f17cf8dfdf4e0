"""Save the settings that the window changes."""

import logging
from pathlib import Path

from app.settings import Settings, save_settings
from workers.contracts.errors import WorkerError


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
