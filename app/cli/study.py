"""Run `fettle study`: optimize the models of a folder and print one table."""

import csv
import dataclasses
import io
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from app.cli.fleet import computers_of
from app.cli.optimize import OptimizeOptions, preset_of, request_of, task_decides, wanted_of
from app.cli.options.inputs import check_exists, check_folder_for
from app.cli.output import CANCELLED, KEPT_ORIGINAL, OK, REFUSED, CommandFailed, Output, refusal, usage
from app.cli.session import CANCELLED_WORDS, on_signal, workspace
from app.domain.words.results import times
from app.files import write_whole
from app.services.flow.events import ignore
from app.services.flow.steps import Flow, FlowCancelled
from app.services.opening.opening import inspect_model
from app.services.projects.projects import project_for
from app.services.projects.running import RunRequest
from app.services.study.models import models_in
from app.services.study.places import Place, places_of
from app.services.study.study import Study, StudyRow
from workers.contracts.after.answering import harmless
from workers.contracts.wording import duration

COLUMNS = ("model", "run_id", "recommended", "speedup", "verdict", "seconds", "computer", "error")
THIS = "this computer"


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyOptions(OptimizeOptions):
    """The options of `fettle study`."""

    out: Annotated[Path | None, Option(metavar="FILE.csv", help="Also write the table to this file.")] = None


def study(
    output: Output,
    options: StudyOptions,
    folder: Annotated[Path, Argument(metavar="FOLDER", help="A folder with models.", show_default=False)],
    cluster: Annotated[
        str | None, Option(metavar="ADDRESS", help="Work on a Dask cluster: tls://HOST:PORT, or local:2.")
    ] = None,
) -> int:
    """Optimize all models of a folder and print one table; the same command goes on after an interruption."""
    check_exists(folder, options.data, options.calibration)
    elsewhere = cluster is not None or options.on is not None
    if options.build_for is not None or (elsewhere and options.device not in (None, "cpu")):
        raise usage("A study measures on processors and cards that are there; leave --build-for and --device out.")
    if cluster is not None and options.on is not None:
        raise usage("--cluster and --on both say where to work.", "Give one of them.")
    if options.out is not None:
        check_folder_for(options.out.parent)
    models = _models(folder)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        here, runtimes, computers = space, tuple(options.runtimes), computers_of(space, options.on)
        if cluster is None and computers == ("",):
            here, runtimes = wanted_of(space, output, preset_of(space, options), options)
        with places_of(here, computers, cluster, frozenset(models)) as places:
            asked = _requests(runtimes, options)
            observe = output.watch if len(places) == 1 else ignore  # lines of runs at once would be mixed
            one = Study(models, places, asked, observe, lambda row: output.notice(_line(row)))
            with on_signal(lambda _signum, _frame: one.cancel()):
                try:
                    rows = one.run()
                except FlowCancelled as error:
                    raise CommandFailed(CANCELLED, CANCELLED_WORDS.model_copy(update=KEPT)) from error
    if options.out is not None:
        write_table(options.out, rows)
    output.document({"rows": [document_of(row) for row in rows]})
    for row in rows:
        output.text(_line(row))
    failed, best = sum(row.error is not None for row in rows), sum(row.recommended is not None for row in rows)
    output.sentence(f"{len(rows)} models: {best} have a better version, {failed} could not be optimized.")
    return OK if best else REFUSED if failed == len(rows) else KEPT_ORIGINAL


KEPT = {
    "detail": "What was measured is kept.",
    "hint": "Run the same command again: it goes on, and finished models are not repeated.",
}


def _models(folder: Path) -> list[Path]:
    try:
        models = [path.absolute() for path in models_in(folder)] if folder.is_dir() else []
    except OSError as error:
        detail = f"{folder}: {error.strerror or error}."
        raise refusal("not_readable", "This folder cannot be read", detail, "Check its name and rights.") from error
    if not models:
        hint = "Name a folder with one model file or model folder for each model."
        raise refusal("no_models", "There are no models", f"{folder} holds no model that Fettle knows.", hint)
    return models


def _requests(runtimes: tuple[str, ...], options: StudyOptions) -> Callable[[Place, Path], Flow[RunRequest]]:
    """Return the function that makes the request of one model."""

    def asked(place: Place, model: Path) -> Flow[RunRequest]:
        opening = options.opening(model)
        task = (yield from inspect_model(opening)).task if task_decides(opening, options) else ""
        own = dataclasses.replace(options, threads=options.threads or place.threads)
        project = project_for(place.space.repositories, model)
        preset = preset_of(place.space, options, task)
        return request_of(project, opening, preset, runtimes, (), own, place.computer)

    return asked


def document_of(row: StudyRow) -> dict[str, Any]:
    """Return a row of the table as it is printed."""
    error = None if row.error is None else row.error.model_dump(include={"code", "title", "detail", "hint"})
    fields = {name: getattr(row, name) for name in COLUMNS}
    return {**fields, "computer": row.computer or platform.node() or THIS, "error": error}


def _line(row: StudyRow) -> str:
    if row.error is not None:
        return f"{row.model}: {row.error.title}. {row.error.detail}"
    took = "" if row.seconds is None else f", took {duration(row.seconds)}"
    place = f" ({row.computer})" if row.computer else ""
    if row.recommended is None:
        return f"{row.model}: keep the original{took}{place}"
    faster = "" if row.speedup is None else f", {times(row.speedup)} × as fast"
    return f"{row.model}: {row.title}{faster}, {row.verdict}{took}{place}"


def write_table(out: Path, rows: list[StudyRow]) -> None:
    """Write the table as UTF-8, with bytes of file names that are no text as escapes; raise `CommandFailed`."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for row in rows:
        fields = document_of(row)
        error = "" if row.error is None else row.error.code
        table.writerow(harmless((*(fields[name] for name in COLUMNS[:-1]), error)))
    try:
        write_whole(out, text.getvalue().encode(errors="backslashreplace"))
    except OSError as error:
        detail = f"{out}: {error.strerror or error}. The runs are stored."
        raise refusal("not_written", "The table could not be written", detail, "Name another file.") from error
