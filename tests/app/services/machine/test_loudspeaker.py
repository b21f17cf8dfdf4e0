"""Sounds are played in a process of their own; no device is a word, never an error."""

import io
import time
import wave

import miniaudio
import numpy as np

from app.services.machine.loudspeaker import Loudspeaker, play_on


def tone(seconds: float, rate_hz: int = 16_000) -> bytes:
    """A quiet tone as a WAV file."""
    samples = 0.1 * np.sin(np.arange(round(seconds * rate_hz)) / rate_hz * 2 * np.pi * 440)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return out.getvalue()


def ended(speaker: Loudspeaker, limit_s: float = 20.0) -> str:
    until = time.monotonic() + limit_s
    while speaker.poll() == "playing":
        assert time.monotonic() < until
        time.sleep(0.02)
    return speaker.state


def test_a_sound_is_played_to_its_end_or_there_is_no_device() -> None:
    """Given a sound, When it is played on this computer, Then it ends, or it says that there is no device; what is no
    sound has failed, and none of it is an error."""
    speaker = Loudspeaker()
    speaker.play(tone(0.1))
    assert speaker.state == "playing" and ended(speaker) in ("idle", "no_device")
    speaker.play(b"no sound")
    assert ended(speaker) == "failed"


def test_stop_is_silence_at_once() -> None:
    """Given a long sound, When it is stopped, Then its process is gone within a moment; stopped again, nothing happens."""
    speaker = Loudspeaker()
    speaker.play(tone(30))
    process = speaker._process
    assert process is not None and process.pid is not None
    began_s = time.monotonic()
    speaker.stop()
    assert time.monotonic() - began_s < 1 and speaker.poll() == "idle" and speaker._process is None
    speaker.stop()


def test_all_of_a_sound_is_handed_to_the_device() -> None:
    """Given a device without a loudspeaker (it takes what it is given), Then playing takes as long as the sound."""
    began_s = time.monotonic()
    play_on(tone(0.5), [miniaudio.Backend.NULL])
    assert 0.5 <= time.monotonic() - began_s < 5
