"""Run `fettle monitor`, which reads a bundle's log."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options.inputs import check_exists
from app.cli.output import OK, Output
from app.cli.session import run, workspace
from app.services.after.monitoring import monitor as monitored


def monitor(
    output: Output,
    log: Annotated[
        Path, typer.Argument(metavar="LOG", help="Log folder or file written by run.py or serve.py with --log.")
    ],
) -> int:
    """Print what a bundle's log shows: drift, alarms, and what to do."""
    check_exists(log, any_name=True)
    with workspace(output.options, writes=False, notice=output.notice) as space:
        found = run(space, monitored(log.absolute()), output.watch)
    output.document(found.model_dump(mode="json"))
    for alert in found.alerts:
        output.text(f"  {alert.level}: {alert.what}")
        output.text(f"      {alert.advice}")
    for row in found.drift.statistics:
        before = "unknown" if row.before is None else f"{row.before:.3g}"
        counts = f"{row.n:,} requests beside {row.expected:,}"
        output.text(f"  {row.title}: {row.now:.3g}, before {before} ({counts})")
    for note in found.drift.notes:
        output.text(f"  note: {note}")
    output.sentence(found.drift.summary)
    return OK
