"""A separate screen with a window manager, a pointer and keys, and a program that files are dragged from."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from functools import cached_property
from pathlib import Path
from typing import Any

from stopwatch import busyness


def die_with_parent() -> None:
    """End this child process with its parent, so that a killed test leaves no screens behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Screen:
    """Xvfb with a window manager (without one, windows have no frame). `display` is ``:N``."""

    def __init__(self, size: str = "1280x800", *, managed: bool = True) -> None:
        read, write = os.pipe()
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
        self._server = self._begin(command, pass_fds=(write,), stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as report:
            self.display = f":{report.readline().strip()}"
        self._programs = [self._server]
        if managed:
            self._programs.append(self._manager())
        self.do("mousemove", 0, 0)  # a start with the pointer on a button saves no picture

    def _manager(self) -> "subprocess.Popen[bytes]":
        """Start the window manager and wait until it answers; without it, no key reaches a window.

        It is started up to three times, because on a busy computer it sometimes ends at its start.
        """
        nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        for _ in range(3):
            manager = self._begin(["openbox"], env=self.environment, **nowhere)
            end_s = time.monotonic() + 20 * busyness()
            while manager.poll() is None and time.monotonic() < end_s:
                with contextlib.suppress(subprocess.CalledProcessError):
                    self.do("get_num_desktops")
                    return manager
                time.sleep(0.05)
            manager.kill()
            manager.wait()
        raise AssertionError("openbox does not start")

    @staticmethod
    def _begin(command: list[str], **more: Any) -> "subprocess.Popen[Any]":
        return subprocess.Popen(command, preexec_fn=die_with_parent, **more)  # noqa: PLW1509 - no threads here

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a program that appears on this screen."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("QT_", "WAYLAND_", "XDG_"))}
        return {**kept, "DISPLAY": self.display, "QT_QPA_PLATFORM": "xcb", "FETTLE_LANGUAGE": "en"}

    def do(self, *words: object) -> str:
        """Run xdotool with these words, and return what it prints; raises if it fails or takes 30 seconds."""
        command = ["xdotool", *[str(word) for word in words]]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True, timeout=30)
        return done.stdout

    @cached_property
    def drag_source(self) -> "subprocess.Popen[str]":
        """Return the program that files are dragged from, started once per screen or after `end_drag_source`."""
        command = [sys.executable, str(Path(__file__).with_name("drag_source.py"))]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._programs.append(self._begin(command, env=self.environment, **pipes))
        return self._programs[-1]

    def end_drag_source(self) -> None:
        """End the program that files are dragged from; it may be in the middle of a drag."""
        source = self.__dict__.pop("drag_source", None)
        if source is not None:
            self._programs.remove(source)
            self._end(source)

    def picture(self, out: Path) -> None:
        """Write a picture of the whole screen to `out`, as PNG or by its suffix."""
        subprocess.run(["import", "-window", "root", str(out)], env=self.environment, check=True, timeout=30)

    def close(self) -> None:
        for process in reversed(self._programs):
            self._end(process)

    @staticmethod
    def _end(process: "subprocess.Popen[Any]") -> None:
        process.terminate()
        process.wait(10)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
