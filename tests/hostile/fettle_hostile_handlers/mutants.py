"""Opens one mutant after the other in one sandboxed process, and reports what came of each."""

import random
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from workers.contracts.base import Frozen
from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext

RUN_SHARE = {"ONNX": 0.3, "torch": 0.02, "safetensors": 0.02, "TorchScript": 0.05}
"""How many are also converted and run, with consent for programs; the others are looked at."""


class Params(Frozen):
    """Mutants `first` to `first + count - 1` of the files in `sound`."""

    sound: str
    first: int
    count: int
    seed: int = 0


class Result(Frozen):
    done: int


def run(params: Params, ctx: JobContext) -> Result:
    import torch as _torch  # so that the first one does not wait for it  # noqa: F401

    from fettle_hostile_handlers._making import mutant
    from fettle_hostile_handlers._outcomes import within_bounds

    sound = {path.name: path.read_bytes() for path in Path(params.sound).iterdir()}
    for number in range(params.first, params.first + params.count):
        ctx.check_cancelled()
        made = mutant(number, sound, params.seed)
        path = ctx.work_dir / f"mutant{made.suffix}"
        path.write_bytes(made.data)
        tried = random.Random(number).random() < RUN_SHARE[made.family]
        outcome = within_bounds(partial(_open, path, ctx, tried), len(made.data))
        ctx.log(f"{number}|{made.family}|{'run' if tried else 'read'}|{outcome}", "debug")
        path.unlink()
    return Result(done=params.count)


def _open(path: Path, ctx: JobContext, tried: bool) -> None:
    from workers.model_io.opening import inspect_model, open_model

    shapes: dict[str, Any] = {"input": (1, 3, 8, 8)}
    if tried:
        open_model(OpenParams(path=str(path), allow_code=True, shapes=shapes), ctx)
        shutil.rmtree(ctx.work_dir / "model")
    else:
        inspect_model(OpenParams(path=str(path)), ctx)
