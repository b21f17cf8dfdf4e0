"""Play the sound of a page and report its state to the page."""

from collections.abc import Callable

from PySide6.QtCore import QObject

from app.services.machine.loudspeaker import Loudspeaker
from widgets.parts.sound_bar import SoundState
from widgets.timers import every

POLL_MS = 100


class SoundPlayer(QObject):
    """The loudspeaker of one page, owned by the page's controller."""

    def __init__(self, on_state: Callable[[SoundState], None], parent: QObject) -> None:
        """Create a silent player; `on_state(state)` is called after each change of its state."""
        super().__init__(parent)
        self._speaker, self._on_state = Loudspeaker(), on_state
        self._timer = every(self, POLL_MS, self._on_tick)

    def play(self, wav: bytes) -> None:
        """Play a WAV file from its beginning."""
        self._speaker.play(wav)
        self._on_state("playing")
        self._timer.start()

    def stop(self) -> None:
        """Stop the sound; nothing is reported if none plays."""
        if self._timer.isActive():
            self._timer.stop()
            self._speaker.stop()
            self._on_state("idle")

    def _on_tick(self) -> None:
        state = self._speaker.poll()
        if state != "playing":
            self._timer.stop()
            self._on_state(state)
