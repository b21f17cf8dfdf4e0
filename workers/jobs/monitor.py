"""Job kind ``monitor``: read a bundle's log and report changes."""

from workers.contracts.after.monitor import MonitorParams, MonitorResult
from workers.contracts.errors import InputRefused
from workers.contracts.paths import from_text
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, mark
from workers.monitor.reading import NotALog
from workers.monitor.report import report_log

NEXT = {
    "newer": mark("Update Fettle, then open it again."),
    "missing": mark("Check the name; a log is the folder in which a bundle writes it."),
    "empty": mark("Did the bundle get requests since it was started? Lines come each minute, or each 25 requests."),
    "damaged": mark("Choose the whole folder of the log, so that its beginning is there."),
    "unreadable": mark("Check that you may read it, then open it again."),
}
USUAL = mark("Choose the folder in which a bundle keeps its log, or a .jsonl file in it.")


def run(params: MonitorParams, ctx: JobContext) -> MonitorResult:
    """Read the log.

    Raises:
        InputRefused: The file or folder is not a log.
    """
    log = from_text(params.log)

    def watch(done: int, total: int) -> None:
        ctx.check_cancelled()
        ctx.progress("Read the log", min(done, total), total)

    try:
        report = report_log(log, watch)
    except NotALog as error:
        detail = _("“{0}” was not read: {1}. It was not changed.").format(log.name[:80], error)
        raise InputRefused(
            "not_a_log", "This is no log of a bundle", detail, NEXT.get(error.code, USUAL), facts={"why": error.code}
        ) from error
    return MonitorResult.model_validate(report)
