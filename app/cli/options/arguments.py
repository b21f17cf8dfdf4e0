"""Declare arguments and options that several commands share, for typer."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from app.cli.options.inputs import known_task, parse_shapes
from workers.contracts.jobs import OpenParams

Model = Annotated[Path, Argument(metavar="MODEL", help="A model file or folder.")]
Run = Annotated[str, Argument(metavar="RUN", help="Run id, as listed by 'fettle jobs'.")]
Variant = Annotated[str | None, Option(metavar="ID", help="Version id instead of the recommended one.")]
TextColumn = Annotated[str | None, Option(help="CSV column with the texts.")]
LabelColumn = Annotated[str | None, Option(help="CSV column with the labels.")]
Seed = Annotated[int, Option(min=0, max=2**31 - 1)]
Shapes = Annotated[list[str], Option("--shape", help="[NAME=]1x3x224x224, if the model does not state it.")]
Preprocess = Annotated[str | None, Option(help="resize=256,crop=224,mean=…,std=…,layout=nchw,range=0..1,channels=rgb")]
Task = Annotated[str | None, Option(metavar="ID", help="Kind of results, if the guess is wrong: detection, class, …")]
ScoreThreshold = Annotated[float | None, Option(min=0.001, max=0.999, metavar="X", help="Lowest score of a detection.")]
AllowCode = Annotated[
    bool, Option("--allow-code", help="Consent to run a program (TorchScript, PyTorch) in the sandbox.")
]
Threads = Annotated[int | None, Option(min=1, max=1024, help="Processor cores to use.")]
Sign = Annotated[Path | None, Option(metavar="KEY.pem", help="Sign it with this private key.")]
AcceptRegression = Annotated[str | None, Option(metavar="WHY")]


@dataclass(frozen=True, kw_only=True)
class JudgingOptions:
    """Options about the model, the data and the limit; each field is an option of the command."""

    data: Annotated[Path | None, Option(help="Pictures, texts, arrays or sounds to test with.")] = None
    text_column: TextColumn = None
    label_column: LabelColumn = None
    max_loss_pct: Annotated[
        float | None,
        Option("--max-loss", min=0, max=100, help="Largest loss, in percent of the original's accuracy."),
    ] = None
    preprocess: Preprocess = None
    shapes: Shapes = field(default_factory=list)
    allow_code: AllowCode = False
    architecture: Annotated[str | None, Option(help="Architecture, if several fit the weights.")] = None
    seed: Seed = 0
    threads: Threads = None
    task: Task = None
    score_threshold: ScoreThreshold = None

    def opening(self, model: Path) -> OpenParams:
        """Return how to open the model."""
        facts = {"architecture": self.architecture, "score_threshold": self.score_threshold}
        return opening_of(model, self.shapes, self.preprocess, self.allow_code, self.task, self.data, **facts)


def opening_of(
    model: Path,
    shapes: list[str],
    preprocess: str | None,
    allow_code: bool,
    task: str | None = None,
    data: Path | None = None,
    **facts: Any,
) -> OpenParams:
    """Return how to open a model; raise `CommandFailed` for malformed shapes and unknown tasks.

    `facts` are further fields of `OpenParams`.
    """
    return OpenParams(
        path=str(model.absolute()),
        shapes=parse_shapes(shapes),
        preprocess=preprocess,
        allow_code=allow_code,
        task=known_task(task),
        data_path=None if data is None else str(data.absolute()),
        **facts,
    )
