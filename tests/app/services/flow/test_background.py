"""Work beside the event loop."""

import threading

import pytest

from app.services.flow.background import Background, Stopped


def test_result_and_error_come_when_asked() -> None:
    """Given work, Then its result or its error is had by asking, and its thread is joined."""
    assert Background(lambda _stopped: 7).result() == 7

    def fails(_stopped: Stopped) -> None:
        raise OSError("no room")

    failed = Background(fails)
    with pytest.raises(OSError, match="no room"):
        failed.result()
    assert failed.done


def test_it_can_be_stopped() -> None:
    """Given work that looks whether it shall stop, When it is stopped, Then it has ended."""
    began = threading.Event()

    def long(stopped: Stopped) -> str:
        began.set()
        while not stopped():
            pass
        return "stopped"

    work = Background(long)
    began.wait(5)
    assert not work.done
    work.stop()
    assert work.done and work.result() == "stopped"
