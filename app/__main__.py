"""`python -m app [FILE …]`: no command opens the window, with these files; anything else is one.

Nothing is imported at module level: a spawned worker imports its parent's main module again.
"""


def main() -> int:
    """Entry of the program and of the `fettle` script."""
    import sys
    from multiprocessing import freeze_support

    freeze_support()
    arguments = sys.argv[1:]
    from app.arguments import opens_window

    if opens_window(arguments):
        from app.bootstrap import open_window

        return int(open_window(arguments))
    try:
        from app.cli.main import main as run_command

        return int(run_command(arguments))
    except KeyboardInterrupt:  # before there was anything to cancel
        return 5


if __name__ == "__main__":
    raise SystemExit(main())
