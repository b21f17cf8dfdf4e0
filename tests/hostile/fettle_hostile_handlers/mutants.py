"""Opens one mutant after the other in one sandboxed process, and tells what came of each."""

import random
import shutil
from pathlib import Path
from typing import Any

from workers.contracts.base import Frozen
from workers.contracts.errors import JobCancelled
from workers.contracts.jobs import OpenParams
from workers.contracts.process.context import JobContext
from workers.contracts.process.messages import Failed
from workers.contracts.techniques import HandlerSpec

OPENED, NO_CLASS = "opened", "no class"
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

    sound = {path.name: path.read_bytes() for path in Path(params.sound).iterdir()}
    for number in range(params.first, params.first + params.count):
        ctx.check_cancelled()
        made = mutant(number, sound, params.seed)
        path = ctx.work_dir / f"mutant{made.suffix}"
        path.write_bytes(made.data)
        tried = random.Random(number).random() < RUN_SHARE[made.family]
        ctx.log(f"{number}|{made.family}|{'run' if tried else 'read'}|{_outcome(path, ctx, tried)}", "debug")
        path.unlink()
    return Result(done=params.count)


def _outcome(path: Path, ctx: JobContext, tried: bool) -> str:
    """The class of what came of it: opened, the code of a refusal in words, or no class and the error itself."""
    from workers.model_io.opening import inspect_model, open_model
    from workers.runtime.failure import terminal_message

    shapes: dict[str, Any] = {"input": (1, 3, 8, 8)}
    try:
        if tried:
            open_model(OpenParams(path=str(path), allow_code=True, shapes=shapes), ctx)
            shutil.rmtree(ctx.work_dir / "model")
        else:
            inspect_model(OpenParams(path=str(path)), ctx)
    except JobCancelled:
        raise
    except Exception as error:
        told = terminal_message(error)
        if not isinstance(told, Failed) or told.error.code == "internal":
            return f"{NO_CLASS} {type(error).__name__}: {error}"[:500].replace("\n", " ")
        if not (told.error.title and told.error.detail.endswith((".", "!", "?", "…")) and told.error.hint):
            return f"{NO_CLASS} half sentences: {told.error.detail}"[:500]
        return told.error.code
    return OPENED


HANDLER = HandlerSpec(kind="mutants", params=Params, result=Result, run=run, torch=True)
