"""Start the window or run a command: `python -m app [FILE …]`.

Without a command, the window opens with the given files. Every other command line runs a command.

The module imports nothing at module level, because a spawned worker process imports its parent's main module again.
"""


def main() -> int:
    """Run the program; this is also the entry point of the `fettle` script."""
    import sys
    from multiprocessing import freeze_support

    freeze_support()
    arguments = sys.argv[1:]
    from app.arguments import opens_window
    from app.running_version import hold

    hold()
    if opens_window(arguments):
        from app.bootstrap import open_window

        return int(open_window(arguments))
    if arguments[:1] == ["desk"]:  # the small window of a shortcut
        from app.desk import open_desk

        return open_desk(arguments[1:])
    try:
        from app.cli.main import main as run_command

        return int(run_command(arguments))
    except KeyboardInterrupt:  # raised before a command could install its own cancellation
        return 5


if __name__ == "__main__":
    raise SystemExit(main())
