"""List all commands, and declare them for typer."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import get_type_hints

import typer

from app.cli import (
    answer,
    chat,
    computer,
    data,
    diff,
    explain,
    export,
    hub,
    load,
    looking,
    optimize,
    presets,
    prove,
    releases,
    report,
    result,
    store,
    study,
)
from app.cli.gpu import doctor as gpu
from app.cli.output import OK, Output

Command = Callable[..., int]
EPILOG = "Before or after any command: --data-dir DIR, --json, --quiet, --version."
COMMANDS: dict[str, Command] = {
    "demo": optimize.demo,
    "describe": looking.describe,
    "inspect": looking.inspect,
    "optimize": optimize.optimize,
    "study": study.study,
    "prove": prove.prove,
    "explain": explain.explain,
    "diff": diff.diff,
    "compare": looking.compare,
    "stress": load.stress,
    "bench": looking.bench,
    "load": load.load,
    "chat": chat.chat,
    "answer": answer.answer,
    "export": export.export_run,
    "verify": looking.verify,
    "monitor": looking.monitor,
    "jobs": looking.jobs,
    "report": report.report,
    "releases": releases.releases,
    "release": releases.make_release,
    "rollback": releases.roll_back,
    "docs": looking.docs,
}
GROUPS: dict[str, tuple[str, dict[str, Command]]] = {
    "store": ("Show what projects hold on disk, and free space.", {"": store.show, "free": store.free_space}),
    "data": ("Check your own data.", {"check": data.check, "doctor": data.doctor}),
    "presets": (
        "List, show and add presets: what to optimize for.",
        {"": presets.list_presets, "list": presets.list_presets, "show": presets.show, "add": presets.add},
    ),
    "hub": (
        "Search and download models of the hub (HF_ENDPOINT, HF_TOKEN and proxy variables apply).",
        {"search": hub.search, "get": hub.get, "login": hub.login},
    ),
    "computer": (
        "Add, list, check and remove other computers, where models can be measured over SSH.",
        {
            "": computer.list_computers,
            "list": computer.list_computers,
            "add": computer.add_computer,
            "check": computer.check_computer,
            "remove": computer.remove_computer,
        },
    ),
    "result": ("Save a run's result for other computers, and show one.", {"save": result.save, "show": result.show}),
    "gpu": ("Check NVIDIA GPUs and watch their readings.", {"doctor": gpu.doctor, "watch": gpu.watch}),
}
"""Groups of commands with their help; the command "" runs where none of the others is named."""


def declare() -> typer.Typer:
    """Return all commands for typer."""
    commands = typer.Typer(
        name="fettle", no_args_is_help=False, add_completion=False, epilog=EPILOG, pretty_exceptions_enable=False
    )
    for name, command in COMMANDS.items():
        commands.command(name)(_declared(command))
    for name, (text, members) in GROUPS.items():
        group = typer.Typer(help=text, no_args_is_help=False)
        for member, command in members.items():
            add = group.command(member) if member else group.callback(invoke_without_command=True, help=text)
            add(_declared(command))
        commands.add_typer(group, name=name)
    return commands


def _declared(command: Command) -> Command:
    """Return a function for typer with each field of the command's class of options as a parameter.

    The command gets the `Output` of its line instead of typer's context.
    """
    classes: dict[str, type] = {}
    parameters = [_parameter("ctx", typer.Context)]
    defaults = inspect.signature(command).parameters
    for name, hint in get_type_hints(command, include_extras=True).items():
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            classes[name] = hint
            parameters += _options(hint)
        elif name != "return" and hint is not Output:
            parameters.append(_parameter(name, hint, defaults[name].default))

    def run(ctx: typer.Context, **given: object) -> int:
        if ctx.invoked_subcommand is not None:
            return OK
        for name, made in classes.items():
            given[name] = made(**{option.name: given.pop(option.name) for option in _options(made)})
        return command(ctx.obj, **given)

    run.__doc__ = command.__doc__
    run.__annotations__.update({one.name: one.annotation for one in parameters})
    vars(run)["__signature__"] = inspect.Signature(parameters)
    return run


def _options(made: type) -> list[inspect.Parameter]:
    hints, parameters = get_type_hints(made, include_extras=True), []
    for field in dataclasses.fields(made):
        factory = field.default_factory
        default = field.default if factory is dataclasses.MISSING else factory()
        is_needed = default is dataclasses.MISSING
        parameters.append(_parameter(field.name, hints[field.name], inspect.Parameter.empty if is_needed else default))
    return parameters


def _parameter(name: str, hint: object, default: object = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)


commands = declare()
