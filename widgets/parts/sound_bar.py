"""Show the play button of a sound; another object plays it, and a text shows if that is impossible."""

from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from widgets.parts.buttons import GhostButton
from widgets.parts.layout import in_row
from widgets.parts.text import words
from widgets.theme import Theme
from workers.contracts.translation import _

SoundState = Literal["idle", "playing", "no_device", "failed"]


class SoundBar(QWidget):
    """The play button of a sound; it emits `play_wanted(WAV bytes)` or `stop_wanted`."""

    play_wanted = Signal(bytes)
    stop_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        """Create an idle bar."""
        super().__init__()
        self.state: SoundState = "idle"
        self.sound = b""
        self.button = GhostButton(theme, _("Play"), "play", "small", on=self._on_clicked)
        self._note = words("", "caption")
        in_row(self.button, (self._note, 1), parent=self)
        self.show_state("idle")

    def show_sound(self, wav: bytes) -> None:
        """Offer another sound; b"" hides the button."""
        self.sound = wav
        self.setVisible(bool(wav))

    def show_state(self, state: SoundState) -> None:
        """Show the state of the loudspeaker."""
        self.state = state
        is_playing = state == "playing"
        self.button.relabel(_("Stop") if is_playing else _("Play"), "stop" if is_playing else "play")
        notes = {
            "no_device": _("No loudspeaker is available on this computer."),
            "failed": _("The sound could not be played."),
        }
        self._note.setText(notes.get(state, ""))
        self._note.setVisible(state in notes)

    def _on_clicked(self) -> None:
        if self.state == "playing":
            self.stop_wanted.emit()
        else:
            self.play_wanted.emit(self.sound)
