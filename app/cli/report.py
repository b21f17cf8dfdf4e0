"""Run `fettle report`: write a problem report without private content."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from app.cli.output import OK, Output
from app.cli.session import run, workspace
from app.services.machine.report.making import report as report_flow
from app.services.machine.report.making import save_report

RunId = Annotated[
    str, Argument(metavar="RUN", help="Run to report; else the last job that failed.", show_default=False)
]
Out = Annotated[Path, Option("--out", metavar="FILE.zip", help="File to write.", show_default=False)]


def report(output: Output, out: Out, run_id: RunId = "") -> int:
    """Write a problem report that you can read: versions, computer, settings, log, error. Nothing is sent."""
    with workspace(output.options, writes=False, notice=output.notice) as space:
        files = run(space, report_flow(space, run_id), output.watch)
    save_report(out, files)
    output.document({"path": str(out), "files": list(files)})
    for name in files:
        output.text(f"  {name}")
    output.sentence(f"{out} was written, and nothing was sent. Read it before you pass it on.")
    return OK
