"""Write the folder of a technique's result atomically."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from workers.contracts.errors import InputRefused
from workers.contracts.folder import copy_companions, write_model
from workers.contracts.pipeline import PipelineSpec, write_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import ModelArtifact, RecipeStep
from workers.contracts.techniques import Model, TechniqueParams
from workers.contracts.translation import _, mark
from workers.convert.graphs import onnx_files

MODEL_DIR = "model"
LEAVE_OUT = mark("Leave this step out of the recipe.")
MODEL_FILE = "model.onnx"


@dataclass
class Output:
    """The result that a technique fills in while its folder is still hidden.

    `files` are names relative to `folder`; the first one is the file that a runtime opens. `settings` override those of
    the source, `notes` are added to its notes, and `runtimes` narrow its runtimes. `model_format` and `pipeline` are
    the source's where they are None. A `new_graph` inherits no settings and runtimes from the source.
    """

    folder: Path
    files: tuple[str, ...] = ()
    precision: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    runtimes: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    torch_program: str | None = None
    model_format: Literal["onnx", "openvino-ir"] | None = None
    pipeline: PipelineSpec | None = None
    weights_kept: bool = True
    new_graph: bool = False
    artifact: ModelArtifact = field(init=False)

    def save(self, proto: Any, title: str) -> Path:
        """Write `proto` as the model's file and return its path.

        Raises:
            InputRefused: ONNX Runtime cannot open the file.
        """
        target = self.folder / MODEL_FILE
        self.files = onnx_files.save(proto, target)
        onnx_files.check_opens(target, title)
        return target


@contextlib.contextmanager
def new_model(model: Model, technique: str, params: TechniqueParams, ctx: JobContext) -> Iterator[Output]:
    """Provide a hidden folder that becomes ``work_dir/model``, described and hashed, when the block succeeds.

    If the block raises, nothing is left behind. `Output.artifact` is set at the end. Cancellation is checked before and
    after the block.
    """
    ctx.check_cancelled()
    final = ctx.work_dir / MODEL_DIR
    hidden = ctx.work_dir / f".{MODEL_DIR}.part"
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.mkdir(parents=True)
    output = Output(hidden)
    try:
        yield output
        copy_companions(model.folder, hidden)
        if output.pipeline is not None:
            write_pipeline(hidden, output.pipeline)
        source = model.artifact
        step = RecipeStep(technique=technique, version=params.version, params=params.model_dump(mode="json"))
        output.artifact = write_model(
            hidden,
            output.files[0],
            output.files,
            model_format=output.model_format or source.format,
            precision=output.precision or source.precision,
            settings=dict(output.settings) if output.new_graph else {**source.settings, **output.settings},
            runtimes=output.runtimes if output.new_graph else narrow(source.runtimes, output.runtimes),
            steps=(*source.steps, step),
            notes=(*source.notes, *output.notes),
            torch_program=output.torch_program,
            weights_kept=output.weights_kept and source.weights_kept,
        )
        ctx.check_cancelled()
        if final.exists():
            shutil.rmtree(final)
        hidden.replace(final)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise


def does_not_fit(code: str, title: str, detail: str, hint: str = LEAVE_OUT) -> InputRefused:
    """Return the refusal of a technique, called `title`, that does not fit this model."""
    return InputRefused(code, _("{0}: it does not fit here").format(_(title)), detail, hint)


def narrow(first: tuple[str, ...] | None, second: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return the runtimes that both arguments allow (None allows all).

    Raises:
        InputRefused: no runtime is left.
    """
    if first is None or second is None:
        return second if first is None else first
    both = tuple(runtime for runtime in first if runtime in second)
    if not both:
        raise InputRefused(
            "steps_do_not_fit",
            "The steps of this recipe do not fit together",
            _("One step needs {0}, another one {1}.").format(", ".join(first), ", ".join(second)),
            "Leave one of the two steps out of the recipe.",
        )
    return both


def link_or_copy(source: Path, target: Path) -> None:
    """Link a file where the file system allows it, else copy it, because weights may have gigabytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def take_files(model: Model, output: Output) -> None:
    """Add the source's own model files unchanged, as links where the file system allows it, else as copies."""
    names = [model.artifact.main] + [f.path for f in model.artifact.files if f.path != model.artifact.main]
    for name in names:
        link_or_copy(model.folder / name, output.folder / name)
    output.files = tuple(names)


def need_onnx(model: Model, title: str) -> Path:
    """Return the path of the model's ONNX file.

    Raises:
        InputRefused: the model has another format.
    """
    if model.artifact.format != "onnx":
        raise InputRefused(
            "format_does_not_fit",
            _("{0} needs an ONNX model").format(_(title)),
            _("This variant is in the format {0}.").format(model.artifact.format),
            "Put this step before the one that changes the format.",
        )
    return model.main
