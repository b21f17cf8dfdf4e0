"""Check whether a person at a terminal pressed ENTER, without waiting."""

import sys

if sys.platform == "win32":

    def enter_pressed() -> bool:
        """Return whether ENTER was pressed since the last call; always False without a terminal."""
        import msvcrt

        if not is_terminal():
            return False
        pressed = False
        while msvcrt.kbhit():
            pressed = msvcrt.getwch() in "\r\n" or pressed
        return pressed

else:

    def enter_pressed() -> bool:
        """Return whether ENTER was pressed since the last call; always False without a terminal."""
        import select

        if not is_terminal() or not select.select([sys.stdin], [], [], 0)[0]:
            return False
        return sys.stdin.readline() != ""


def is_terminal() -> bool:
    """Return whether a person can press a key."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
