"""Declare arguments and options that several commands share, for typer."""

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A model file or folder.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="Run id, as listed by 'fettle jobs'.")]
Variant = Annotated[str | None, typer.Option(metavar="ID", help="Version id instead of the recommended one.")]
TextColumn = Annotated[str | None, typer.Option(help="CSV column with the texts.")]
LabelColumn = Annotated[str | None, typer.Option(help="CSV column with the labels.")]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1)]
Shapes = Annotated[list[str], typer.Option("--shape", help="[NAME=]1x3x224x224, if the model does not state it.")]
Preprocess = Annotated[
    str | None, typer.Option(help="resize=256,crop=224,mean=…,std=…,layout=nchw,range=0..1,channels=rgb")
]
Task = Annotated[
    str | None, typer.Option(metavar="ID", help="Kind of results, if the guess is wrong: detection, class, …")
]
ScoreThreshold = Annotated[
    float | None, typer.Option(min=0.001, max=0.999, metavar="X", help="Lowest score of a detection.")
]
AllowCode = Annotated[
    bool, typer.Option("--allow-code", help="Consent to run a program (TorchScript, PyTorch) in the sandbox.")
]
Threads = Annotated[int | None, typer.Option(min=1, max=1024, help="Processor cores to use.")]
Sign = Annotated[Path | None, typer.Option(metavar="KEY.pem", help="Sign it with this private key.")]
AcceptRegression = Annotated[str | None, typer.Option(metavar="WHY")]
