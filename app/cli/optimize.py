"""Run `fettle optimize` and `fettle demo`."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from app.cli.fleet import computers_of, on_each
from app.cli.options.arguments import JudgingOptions
from app.cli.options.inputs import check_exists, check_folder_for
from app.cli.output import KEPT_ORIGINAL, MISSING, OK, CommandFailed, Output, is_terminal, refusal, usage
from app.cli.session import run, run_recorded, workspace
from app.cli.tables import disturbed, version_lines, with_misfit
from app.domain.outcome import Ending
from app.domain.project import Project
from app.domain.run import WITH_RESULT, Goal, Run
from app.domain.words.results import forecast_words, short_of_memory
from app.services.after.bundles import verify
from app.services.after.exporting import ExportRequest, check_writable, export
from app.services.after.trying.tried import TriedRun, tried_run
from app.services.flow.steps import JobError
from app.services.flow.workspace import Workspace
from app.services.machine.devices import (
    card_of,
    check_recipes,
    check_runtimes,
    describe,
    on_same_card,
    runtimes_on,
    save_gpu,
)
from app.services.opening.opening import inspect_model
from app.services.projects.projects import project_for
from app.services.projects.running import RunRequest, data_params, limits_of, resume_run, resumed_request, start_run
from app.services.records.documents import run_document
from app.services.records.facts import RunFacts, read_facts
from app.services.run.forecasting import Forecasts, usual_basis
from presets.loader import load_presets, preset_of_recipes
from presets.sample import sample_paths
from presets.schema import Preset
from workers.contracts.architectures import parse
from workers.contracts.data.doctor import PREPARED_WRONGLY
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DescribeResult, OpenParams
from workers.contracts.measured.companions import folder_of_weights
from workers.contracts.process.allowance import free_memory_bytes
from workers.contracts.wording import about, duration

RUNTIME = TARGET = "tensorrt"


def architectures_of(text: str | None, runtimes: Sequence[str], device: str | None) -> tuple[str, ...]:
    """Return the architectures of ``sm89,sm120`` as (sm89, sm120), () without the option.

    Raises:
        CommandFailed: (exit code 2) The text is malformed, or other options contradict it.
    """
    if text is None:
        return ()
    others = [name for name in runtimes if name != RUNTIME]
    if others or device is not None:
        other = f"--runtime {others[0]}" if others else f"--device {device}"
        raise usage(
            f"--build-for builds TensorRT engines for cards elsewhere, and {other} selects what to measure here.",
            "Leave one of the two out.",
        )
    try:
        return parse(text)
    except ValueError as error:
        raise usage(f"--build-for {text}: {error}.") from error


def check_can_build(described: DescribeResult) -> None:
    """Raise `CommandFailed` (exit code 6) if the library that builds without a GPU is not installed."""
    if not any(row.id == TARGET and row.available for row in described.targets):  # the target needs the same library
        raise CommandFailed(
            MISSING,
            ErrorInfo(
                code="tensorrt_missing",
                title="TensorRT for RTX is not installed",
                detail="It builds engines ahead, and needs no card for that. Nothing was begun.",
                hint="Install it: installer/fettle --gpu rtx.",
            ),
        )


MARGIN_S = 0.5
"""Seconds above the time budget from which on a run explains its duration."""


@dataclass(frozen=True, kw_only=True)
class OptimizeOptions(JudgingOptions):
    """The options of `fettle optimize`."""

    preset: Annotated[str | None, Option(metavar="ID", help="Preset to optimize for (default: balanced).")] = None
    recipe: Annotated[Path | None, Option(metavar="FILE.yaml", help="Your own recipes instead of a preset.")] = None
    calibration: Annotated[Path | None, Option(help="Calibration data, separate from --data.")] = None
    runtimes: Annotated[list[str], Option("--runtime", metavar="ID", help="Only these runtimes.")] = field(
        default_factory=list
    )
    device: Annotated[str | None, Option(metavar="cpu|cuda:N")] = None
    build_for: Annotated[
        str | None,
        Option(metavar="sm89[,…]", help="Build TensorRT engines for these cards; none is needed on this computer."),
    ] = None
    time_budget_s: Annotated[
        float | None,
        Option(
            "--time-budget",
            min=1,
            max=86_400,
            help="Seconds for the run; opening, reading and the original come first.",
        ),
    ] = None
    out: Annotated[Path | None, Option(metavar="DIR", help="Also copy the best model to this folder.")] = None
    fresh: Annotated[bool, Option("--fresh", help="Ignore earlier measurements.")] = False
    on: Annotated[
        str | None,
        Option(metavar="NAME[,…]", help="Measure on these computers ('here' is this one); see 'fettle computer list'."),
    ] = None


def optimize(
    output: Output,
    options: OptimizeOptions,
    model: Annotated[Path | None, Argument(metavar="MODEL", show_default=False)] = None,
    resume: Annotated[str | None, Option(metavar="RUN", help="Continue this run for another --time-budget.")] = None,
) -> int:
    """Make a model faster and prove that it gives the same answers; the exit code is 4 if the original is kept."""
    if resume is not None:
        return _go_on(output, resume, model, options)
    if model is None:
        raise usage("No model is named.", "Use 'fettle optimize MODEL', or '--resume RUN' to continue a run.")
    opening = options.opening(model)
    check_exists(model, options.data, options.calibration, any_name=True)
    if options.out is not None:
        check_folder_for(options.out)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        preset = preset_of(space, options, _task_of(space, output, opening, options))
        build_for = architectures_of(options.build_for, options.runtimes, options.device)
        if build_for:
            check_can_build(run(space, describe(), output.watch))
        project, computers = project_for(space.repositories, model), computers_of(space, options.on)
        if options.on is not None and (build_for or (len(computers) > 1 and options.out is not None)):
            other = "--build-for" if build_for else "--out"
            raise usage(
                f"{other} writes one result, and --on measures on other computers.", "Leave one of the two out."
            )

        def one(computer: str) -> Run:
            on_card, runtimes = (space, ()) if build_for else wanted_of(space, output, preset, options, computer)
            try:
                wanted = request_of(project, opening, preset, runtimes, build_for, options, computer)
                return _run(on_card, output, wanted)
            except CommandFailed as stopped:
                spec = _ask_preparation(output, stopped.error)
                if spec is None:
                    raise
                confirmed = opening.model_copy(update={"preprocess": spec})
                return _run(on_card, output, replace(wanted, model=confirmed))

        if len(computers) == 1:
            return _finish(space, output, one(computers[0]), options)
        return on_each(output, computers, lambda computer: _with_document(space, one(computer)), space)


def _ask_preparation(output: Output, error: ErrorInfo) -> str | None:
    """Ask at a terminal how to prepare inputs if the present preparation probably does not fit.

    Returns:
        The SPEC of ``--preprocess`` to continue with; None without an answer or without a person to ask.
    """
    if error.code != PREPARED_WRONGLY or output.options.json or not is_terminal():
        return None
    best, chosen = str(error.facts["best"]), str(error.facts["chosen"])
    output.sentence(f"{error.title}. {error.detail}")
    output.sentence(f"Type 1 and ENTER for {error.facts['best_words']}, 2 to keep the present one, or ENTER to stop.")
    return {"1": best, "2": chosen or None}.get(sys.stdin.readline().strip())


def _finish(space: Workspace, output: Output, done: Run, options: OptimizeOptions) -> int:
    facts = read_facts(space, done.id)
    tried = tried_run(space, facts)
    if options.out is not None:
        _keep_artifact(facts, options.out)
    output.document(_document(facts))
    _print_run(output, facts, tried)
    return OK if done.recommended_variant_id else KEPT_ORIGINAL


def _with_document(space: Workspace, done: Run) -> tuple[Run, dict[str, Any]]:
    return done, _document(read_facts(space, done.id))


def _document(facts: RunFacts) -> dict[str, Any]:
    return run_document(facts.run, facts.variants, facts.outcome, facts.speech, facts.cards, facts.findings)


WITH_RESUME = ("time_budget_s", "out")


def _go_on(output: Output, run_id: str, model: Path | None, options: OptimizeOptions) -> int:
    """Resume the run with another time budget; finished work is not repeated."""
    others = [field.name for field in fields(options) if field.name not in WITH_RESUME]
    defaults = OptimizeOptions()
    if model is not None or any(getattr(options, name) != getattr(defaults, name) for name in others):
        detail = "A run continues with the model, the data and the options it began with."
        raise usage(detail, "With --resume, give only --time-budget and --out.")
    if options.out is not None:
        check_folder_for(options.out)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        try:
            before, request = resumed_request(space, run_id)
        except JobError as error:
            raise CommandFailed(error.exit_code, error.error) from error
        if before.state in WITH_RESULT and options.time_budget_s is None:
            raise usage("This run is over.", "Give it more seconds with --time-budget.")
        recorder, flow = resume_run(on_same_card(space, run_id), before, request, output.watch, options.time_budget_s)
        done = run_recorded(space, flow, recorder)
        return _finish(space, output, done, options)


def demo(output: Output, out: Annotated[Path | None, Option(metavar="FILE.zip")] = None) -> int:
    """Optimize, compare, export and verify the built-in sample."""
    sample = sample_paths()
    bundle = (out or Path("fettle-demo.zip")).absolute()
    check_writable(bundle)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        project = project_for(space.repositories, sample.model, name=sample.title, is_sample=True)
        options = OptimizeOptions(data=sample.data)
        opening = options.opening(sample.model)
        done = _run(space, output, request_of(project, opening, preset_of(space, options), (), (), options))
        facts = read_facts(space, done.id)
        request = ExportRequest(out=bundle)
        tried = tried_run(space, facts)
        exported = run(space, export(space, facts, request), output.watch)
        checked = run(space, verify(space, bundle), output.watch)
    if not checked.ok:
        differs = " ".join(finding.what for finding in checked.findings)
        hint = "Run the demo again; if it happens twice, report it with the log."
        raise refusal("verify_failed", "The bundle does not verify", differs, hint)
    document = run_document(facts.run, facts.variants, facts.outcome, cards=facts.cards, findings=facts.findings)
    output.document({**document, "bundle": str(exported.path)})
    _print_run(output, facts, tried)
    output.sentence(f"Done: {exported.path} runs on its own and gave the same answers as here.")
    return OK if done.recommended_variant_id else KEPT_ORIGINAL


def request_of(
    project: Project,
    opening: OpenParams,
    preset: Preset,
    runtimes: tuple[str, ...],
    build_for: tuple[str, ...],
    options: OptimizeOptions,
    computer: str = "",
) -> RunRequest:
    """Return the request of a run with these options."""
    loss, budget = limits_of(preset, options.max_loss_pct, options.time_budget_s)
    if build_for:  # a preset's time is meant for measuring
        budget = options.time_budget_s
    goal = Goal(preset.id, loss, budget, options.seed, options.threads, runtimes, computer=computer)
    data = data_params(options.data, options.calibration, options.text_column, options.label_column)
    return RunRequest(project, opening, data, preset, goal, options.fresh, build_for=build_for)


def _run(space: Workspace, output: Output, request: RunRequest) -> Run:
    preset, goal = request.preset, request.goal
    basis = usual_basis(Path(request.model.path), len(preset.recipes), goal.time_budget_s)
    expected = Forecasts(space.repositories, goal.computer).expect(basis)
    if not request.build_for:
        likely = forecast_words(expected.seconds, expected.memory_bytes, goal.time_budget_s)
        output.notice(f"This will likely take {likely}.")
        if not goal.computer and (short := short_of_memory(expected.memory_bytes, free_memory_bytes())):
            output.notice(short)
    recorder, flow = start_run(space, request, output.watch)
    save_gpu(space, recorder.run.id)
    return run_recorded(space, flow, recorder)


def _task_of(space: Workspace, output: Output, opening: OpenParams, options: OptimizeOptions) -> str:
    """Return the task of a model that may be a language model, which decides the default preset; else "".

    Only folders hold language models.
    """
    return run(space, inspect_model(opening), output.watch).task if task_decides(opening, options) else ""


def task_decides(opening: OpenParams, options: OptimizeOptions) -> bool:
    """Return whether the default preset depends on the model's task, which must then be found out."""
    path = Path(opening.path)
    may_chat = path.is_dir() or folder_of_weights(path) is not None
    return options.preset is None and options.recipe is None and may_chat


def preset_of(space: Workspace, options: OptimizeOptions, task: str = "") -> Preset:
    """Return the requested preset, the contents of the recipe file, or the default for this task."""
    if options.recipe is not None:
        if options.preset is not None:
            raise usage("--preset and --recipe both select what to try.", "Give one of them.")
        return preset_of_recipes(options.recipe, space.paths.presets)
    catalog = load_presets(space.paths.presets)
    wanted = options.preset or catalog.usual_for(task).id
    for problem in catalog.problems:
        if problem.path.stem == wanted:
            raise problem
    known = [preset.id for preset in catalog.presets]
    if wanted not in known:
        raise usage(f"There is no preset {wanted!r}.", f"Choose one of: {', '.join(known)}.")
    return catalog.get(wanted)


def wanted_of(
    space: Workspace, output: Output, preset: Preset, options: OptimizeOptions, computer: str = ""
) -> tuple[Workspace, tuple[str, ...]]:
    """Return the workspace on the named GPU, and the runtimes to try (empty: all that work on the computer).

    Named runtimes and devices must exist.
    """
    if not options.runtimes and options.device is None and options.recipe is None:
        return space, ()
    described = run(space, describe(computer), output.watch)
    if options.recipe is not None:
        check_recipes(described, preset.recipes, str(options.recipe))
    wanted = check_runtimes(described, options.runtimes)
    if options.device is None:
        return space, wanted
    there = runtimes_on(described, options.device)
    if wanted and not set(wanted) & set(there):
        detail = f"{', '.join(wanted)} does not run on {options.device}."
        raise usage(detail, f"On {options.device} there are: {', '.join(there)}.")
    card = card_of(described, options.device)
    return replace(space, card=lambda: card), tuple(name for name in there if not wanted or name in wanted)


def _keep_artifact(facts: RunFacts, out: Path) -> None:
    """Copy the recommended model (else the original) to the requested folder."""
    source = facts.model_dir(facts.recommended or facts.baseline)
    try:
        shutil.copytree(source, out, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        detail = f"{out}: {reason}. The run itself is stored as {facts.run.id}."
        hint = "Make room or choose another folder; the result is not lost."
        raise refusal("not_written", "The model could not be copied", detail, hint) from error


def _print_run(output: Output, facts: RunFacts, tried: TriedRun) -> None:
    output.text(f"{facts.project.name} (run {facts.run.id})")
    for line in version_lines(facts.variants, facts.run.recommended_variant_id, facts.speech, facts.cards):
        output.text(line)
    for row in tried.rows:
        if row.variant is None:
            output.text(f"   not tried: {row.title}. {row.because}")
    for sentence in (*tried.why, *tried.elsewhere):
        output.text(f"   {sentence}")
    expected, seconds = tried.forecast.before, facts.run.seconds
    if expected is not None and seconds is not None:
        saved = f", {duration(tried.forecast.saved_s)} of work were known from before"
        known = saved if tried.forecast.is_mostly_known else ""
        output.text(f"   expected {about(expected.seconds)}, took {duration(seconds)}{known}")
    for sentence in over_budget(facts.run.goal.time_budget_s, seconds, facts.outcome.ending):
        output.text(f"   {sentence}")
    for sentence in disturbed(facts.recommended):
        output.text(f"   {sentence}")
    output.sentence(with_misfit(facts.run.headline, facts.findings).rstrip(".") + ".")


def over_budget(budget_s: float | None, seconds: float | None, ending: Ending) -> tuple[str, ...]:
    """Return why a run exceeded its time budget, if its first steps alone did."""
    if budget_s is None or seconds is None or ending is not Ending.NOTHING_TRIED or seconds <= budget_s + MARGIN_S:
        return ()
    begin = "opening the model, reading the examples and choosing what to try are always done to their end"
    return (f"it took {duration(seconds)} instead of {duration(budget_s)}: {begin}",)
