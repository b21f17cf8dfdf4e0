"""`python -m app`: no arguments open the window, anything else is a command.

Nothing is imported at module level: a spawned worker imports its parent's main module again.
"""


def main() -> int:
    """Entry of the program and of the `fettle` script."""
    import sys
    from multiprocessing import freeze_support

    freeze_support()
    arguments = sys.argv[1:]
    if not arguments or all(argument.startswith("--data-dir") for argument in arguments[::2]):
        from app.bootstrap import open_window

        return int(open_window(arguments))
    from app.cli.commands import main as run_command

    return int(run_command(arguments))


if __name__ == "__main__":
    raise SystemExit(main())
