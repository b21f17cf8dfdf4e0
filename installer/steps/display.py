"""Where windows are drawn in tests: on a screen of their own (pytest-xvfb), else on the person's, else nowhere."""

import shutil
from collections.abc import Mapping

from steps.system import has_display
from steps.words import say


def with_screen(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables for tests that open windows: with neither Xvfb nor a display Qt's own offscreen platform, told so."""
    if shutil.which("Xvfb") is not None or has_display(environment):
        return dict(environment)
    say("There is no display and no Xvfb: windows are drawn offscreen, tests of real ones are skipped.")
    return {**environment, "QT_QPA_PLATFORM": "offscreen"}
