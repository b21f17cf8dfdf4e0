"""Plays a sound in a process of its own: opening a device may take seconds, and its libraries write to stderr."""

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
"""What is in the device's buffer when the last of it was handed over."""


class Loudspeaker:
    """One sound at a time; a new one ends the one before. `poll` now and then while it plays."""

    def __init__(self) -> None:
        self.state: State = "idle"
        self._process: BaseProcess | None = None

    def play(self, wav: bytes) -> None:
        """`wav` is one channel of 16 bits, as `examples` jobs write it."""
        self.stop()
        self._process = multiprocessing.get_context("spawn").Process(target=play_wav, args=(wav,), daemon=True)
        self._process.start()
        self.state = "playing"

    def poll(self) -> State:
        """What it does now."""
        process = self._process
        if process is not None and process.exitcode is not None:
            code = process.exitcode
            process.close()
            self._process = None
            self.state = "idle" if code == 0 else "no_device" if code == NO_DEVICE else "failed"
        return self.state

    def stop(self) -> None:
        """Silence, at once."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None
        self.state = "idle"


def play_wav(wav: bytes) -> None:
    """Runs in the child: until the sound is over. Exit code 3 where there is no device."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    import miniaudio

    try:
        play_on(wav, [backend for backend in miniaudio.Backend if backend is not miniaudio.Backend.NULL])
    except miniaudio.MiniaudioError:
        raise SystemExit(NO_DEVICE) from None


def play_on(wav: bytes, backends: list[Any]) -> None:
    """Play through the first of these `miniaudio.Backend` that works. Raises MiniaudioError where none does."""
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
