"""kind ``export``: one bundle for one target, tested before it is handed out."""

from workers.contracts.errors import InputRefused
from workers.contracts.jobs import ExportParams, ExportResult
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec
from workers.registry import targets


def run(params: ExportParams, ctx: JobContext) -> ExportResult:
    """Raises `InputRefused` for an unknown target."""
    known = targets()
    if params.target not in known:
        raise InputRefused(
            "unknown_target",
            "There is no such kind of bundle",
            f"Fettle cannot write {params.target!r}.",
            f"Choose one of: {', '.join(known)}.",
        )
    result = known[params.target].write(params, ctx)
    assert isinstance(result, ExportResult)
    return result


HANDLER = HandlerSpec(kind="export", params=ExportParams, result=ExportResult, run=run)
