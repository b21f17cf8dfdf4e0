"""Job kinds ``export``, ``card`` and ``verify``: bundles of one target of the registry."""

from pathlib import Path

from workers.contracts.bundles import CardParams, ExportParams, ExportResult, VerifyParams, VerifyResult
from workers.contracts.pipeline import PipelineSpec, read_pipeline
from workers.contracts.process.context import JobContext
from workers.export import verify
from workers.export.card.text import card_text, for_model
from workers.export.layout import with_columns
from workers.registry import known_target, targets


def run_export(params: ExportParams, ctx: JobContext) -> ExportResult:
    """Write and test one bundle.

    Raises:
        InputRefused: The target is unknown.
    """
    target = known_target(params.target)
    result = target.write(params, ctx)
    assert isinstance(result, ExportResult)
    return result.model_copy(update={"commands": for_model(target.commands, _pipeline(params.model_dir))})


def run_card(params: CardParams, ctx: JobContext) -> ExportResult:
    """Return the sections of README.md for human readers, as this target's bundle would have them."""
    commands = known_target(params.target).commands
    spec = with_columns(_pipeline(params.model_dir), params.facts)
    return ExportResult(card_text=card_text(params.facts, spec, commands))


def run_verify(params: VerifyParams, ctx: JobContext) -> VerifyResult:
    """Check whether a bundle is intact and gives its golden predictions; the worst finding comes first."""
    return verify.verify(params, ctx, targets())


def _pipeline(model_dir: str) -> PipelineSpec:
    return read_pipeline(Path(model_dir))
