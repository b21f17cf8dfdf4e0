"""Play and stop for a sound. What plays it is elsewhere; where nothing can, it says so in words."""

from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from widgets.parts.buttons import GhostButton
from widgets.parts.text import words
from widgets.theme import Theme
from widgets.tokens import SPACE_S

SoundState = Literal["idle", "playing", "no_device", "failed"]


class SoundBar(QWidget):
    """`play_wanted` and `stop_wanted` come from the one button."""

    play_wanted = Signal()
    stop_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.state: SoundState = "idle"
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_S)
        self.button = GhostButton(theme, self.tr("Play"), "play", "small")
        self.button.clicked.connect(self._on_clicked)
        self._note = words("", "caption")
        row.addWidget(self.button)
        row.addWidget(self._note, 1)
        self.say("idle")

    def say(self, state: SoundState) -> None:
        """What the loudspeaker does."""
        self.state = state
        is_playing = state == "playing"
        self.button.relabel(self.tr("Stop") if is_playing else self.tr("Play"), "stop" if is_playing else "play")
        notes = {
            "no_device": self.tr("This computer has no loudspeaker that can be used now."),
            "failed": self.tr("The sound could not be played."),
        }
        self._note.setText(notes.get(state, ""))
        self._note.setVisible(state in notes)

    def _on_clicked(self) -> None:
        if self.state == "playing":
            self.stop_wanted.emit()
        else:
            self.play_wanted.emit()
