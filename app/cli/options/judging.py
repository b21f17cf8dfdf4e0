"""Define the options of all commands that judge a model on a person's data."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from app.cli.options.arguments import (
    AllowCode,
    LabelColumn,
    Preprocess,
    ScoreThreshold,
    Seed,
    Shapes,
    Task,
    TextColumn,
    Threads,
)  # fmt: skip
from app.cli.options.shared import known_task, parse_shapes
from workers.contracts.jobs import OpenParams


@dataclass(frozen=True, kw_only=True)
class JudgingOptions:
    """Options about the model, the data and the limit; each field is an option of the command."""

    data: Annotated[Path | None, typer.Option(help="Pictures, texts, arrays or sounds to test with.")] = None
    text_column: TextColumn = None
    label_column: LabelColumn = None
    max_loss_pct: Annotated[
        float | None,
        typer.Option("--max-loss", min=0, max=100, help="Largest loss, in percent of the original's accuracy."),
    ] = None
    preprocess: Preprocess = None
    shapes: Shapes = field(default_factory=list)
    allow_code: AllowCode = False
    architecture: Annotated[str | None, typer.Option(help="Architecture, if several fit the weights.")] = None
    seed: Seed = 0
    threads: Threads = None
    task: Task = None
    score_threshold: ScoreThreshold = None


def opening_of(model: Path, options: JudgingOptions) -> OpenParams:
    """Return how to open the model; raise `CommandFailed` for malformed shapes and unknown tasks."""
    return OpenParams(
        path=str(model.absolute()),
        allow_code=options.allow_code,
        shapes=parse_shapes(options.shapes),
        preprocess=options.preprocess,
        architecture=options.architecture,
        task=known_task(options.task),
        score_threshold=options.score_threshold,
        data_path=None if options.data is None else str(options.data.absolute()),
    )
