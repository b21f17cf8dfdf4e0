"""Let pages call each other through commands: declared here, handled by the page whose `CONTROLLER` lists them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from widgets.commands import Command

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

    from app.domain.job import ExportRecord
    from app.domain.run import Run
    from presets.schema import Preset

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")

OPEN_MODEL: Command[[str], None] = Command("open a model: its path")
CHOOSE_MODEL: Command[[], None] = Command("let a person choose a model's file")
OPEN_SAMPLE: Command[[], None] = Command("open the built-in sample")
READ_RESULTS: Command[[str, float | None], None] = Command("open the model again with another reading of its results")
PREPARE_MODEL: Command[[str], None] = Command("open the model again with another preparation of its inputs")
SETTLE_MODEL: Command[[], None] = Command("show the open model instead of a file that another page received")
MODEL_OPENED: Command[[], None] = Command("continue after a model was opened")
SEARCH_HUB: Command[[str], None] = Command("search the hub for models: words, or nothing")
READ_DATA: Command[[str], None] = Command("read examples: their path")
READ_KNOWN_DATA: Command[[], None] = Command("read the known examples of the open model")
ADD_DATA: Command[[str], None] = Command("evaluate the result with more examples: their path")
PRESET_OF: "Command[[str], Preset]" = Command("return the preset with an id")
START_RUN: "Command[[Preset, int | None, bool, tuple[str, ...] | None], None]" = Command(
    "start a run: preset, threads, fresh, and names of computers in place of the project's"
)
CONTINUE_RUN: "Command[[Run, Preset, float | None], None]" = Command("continue a run: preset, additional seconds")
SHOW_RUN: "Command[[Run], None]" = Command("show the progress of a run")
SHOW_RESULT: "Command[[Run], None]" = Command("show the result of a run")
OPEN_RESULT: Command[[str], None] = Command("show a result of another computer: its path")
CANCEL_RUN: Command[[str], None] = Command("stop a run: its id")
OPEN_RUN: "Command[[Run], None]" = Command("show a run of any project")
RESUME_RUN: "Command[[Run], None]" = Command("continue a run that was stopped")
EXTEND_RUN: "Command[[Run, int], None]" = Command("give a finished run more time: minutes")
REPEAT_RUN: "Command[[Run], None]" = Command("measure all versions of a run again")
MEASURE_ON: "Command[[Run, str], None]" = Command(
    "pursue the goal of a run on a computer: its name, empty for this one"
)
ADD_COMPUTER: Command[[], None] = Command("ask for the address of another computer to add")
TRY_PICTURE: "Command[[QImage], None]" = Command("try a picture that has no file")
EXPORT_VERSION: Command[[str], None] = Command("open the page for the export of a version: its id")
WRITE_VERSION: Command[[str], None] = Command("export a version with the last settings, or show the form: its id")
ANSWER_FOLDER: Command[[str], None] = Command("answer a folder with a version: its id")
PUT_ON_DESKTOP: Command[[str], None] = Command("put a version on the desktop: its id")
TRY_ON_PHONE: Command[[str], None] = Command("measure a version on a phone: its id")
RELEASE_EXPORT: "Command[[ExportRecord], None]" = Command("release an exported bundle")
CHOOSE_LANGUAGE: Command[[str], None] = Command("show the window in a language; empty for the system's")
READ_LOG: Command[[str], None] = Command("read the log of a bundle: its path")


Handler = tuple[Command[..., Any], Callable[..., Any]]
"""A command with the controller method that handles it."""


def on(command: Command[P, R], method: Callable[Concatenate[C, P], R]) -> Handler:
    """Declare that a method of a controller class handles a command."""
    return command, method
