"""Play a sound in its own process: opening a device may take seconds, and its libraries write to stderr."""

import contextlib
import io
import multiprocessing
import os
import time
import wave
from multiprocessing.process import BaseProcess
from typing import Any, Literal

State = Literal["idle", "playing", "no_device", "failed"]
NO_DEVICE = 3
TAIL_S = 0.3
"""Seconds of sound in the device's buffer after the last samples were passed on."""


class Loudspeaker:
    """The player of one page: one sound at a time, a new one ends the previous one. Call `poll` while it plays."""

    def __init__(self) -> None:
        """Create a silent player."""
        self.state: State = "idle"
        self._process: BaseProcess | None = None

    def play(self, wav: bytes) -> None:
        """Play `wav`, one channel of 16 bits as `examples` jobs write it."""
        self.stop()
        self._process = multiprocessing.get_context("spawn").Process(target=play_wav, args=(wav,), daemon=True)
        self._process.start()
        self.state = "playing"

    def poll(self) -> State:
        """Return the present state."""
        process = self._process
        if process is not None and process.exitcode is not None:
            code = process.exitcode
            process.close()
            self._process = None
            self.state = "idle" if code == 0 else "no_device" if code == NO_DEVICE else "failed"
        return self.state

    def stop(self) -> None:
        """Stop the sound at once."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None
        self.state = "idle"


def play_wav(wav: bytes) -> None:
    """Play until the sound is over, in the child process; exit code 3 means that there is no device."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    import miniaudio

    try:
        play_on(wav, [backend for backend in miniaudio.Backend if backend is not miniaudio.Backend.NULL])
    except miniaudio.MiniaudioError:
        raise SystemExit(NO_DEVICE) from None


def play_on(wav: bytes, backends: list[Any]) -> None:
    """Play through the first `miniaudio.Backend` that works; raise MiniaudioError if none does."""
    import miniaudio

    with wave.open(io.BytesIO(wav)) as file:
        rate_hz, frames = file.getframerate(), file.getnframes()
        samples = file.readframes(frames)
    device = miniaudio.PlaybackDevice(nchannels=1, sample_rate=rate_hz, backends=backends, app_name="Fettle")
    with contextlib.closing(device):
        stream = miniaudio.stream_raw_pcm_memory(samples, 1, 2)
        next(stream)
        device.start(stream)
        time.sleep(frames / rate_hz + TAIL_S)
