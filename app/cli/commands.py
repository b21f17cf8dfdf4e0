"""The commands and their options, as typer reads them. `main` maps every way to fail to its exit code."""

import sys
from pathlib import Path
from typing import Annotated, Any

import click
import typer

from app.cli import export as exporting
from app.cli import looking
from app.cli import optimize as optimizing
from app.cli.options import split_globals
from app.cli.output import CANCELLED, INTERNAL, USAGE, CommandFailed, Globals, Output, usage
from app.services.benching import Scenario
from app.services.steps import JobError
from app.version import VERSION
from workers.contracts.errors import ErrorInfo

EPILOG = "Before or after any command: --data-dir DIR, --json, --quiet, --version."

commands = typer.Typer(
    name="fettle", no_args_is_help=True, add_completion=False, epilog=EPILOG, pretty_exceptions_enable=False
)

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A model file or folder.")]
Shapes = Annotated[list[str], typer.Option("--shape", help="[NAME=]1x3x224x224, where the model does not say.")]
Preprocess = Annotated[
    str | None, typer.Option(help="resize=256,crop=224,mean=…,std=…,layout=nchw,range=0..1,channels=rgb")
]
AllowCode = Annotated[bool, typer.Option("--allow-code", help="Consent to open TorchScript in the sandbox.")]


@commands.command()
def demo(ctx: typer.Context, out: Annotated[Path | None, typer.Option(metavar="FILE.zip")] = None) -> int:
    """The whole job on the built-in sample: optimize, compare, export, verify."""
    return optimizing.demo(_output(ctx), out)


@commands.command()
def describe(ctx: typer.Context) -> int:
    """Devices, runtimes, techniques, presets and export targets that are there."""
    return looking.describe(_output(ctx))


@commands.command()
def inspect(
    ctx: typer.Context,
    model: Model,
    shape: Shapes = [],  # noqa: B006 - typer copies it
    preprocess: Preprocess = None,
    allow_code: AllowCode = False,
) -> int:
    """Open a model safely and tell what it is; no code in it is run."""
    return looking.inspect(_output(ctx), model, shape, preprocess, allow_code)


@commands.command()
def optimize(
    ctx: typer.Context,
    model: Model,
    preset: Annotated[str, typer.Option()] = "balanced",
    recipe: Annotated[Path | None, typer.Option(metavar="FILE.yaml")] = None,
    data: Annotated[Path | None, typer.Option(help="Pictures, texts, arrays or sounds to judge with.")] = None,
    calibration: Annotated[Path | None, typer.Option(help="Data to calibrate with, apart from --data.")] = None,
    text_column: Annotated[str | None, typer.Option()] = None,
    label_column: Annotated[str | None, typer.Option()] = None,
    max_loss: Annotated[float | None, typer.Option(min=0, max=100, help="Percent of the original's accuracy.")] = None,
    preprocess: Preprocess = None,
    shape: Shapes = [],  # noqa: B006 - typer copies it
    allow_code: AllowCode = False,
    architecture: Annotated[str | None, typer.Option(help="Where two architectures fit the weights.")] = None,
    runtime: Annotated[list[str], typer.Option(help="Only these runtimes.")] = [],  # noqa: B006
    device: Annotated[str | None, typer.Option(help="cpu or cuda:0")] = None,
    time_budget: Annotated[float | None, typer.Option(min=1, help="Seconds for the whole run.")] = None,
    seed: Annotated[int, typer.Option()] = 0,
    threads: Annotated[int | None, typer.Option(min=1)] = None,
    out: Annotated[Path | None, typer.Option(help="Also copy the best model to this folder.")] = None,
) -> int:
    """Make a model faster, prove that it answers alike."""
    options = optimizing.OptimizeOptions(
        preset, recipe, data, calibration, text_column, label_column, max_loss, preprocess, tuple(shape), allow_code,
        architecture, _runtimes(runtime, device), time_budget, seed, threads, out,
    )  # fmt: skip
    return optimizing.optimize(_output(ctx), model, options)


@commands.command()
def compare(ctx: typer.Context, run: str) -> int:
    """The comparison of a run again, from what is stored."""
    return looking.compare(_output(ctx), run)


@commands.command()
def bench(
    ctx: typer.Context,
    model: Model,
    runtime: Annotated[str, typer.Option()] = "onnxruntime-cpu",
    batch: Annotated[str, typer.Option(metavar="1,4,16")] = "1",
    scenario: Annotated[Scenario, typer.Option()] = "single-stream",
    seconds: Annotated[float, typer.Option()] = 10.0,
) -> int:
    """Latency, throughput and memory of one model."""
    return looking.bench(_output(ctx), model, runtime, batch, scenario, seconds)


@commands.command()
def export(
    ctx: typer.Context,
    run: str,
    target: Annotated[str, typer.Option()],
    out: Annotated[Path, typer.Option(metavar="FILE.zip")],
    variant: Annotated[str | None, typer.Option()] = None,
    accept_regression: Annotated[str | None, typer.Option(metavar="WHY")] = None,
) -> int:
    """Write and self-test a bundle; without --variant the recommended one."""
    return exporting.export_run(_output(ctx), run, variant, target, out, accept_regression)


@commands.command()
def verify(ctx: typer.Context, bundle: Path) -> int:
    """Hashes and golden answers of a bundle."""
    return looking.verify(_output(ctx), bundle)


@commands.command()
def jobs(ctx: typer.Context) -> int:
    """Runs and their states."""
    return looking.jobs(_output(ctx))


def _output(ctx: typer.Context) -> Output:
    output = ctx.obj
    if not isinstance(output, Output):
        raise TypeError("a command was called without its output")
    return output


def _runtimes(runtimes: list[str], device: str | None) -> tuple[str, ...]:
    if device is None or runtimes:
        return tuple(runtimes)
    if device == "cpu":
        return ("onnxruntime-cpu", "openvino", "torch-cpu")
    if device.startswith("cuda"):
        return ("onnxruntime-cuda", "torch-cuda", "tensorrt")
    raise usage(f"--device {device!r} is neither cpu nor cuda:0.")


def main(arguments: list[str]) -> int:
    """Run one command line, return its exit code."""
    options = Globals()
    try:
        options, rest = split_globals(arguments)
        if "--version" in rest:
            sys.stdout.write(f"fettle {VERSION}\n")
            return 0
        return _invoke(Output(options), rest)
    except CommandFailed as failed:
        Output(options).error(failed.error)
        return failed.exit_code


def _invoke(output: Output, rest: list[str]) -> int:
    try:
        code: Any = commands(rest, standalone_mode=False, obj=output, prog_name="fettle")
        return int(code or 0)
    except CommandFailed as failed:
        output.error(failed.error)
        return failed.exit_code
    except JobError as error:
        output.error(error.error)
        return error.exit_code
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.Abort:
        output.sentence("Cancelled.")
        return CANCELLED
    except click.ClickException as error:
        output.error(
            ErrorInfo(code="usage", title="Wrong usage", detail=error.format_message(), hint="See 'fettle --help'.")
        )
        return USAGE
    except Exception as error:
        output.error(
            ErrorInfo(
                code="internal",
                title="Something went wrong inside Fettle",
                detail=f"{type(error).__name__}: {error}. Your files are as they were.",
                hint="Please report it with the log.",
            )
        )
        return INTERNAL
