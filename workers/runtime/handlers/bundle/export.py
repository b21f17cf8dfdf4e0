"""kind ``export``: one bundle for one target, tested before it is handed out."""

from pathlib import Path

from workers.contracts.bundles import ExportParams, ExportResult
from workers.contracts.pipeline import PipelineSpec
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec
from workers.export.how_to_run import for_model
from workers.registry import known_target


def run(params: ExportParams, ctx: JobContext) -> ExportResult:
    """Raises `InputRefused` for an unknown target."""
    target = known_target(params.target)
    result = target.write(params, ctx)
    assert isinstance(result, ExportResult)
    spec = PipelineSpec.model_validate_json((Path(params.model_dir) / "pipeline.json").read_text(encoding="utf-8"))
    return result.model_copy(update={"commands": for_model(target.commands, spec)})


HANDLER = HandlerSpec(kind="export", params=ExportParams, result=ExportResult, run=run)
