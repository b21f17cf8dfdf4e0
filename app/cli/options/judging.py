"""Define the options of all commands that judge a model on a person's data."""

from dataclasses import dataclass
from pathlib import Path

from app.cli.options.shared import known_task, parse_shapes
from workers.contracts.jobs import OpenParams


@dataclass(frozen=True, kw_only=True)
class JudgingOptions:
    """Options about the model, the data and the limit, as docs/command-line.md lists them."""

    data: Path | None = None
    text_column: str | None = None
    label_column: str | None = None
    max_loss_pct: float | None = None
    preprocess: str | None = None
    shapes: tuple[str, ...] = ()
    allow_code: bool = False
    architecture: str | None = None
    seed: int = 0
    threads: int | None = None
    task: str | None = None
    score_threshold: float | None = None


def opening_of(model: Path, options: JudgingOptions) -> OpenParams:
    """Return how to open the model; raise `CommandFailed` for malformed shapes and unknown tasks."""
    return OpenParams(
        path=str(model.absolute()),
        allow_code=options.allow_code,
        shapes=parse_shapes(list(options.shapes)),
        preprocess=options.preprocess,
        architecture=options.architecture,
        task=known_task(options.task),
        score_threshold=options.score_threshold,
        data_path=None if options.data is None else str(options.data.absolute()),
    )
