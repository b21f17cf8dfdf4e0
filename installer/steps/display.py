"""Choose where tests open windows: on their own screen (pytest-xvfb), the user's display or offscreen."""

import shutil
from collections.abc import Mapping

from steps.system import has_display
from steps.words import print_line


def with_screen(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for tests that open windows.

    Without Xvfb and without a display, the tests use Qt's offscreen platform and a message says so.
    """
    if shutil.which("Xvfb") is not None or has_display(environment):
        return dict(environment)
    print_line("There is no display and no Xvfb: windows are drawn offscreen, tests of real ones are skipped.")
    return {**environment, "QT_QPA_PLATFORM": "offscreen"}
