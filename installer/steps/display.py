"""A screen of our own for the tests, where there is none."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from steps.system import has_display
from steps.words import say


@contextmanager
def screen(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Variables for a program that opens windows: those given, or with an Xvfb that ends with the block.

    Without a display and without Xvfb, Qt's own offscreen platform, which is told.
    """
    if has_display(environment):
        yield dict(environment)
        return
    if shutil.which("Xvfb") is None:
        say("There is no display and no Xvfb: windows are drawn offscreen, tests of real ones are skipped.")
        yield {**environment, "QT_QPA_PLATFORM": "offscreen"}
        return
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1200x24", "-nolisten", "tcp", "-noreset"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(writing,),
    )
    os.close(writing)
    try:
        with os.fdopen(reading, encoding="ascii") as told:
            number = told.readline().strip()
        if number:
            yield {**environment, "DISPLAY": f":{number}"}
        else:
            say("Xvfb did not start: windows are drawn offscreen, tests of real ones are skipped.")
            yield {**environment, "QT_QPA_PLATFORM": "offscreen"}
    finally:
        server.terminate()
        server.wait()
