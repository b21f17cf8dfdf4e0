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
READ_RESULTS: Command[[str, float | None], None] = Command("open the model anew: how its results are read")
PREPARE_MODEL: Command[[str], None] = Command("open the model anew: how its inputs are prepared")
SETTLE_MODEL: Command[[], None] = Command("show the model that is open, where something else was about to come")
MODEL_OPENED: Command[[], None] = Command("a model is open: go on")
SEARCH_HUB: Command[[str], None] = Command("look for a model in the hub: words, or nothing")
READ_DATA: Command[[str], None] = Command("read examples: their path")
READ_KNOWN_DATA: Command[[], None] = Command("read the examples that belong to the model that is open")
ADD_DATA: Command[[str], None] = Command("judge the result with more examples: their path")
PRESET_OF: "Command[[str], Preset]" = Command("the preset of an id")
START_RUN: "Command[[Preset, int | None, bool], None]" = Command("begin a run: preset, threads, nothing of the store")
CONTINUE_RUN: "Command[[Run, Preset, float | None], None]" = Command("go on with a run: so many seconds more")
SHOW_RUN: "Command[[Run], None]" = Command("show how a run goes")
SHOW_RESULT: "Command[[Run], None]" = Command("show what came out of a run")
CANCEL_RUN: Command[[str], None] = Command("stop a run: its id")
OPEN_RUN: "Command[[Run], None]" = Command("show a run of any project")
RESUME_RUN: "Command[[Run], None]" = Command("go on with a run that was stopped")
EXTEND_RUN: "Command[[Run, int], None]" = Command("give a run that is over more time: minutes")
REPEAT_RUN: "Command[[Run], None]" = Command("measure all of a run once more")
TRY_PICTURE: "Command[[QImage], None]" = Command("try a picture that has no file")
EXPORT_VERSION: Command[[str], None] = Command("go on to the export of a version: its id")
WRITE_VERSION: Command[[str], None] = Command("write a version at once as it was last chosen, or ask: its id")
RELEASE_EXPORT: "Command[[ExportRecord], None]" = Command("make a bundle that was exported a release")
READ_LOG: Command[[str], None] = Command("read the log of a bundle: its path")


Handler = tuple[Command[..., Any], Callable[..., Any]]
"""A command with the controller method that handles it."""


def on(command: Command[P, R], method: Callable[Concatenate[C, P], R]) -> Handler:
    """Declare that a method of a controller class handles a command."""
    return command, method
