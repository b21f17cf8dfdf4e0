"""Job kind ``card``: the model card as it will read."""

from pathlib import Path

from workers.contracts.bundles import CardParams, CardResult
from workers.contracts.pipeline import PipelineSpec
from workers.contracts.process.context import JobContext
from workers.contracts.techniques import HandlerSpec
from workers.export.card.text import card_text
from workers.registry import known_target


def run(params: CardParams, ctx: JobContext) -> CardResult:
    """What people read of README.md as this target's bundle would have it."""
    text = (Path(params.model_dir) / "pipeline.json").read_text(encoding="utf-8")
    judged = params.facts.data.n_test if params.facts.data else 0
    commands = known_target(params.target).commands
    return CardResult(text=card_text(params.facts, PipelineSpec.model_validate_json(text), judged, commands))


HANDLER = HandlerSpec("card", CardParams, CardResult, run)
