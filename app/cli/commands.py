"""Define the commands and their options for typer."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli import chat as chatting
from app.cli import data as checking
from app.cli import docs as documenting
from app.cli import export as exporting
from app.cli import hub as hubs
from app.cli import load as loading
from app.cli import looking
from app.cli import monitor as monitoring
from app.cli import optimize as optimizing
from app.cli import presets as presetting
from app.cli import prove as proving
from app.cli import releases as releasing
from app.cli import store as storing
from app.cli import stress as stressing
from app.cli.gpu import doctor as gpus
from app.cli.options.arguments import (
    AllowCode,
    Architecture,
    JudgingData,
    LabelColumn,
    MaxLoss,
    Model,
    Preprocess,
    ProveFirst,
    Run,
    ScoreThreshold,
    Seed,
    Shapes,
    TargetAnswers,
    Task,
    TextColumn,
    Threads,
)  # fmt: skip
from app.cli.output import Output
from app.services.after.benching import Engine
from workers.contracts.after.load import Scenario

EPILOG = "Before or after any command: --data-dir DIR, --json, --quiet, --version."
commands = typer.Typer(
    name="fettle", no_args_is_help=False, add_completion=False, epilog=EPILOG, pretty_exceptions_enable=False
)


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
    data: Annotated[Path | None, typer.Option(help="Also show what the model is fed of these examples.")] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    task: Task = None,
    score_threshold: ScoreThreshold = None,
) -> int:
    """Open a model safely and tell what it is; no code in it is run."""
    columns = (text_column, label_column)
    options = looking.InspectOptions(tuple(shape), preprocess, allow_code, data, *columns, task, score_threshold)
    return looking.inspect(_output(ctx), model, options)


@commands.command()
def optimize(
    ctx: typer.Context,
    model: Annotated[Path | None, typer.Argument(metavar="MODEL", show_default=False)] = None,
    preset: Annotated[str | None, typer.Option(metavar="ID", help="What matters: balanced, unless said.")] = None,
    recipe: Annotated[Path | None, typer.Option(metavar="FILE.yaml", help="Your own recipes instead.")] = None,
    data: JudgingData = None,
    calibration: Annotated[Path | None, typer.Option(help="Data to calibrate with, apart from --data.")] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    max_loss: MaxLoss = None,
    preprocess: Preprocess = None,
    shape: Shapes = [],  # noqa: B006 - typer copies it
    allow_code: AllowCode = False,
    architecture: Architecture = None,
    runtime: Annotated[list[str], typer.Option(metavar="ID", help="Only these runtimes.")] = [],  # noqa: B006
    device: Annotated[str | None, typer.Option(metavar="cpu|cuda:N")] = None,
    build_for: Annotated[
        str | None,
        typer.Option(metavar="sm89[,…]", help="Build TensorRT engines for such cards elsewhere; none is needed here."),
    ] = None,
    time_budget: Annotated[
        float | None, typer.Option(min=1, max=86_400, help="Seconds; the first steps are never cut short.")
    ] = None,
    seed: Seed = 0,
    threads: Threads = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Also copy the best model to this folder.")] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="This run goes on, for another --time-budget.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Measure everything again, also what was measured lately.")
    ] = False,
    task: Task = None,
    score_threshold: ScoreThreshold = None,
) -> int:
    """Make a model faster, prove that it answers alike."""
    options = optimizing.OptimizeOptions(
        preset=preset, recipe=recipe, data=data, calibration=calibration, text_column=text_column,
        label_column=label_column, max_loss_pct=max_loss, preprocess=preprocess, shapes=tuple(shape),
        allow_code=allow_code, architecture=architecture, runtimes=tuple(runtime), device=device,
        time_budget_s=time_budget, seed=seed, threads=threads, out=out, fresh=fresh, task=task,
        score_threshold=score_threshold, build_for=build_for,
    )  # fmt: skip
    return optimizing.optimize(_output(ctx), model, options, resume)


@commands.command()
def prove(
    ctx: typer.Context,
    original: Annotated[Path, typer.Argument(metavar="ORIGINAL", help="A model file, folder or bundle.")],
    optimized: Annotated[Path, typer.Argument(metavar="OPTIMIZED", help="What shall stand in its place.")],
    data: JudgingData = None,
    optimized_runtime: Annotated[str | None, typer.Option(metavar="ID", help="What runs OPTIMIZED.")] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    max_loss: MaxLoss = None,
    preprocess: Preprocess = None,
    shape: Shapes = [],  # noqa: B006 - typer copies it
    allow_code: AllowCode = False,
    architecture: Architecture = None,
    seed: Seed = 0,
    threads: Threads = None,
    match: Annotated[
        list[str], typer.Option(metavar="ORIGINAL=OTHER", help="An input or output that is called otherwise.")
    ] = [],  # noqa: B006 - typer copies it
    task: Task = None,
    score_threshold: ScoreThreshold = None,
) -> int:
    """Judge any two models side by side; exit code 0 where the second one is safe, else 4."""
    options = proving.ProveOptions(
        data=data, optimized_runtime=optimized_runtime, text_column=text_column, label_column=label_column,
        max_loss_pct=max_loss, preprocess=preprocess, shapes=tuple(shape), allow_code=allow_code,
        architecture=architecture, seed=seed, threads=threads, pairs=tuple(match), task=task,
        score_threshold=score_threshold,
    )  # fmt: skip
    return proving.prove(_output(ctx), original, optimized, options)


@commands.command()
def compare(
    ctx: typer.Context,
    run: Run,
    against: Annotated[str | None, typer.Option(metavar="RUN", help="Judge against that run's result instead.")] = None,
) -> int:
    """The comparison of a run again, from what is stored."""
    return looking.compare(_output(ctx), run, against)


@commands.command()
def stress(
    ctx: typer.Context,
    run: Run,
    variant: Annotated[str | None, typer.Option(metavar="ID", help="Another one than the recommended.")] = None,
    full: Annotated[bool, typer.Option("--full", help="All kinds at all severities: takes some minutes.")] = False,
    seconds: Annotated[float | None, typer.Option(min=1, max=86_400, help="Time for it; more examples fit in.")] = None,
    again: Annotated[bool, typer.Option("--again", help="With other random changes than the last time.")] = False,
) -> int:
    """Changed, nonsensical and hostile inputs, for the original and a version of a run."""
    return stressing.stress(_output(ctx), run, stressing.StressOptions(variant, full, seconds, again))


@commands.command()
def bench(
    ctx: typer.Context,
    model: Model,
    runtime: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Another one than its own (mostly onnxruntime-cpu)."),
    ] = None,
    batch: Annotated[str, typer.Option(metavar="1,4,16")] = "1",
    scenario: Annotated[Scenario, typer.Option()] = "single-stream",
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="For each batch size.")] = 10.0,
    preprocess: Preprocess = None,
    shape: Shapes = [],  # noqa: B006 - typer copies it
    allow_code: AllowCode = False,
    threads: Threads = None,
    engine: Annotated[Engine, typer.Option(help="MLCommons LoadGen, or loops of Fettle's own.")] = "loadgen",
) -> int:
    """Latency, throughput and memory of one model."""
    options = looking.BenchOptions(
        runtime, batch, scenario, seconds, preprocess, tuple(shape), allow_code, threads, engine
    )
    return looking.bench(_output(ctx), model, options)


@commands.command()
def load(
    ctx: typer.Context,
    run: Run,
    variant: Annotated[str | None, typer.Option(metavar="ID", help="Another one than the recommended.")] = None,
    seconds: Annotated[float, typer.Option(min=0.5, max=3600, help="For each of about 6 steps.")] = 10.0,
    price_per_hour: Annotated[
        float | None, typer.Option(min=0.000001, help="What an hour of a computer costs.")
    ] = None,
    currency: Annotated[str, typer.Option(help="Of that price.")] = "USD",
    utilization: Annotated[float, typer.Option(min=0.01, max=1.0, help="Share of the hour that it works.")] = 0.5,
    max_latency: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="MS", help="Also find the most requests a second, 99 % answered within it."),
    ] = None,
) -> int:
    """Measure a run's original and one version under load: batches, request rates, cold start, energy, cost."""
    options = loading.LoadOptions(variant, seconds, price_per_hour, currency, utilization, max_latency)
    return loading.load(_output(ctx), run, options)


commands.command("chat")(chatting.chat_command)


@commands.command()
def export(
    ctx: typer.Context,
    run: Run,
    target: Annotated[str, typer.Option(metavar="ID", help="What to write, as 'fettle describe' lists it.")],
    out: Annotated[Path, typer.Option(metavar="FILE.zip")],
    variant: Annotated[str | None, typer.Option(metavar="ID", help="Another one than the recommended.")] = None,
    sign: Annotated[Path | None, typer.Option(metavar="KEY.pem", help="Sign it with this private key.")] = None,
    accept_regression: Annotated[str | None, typer.Option(metavar="WHY")] = None,
    answer: TargetAnswers = [],  # noqa: B006 - typer copies it
    fallback: Annotated[
        bool | None,
        typer.Option(help="With the original, to run where the version is slower; unsaid: if it has 100 MB at most."),
    ] = None,
    prove: ProveFirst = False,
) -> int:
    """Write and self-test a bundle; without --variant the recommended one."""
    options = exporting.ExportOptions(target, out, variant, accept_regression, tuple(answer), sign, fallback, prove)
    return exporting.export_run(_output(ctx), run, options)


@commands.command()
def verify(
    ctx: typer.Context, bundle: Annotated[Path, typer.Argument(metavar="BUNDLE")], allow_code: AllowCode = False
) -> int:
    """Hashes and golden answers of a bundle."""
    return looking.verify(_output(ctx), bundle, allow_code)


@commands.command()
def monitor(
    ctx: typer.Context,
    log: Annotated[Path, typer.Argument(metavar="LOG", help="What run.py or serve.py wrote with --log.")],
) -> int:
    """What a bundle's log tells: drift, alarms, what to do."""
    return monitoring.monitor(_output(ctx), log)


@commands.command()
def jobs(ctx: typer.Context) -> int:
    """Runs and jobs with their states."""
    return looking.jobs(_output(ctx))


for group in (releasing, storing, documenting):
    group.add_to(commands)

data = typer.Typer(help="Data of your own.", no_args_is_help=False)
commands.add_typer(data, name="data")


@data.command("check")
def data_check(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Pictures, texts, arrays or sounds.")],
    against: Annotated[Path | None, typer.Option(metavar="PATH", help="A second set: do they share items?")] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    seed: Seed = 0,
) -> int:
    """Duplicates, leakage, label errors, balance, drift, license, private data; exit code 3 on leakage."""
    return checking.check(_output(ctx), path, checking.CheckOptions(against, text_column, label_column, seed))


@data.command("doctor")
def data_doctor(
    ctx: typer.Context,
    model: Model,
    data: Annotated[Path, typer.Option(help="Pictures, texts, arrays or sounds to try it on.")],
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    preprocess: Preprocess = None,
    shape: Shapes = [],  # noqa: B006 - typer copies it
    allow_code: AllowCode = False,
) -> int:
    """Which way of preparing inputs fits the model, with the evidence; exit code 0 whatever it finds."""
    options = checking.DoctorOptions(data, text_column, label_column, preprocess, tuple(shape), allow_code)
    return checking.doctor(_output(ctx), model, options)


presets = typer.Typer(help="What to optimize for: those that come with Fettle, and your own.")
commands.add_typer(presets, name="presets")


@presets.callback(invoke_without_command=True)
def presets_without_more(ctx: typer.Context) -> int:
    """List them, where nothing else is said."""
    return presetting.list_presets(_output(ctx)) if ctx.invoked_subcommand is None else 0


@presets.command("list")
def presets_list(ctx: typer.Context) -> int:
    """All presets with what they are for."""
    return presetting.list_presets(_output(ctx))


@presets.command("show")
def presets_show(ctx: typer.Context, preset: Annotated[str, typer.Argument(metavar="ID")]) -> int:
    """What a preset tries, as YAML."""
    return presetting.show(_output(ctx), preset)


@presets.command("add")
def presets_add(ctx: typer.Context, path: Annotated[Path, typer.Argument(metavar="FILE.yaml")]) -> int:
    """Check a file and keep it among your own."""
    return presetting.add(_output(ctx), path)


hub = typer.Typer(
    help="The model hub: HF_ENDPOINT, HF_TOKEN and the proxy variables are honored.", no_args_is_help=False
)
commands.add_typer(hub, name="hub")


@hub.command("search")
def hub_search(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="Words in the model's name.")] = "",
    task: Annotated[str | None, typer.Option(metavar="T", help="Such as image-classification.")] = None,
    library: Annotated[str | None, typer.Option(metavar="L", help="Such as onnx or safetensors.")] = None,
    license_: Annotated[str | None, typer.Option("--license", metavar="L", help="Such as apache-2.0.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=1000)] = 20,
) -> int:
    """Models of the hub."""
    return hubs.search(_output(ctx), text, task, library, license_, limit)


@hub.command("get")
def hub_get(
    ctx: typer.Context,
    repo: Annotated[str, typer.Argument(metavar="REPO[@REV]")],
    file: Annotated[
        list[str], typer.Option("--file", metavar="PATTERN", help="Only these files; naming pickles is your consent.")
    ] = [],  # noqa: B006 - typer copies it
) -> int:
    """Download a model, whole and verified."""
    return hubs.get(_output(ctx), repo, file)


@hub.command("login")
def hub_login(ctx: typer.Context) -> int:
    """Keep a token for the hub, from the keyboard or standard input."""
    return hubs.login(_output(ctx))


gpu = typer.Typer(help="NVIDIA GPUs: what works on which card, and what it does now.", no_args_is_help=False)
commands.add_typer(gpu, name="gpu")


@gpu.command("doctor")
def gpu_doctor(ctx: typer.Context) -> int:
    """What works on which card, rung by rung, and what mends the rest; exit code 6 unless every rung holds."""
    return gpus.doctor(_output(ctx))


@gpu.command("watch")
def gpu_watch(
    ctx: typer.Context,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="End by itself; else with Ctrl+C.")] = None,
) -> int:
    """Live readings of all cards."""
    return gpus.watch(_output(ctx), seconds)


def _output(ctx: typer.Context) -> Output:
    output = ctx.obj
    if not isinstance(output, Output):
        raise TypeError("a command was called without its output")
    return output
