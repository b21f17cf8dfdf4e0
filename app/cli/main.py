"""Run one command line; every failure gets an explanation and an exit code."""

import os
import sys
import traceback
from typing import Any

import typer

from app.cli.commands import commands
from app.cli.options.inputs import split_globals, wants_json
from app.cli.output import CANCELLED, INTERNAL, USAGE, CommandFailed, Globals, Output, ReaderGone
from app.cli.session import CANCELLED_WORDS, break_off, on_signal
from app.services.flow.steps import JobError
from app.set_folders import activate_own, add_by_command
from app.version import VERSION
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import WorkerError, words_for
from workers.contracts.optional_sets import FOLDER_SETS

WRONG_USAGE: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""The base of typer's usage errors, found by name because its module differs between versions."""
TYPER_INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    output = Output(Globals(json=wants_json(arguments)))
    try:
        with on_signal(break_off):
            options, rest = split_globals(arguments)
            output = Output(options)
            if options.version:
                output.document({"version": VERSION})
                output.text(f"fettle {VERSION}")
                return 0
            if len(rest) == 1 and rest[0].startswith("--") and rest[0][2:] in FOLDER_SETS:
                return add_by_command(rest[0][2:])
            activate_own()
            code: Any = commands(rest, standalone_mode=False, obj=output, prog_name="fettle")
            if code == TYPER_INTERRUPTED:
                raise KeyboardInterrupt
            return int(code or 0)
    except (BrokenPipeError, ReaderGone):
        # the rest of the buffer cannot be written either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        output.sentence("The rest of the answer was left out: the program that read it has ended.")
        return CANCELLED
    except (Exception, KeyboardInterrupt) as error:
        return _print_error(output, error)


def _print_error(output: Output, error: BaseException) -> int:
    """Print the explanation of an error and return its exit code."""
    if isinstance(error, typer.Exit):
        return error.exit_code
    info, exit_code = _words(error)
    output.error(info)
    return exit_code


def _words(error: BaseException) -> tuple[ErrorInfo, int]:
    if isinstance(error, (CommandFailed, JobError)):
        return error.error, error.exit_code
    if isinstance(error, WorkerError):
        return error.info(), error.exit_code
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return CANCELLED_WORDS, CANCELLED
    if isinstance(error, WRONG_USAGE):
        detail = error.format_message() or "No command was named."
        return ErrorInfo(code="usage", title="Wrong usage", detail=detail, hint="See 'fettle --help'."), USAGE
    sys.stderr.write(traceback.format_exc())
    return words_for(error, "Your files are as they were. Please report it with the lines above."), INTERNAL
