"""Run `fettle prove`, which judges any two models side by side."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from app.cli.options.arguments import JudgingOptions
from app.cli.options.inputs import check_exists, parse_pairs
from app.cli.output import KEPT_ORIGINAL, OK, Output
from app.cli.session import run, workspace
from app.cli.tables import version_lines
from app.domain.choose import is_safe
from app.domain.run import Goal
from app.domain.words.results import proof_words
from app.services.machine.devices import check_runtimes, describe
from app.services.projects.projects import project_for
from app.services.projects.running import RunRequest, data_params, limits_of, start_run
from app.services.records.documents import prove_document
from app.services.records.facts import read_facts
from app.services.records.run_records import OtherModelRequest
from presets.loader import DEFAULT_ID, load_presets
from workers.contracts.jobs import OpenParams


@dataclass(frozen=True, kw_only=True)
class ProveOptions(JudgingOptions):
    """The options of `fettle prove`."""

    optimized_runtime: Annotated[str | None, Option(metavar="ID", help="Runtime of OPTIMIZED.")] = None
    match: Annotated[
        list[str], Option(metavar="ORIGINAL=OTHER", help="An input or output with another name in OPTIMIZED.")
    ] = field(default_factory=list)


def prove(
    output: Output,
    original: Annotated[Path, Argument(metavar="ORIGINAL", help="A model file, folder or bundle.")],
    optimized: Annotated[
        Path, Argument(metavar="OPTIMIZED", help="The model, file, folder or bundle to compare with it.")
    ],
    options: ProveOptions,
) -> int:
    """Judge any two models side by side; the exit code is 4 if the second one is not proven safe."""
    pairs, model = parse_pairs(options.match), options.opening(original)
    check_exists(original, optimized, options.data, any_name=True)
    other = OpenParams(
        path=str(optimized.absolute()),
        allow_code=options.allow_code,
        architecture=options.architecture,
        shapes=model.shapes,
        to_prove=True,
    )
    beside = OtherModelRequest(opening=other, runtime=options.optimized_runtime, pairs=pairs)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        if options.optimized_runtime is not None:
            check_runtimes(run(space, describe(), output.watch), [options.optimized_runtime])
        preset = load_presets(space.paths.presets).get(DEFAULT_ID)
        loss, _ = limits_of(preset, options.max_loss_pct, None)
        goal = Goal(preset_id=preset.id, max_loss_pct=loss, seed=options.seed, threads=options.threads)
        data = data_params(options.data, None, options.text_column, options.label_column)
        project = project_for(space.repositories, original)
        searched = preset.model_copy(update={"recipes": (), "by_traits": ()})
        request = RunRequest(project, model, data, searched, goal, beside=beside)
        recorder, flow = start_run(space, request, output.watch)
        done = run(space, flow, recorder.watch)
        facts = read_facts(space, done.id)
    other_version = next(variant for variant in facts.variants if not variant.is_baseline)
    output.document(prove_document(facts.run, facts.variants))
    output.text(f"{facts.project.name} (run {facts.run.id})")
    for line in version_lines(facts.variants, None):
        output.text(line)
    for note in (*other_version.notes, *(other_version.judgement.notes if other_version.judgement else ())):
        output.text(f"   {note}")
    output.sentence(f"{proof_words(other_version, loss)}.")
    return OK if is_safe(other_version) else KEPT_ORIGINAL
