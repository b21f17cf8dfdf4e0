"""`fettle optimize` and `fettle demo`."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from app.cli.options import parse_shapes
from app.cli.output import KEPT_ORIGINAL, OK, CommandFailed, Output, usage
from app.cli.session import run, workspace
from app.domain.project import Project
from app.domain.run import Goal, Run
from app.services.documents import run_document
from app.services.exporting import ExportAsk, export, verify
from app.services.facts import RunFacts, read_facts
from app.services.projects import project_for
from app.services.running import RunAsk, data_params, limits_of, start_run
from app.services.workspace import Workspace
from presets.loader import load_presets, load_recipes
from presets.sample import sample_paths
from presets.schema import Preset
from presets.yaml_file import PresetRefused
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import OpenParams


@dataclass(frozen=True)
class OptimizeOptions:
    """The options of `fettle optimize`, as CLI.md lists them."""

    preset: str = "balanced"
    recipe: Path | None = None
    data: Path | None = None
    calibration: Path | None = None
    text_column: str | None = None
    label_column: str | None = None
    max_loss_pct: float | None = None
    preprocess: str | None = None
    shapes: tuple[str, ...] = ()
    allow_code: bool = False
    architecture: str | None = None
    runtimes: tuple[str, ...] = ()
    time_budget_s: float | None = None
    seed: int = 0
    threads: int | None = None
    out: Path | None = None


def optimize(output: Output, model: Path, options: OptimizeOptions) -> int:
    """The whole optimization; exit code 4 when the original is kept."""
    with workspace(output.options, writes=True) as space:
        project = project_for(space.repositories, model)
        done = _run(space, output, project, model, options)
        facts = read_facts(space, done.id)
        _keep_artifact(facts, options.out)
        output.document(run_document(facts.run, facts.variants))
        _say(output, facts)
        return OK if done.recommended_variant_id else KEPT_ORIGINAL


def demo(output: Output, out: Path | None) -> int:
    """The built-in sample: optimize, compare, export, verify."""
    sample = sample_paths()
    bundle = (out or Path("fettle-demo.zip")).absolute()
    with workspace(output.options, writes=True) as space:
        repositories = space.repositories
        project = project_for(repositories, sample.model, name=sample.title, is_sample=True)
        done = _run(space, output, project, sample.model, OptimizeOptions(data=sample.data))
        facts = read_facts(space, done.id)
        ask = ExportAsk(run_id=done.id, variant_id=None, target="python", out=bundle)
        exported = run(space, export(space, facts, ask), output.watch)
        checked = run(space, verify(bundle), output.watch)
        if not checked.ok:
            raise CommandFailed(
                3,
                ErrorInfo(
                    code="verify_failed",
                    title="The bundle does not verify",
                    detail=" ".join(finding.what for finding in checked.findings),
                    hint="Run the demo again; if it happens twice, report it with the log.",
                ),
            )
        output.document({**run_document(facts.run, facts.variants), "bundle": str(exported.path)})
        _say(output, facts)
        output.sentence(f"Done: {exported.path} runs on its own and gave the same answers as here.")
        return OK if done.recommended_variant_id else KEPT_ORIGINAL


def _run(space: Workspace, output: Output, project: Project, model: Path, options: OptimizeOptions) -> Run:
    preset = _preset(space, options)
    loss, budget = limits_of(preset, options.max_loss_pct, options.time_budget_s)
    goal = Goal(
        preset_id=preset.id,
        max_loss_pct=loss,
        time_budget_s=budget,
        seed=options.seed,
        threads=options.threads,
        runtimes=options.runtimes,
    )
    opening = OpenParams(
        path=str(model.absolute()),
        allow_code=options.allow_code,
        shapes=parse_shapes(list(options.shapes)),
        preprocess=options.preprocess,
        architecture=options.architecture,
    )
    data = data_params(options.data, options.calibration, options.text_column, options.label_column)
    recorder, flow = start_run(space, RunAsk(project, opening, data, preset, goal), output.watch)
    return run(space, flow, recorder.watch)


def _preset(space: Workspace, options: OptimizeOptions) -> Preset:
    """The asked-for preset; with `--recipe` its recipes are those of the file."""
    try:
        catalog = load_presets(space.paths.presets)
        if options.recipe is not None:
            base = catalog.get("balanced")
            return base.model_copy(update={"id": options.recipe.stem, "recipes": load_recipes(options.recipe)})
    except PresetRefused as error:
        raise CommandFailed(error.exit_code, error.info()) from error
    known = [preset.id for preset in catalog.presets]
    if options.preset not in known:
        raise usage(f"There is no preset {options.preset!r}; there are {', '.join(known)}.")
    return catalog.get(options.preset)


def _keep_artifact(facts: RunFacts, out: Path | None) -> None:
    """Copy the recommended model (else the original) to the folder that was asked for."""
    if out is None:
        return
    variant = facts.recommended or facts.baseline
    shutil.copytree(facts.model_dir(variant), out, dirs_exist_ok=True)


def _say(output: Output, facts: RunFacts) -> None:
    output.text(f"{facts.project.name}: {facts.run.headline}")
    for variant in facts.variants:
        p50 = variant.measurement.latency_p50_ms
        time = f"{p50:.3g} ms" if p50 is not None else "not measured"
        verdict = "original" if variant.is_baseline or not variant.judgement else variant.judgement.verdict
        mark = "→" if variant.id == facts.run.recommended_variant_id else " "
        output.text(f" {mark} {variant.id}  {variant.title:<40} {time:>12}  {verdict}")
    output.sentence(facts.run.headline + ".")
