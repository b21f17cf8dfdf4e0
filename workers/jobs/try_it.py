"""Job kind ``try_it``: keep one model loaded and predict one input per request.

Two versions are two jobs, which the parent lets run in turn: in one process they would disturb each other's times.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from pydantic import ValidationError

from workers.contracts.after.trying import LiveResult, TryAnswer, TryRequest
from workers.contracts.errors import ErrorInfo, InputRefused, JobCancelled, WorkerError
from workers.contracts.process.context import JobContext
from workers.contracts.specs import RunParams
from workers.evaluate.data.dataset import Item, read_dataset
from workers.evaluate.look.boxes import Frame, frame_in, frame_of, seen_boxes
from workers.evaluate.look.one_input import ANSWER_FILE, answer_of, compared, draw, feeds_of, rows_of, seen_of, sound_of
from workers.evaluate.look.plain_wav import write_plain_wav
from workers.infer.base import Session
from workers.measure.opening import open_session
from workers.measure.single import time_calls
from workers.pipeline.pipeline import WANTED, Arrays, Pipeline, load_pipeline
from workers.pipeline.prepared import Prepared
from workers.pipeline.spec import BoxesSteps, PipelineError


@dataclass(frozen=True)
class LoadedModel:
    """Test items that may be requested, and for a detector the facts about each."""

    test: Prepared | None
    items: tuple[Item, ...] = ()


def run(params: RunParams, ctx: JobContext) -> LiveResult:
    """Predict inputs until the job ends; a failed input is reported and does not affect later ones."""
    pipeline = load_pipeline(Path(params.model_dir))
    test = Prepared(Path(params.data_dir) / "test") if params.data_dir else None
    finds = bool(params.data_dir) and isinstance(pipeline.spec.postprocess, BoxesSteps)
    items = read_dataset(Path(params.data_dir)).test if finds else ()
    ctx.check_cancelled()
    session = open_session(Path(params.model_dir), params.runtime, params.settings, ctx.threads)
    ctx.loaded()
    requested = 0
    try:
        for ask in ctx.requests():
            requested += 1
            ctx.answered(ask.index, _reply(ask.index, ask.request, pipeline, session, LoadedModel(test, items), ctx))
    finally:
        session.close()
    return LiveResult(asked=requested, device_ran=session.device_ran, fallbacks=session.fallbacks)


def _reply(
    index: int, request: object, pipeline: Pipeline, session: Session, known: LoadedModel, ctx: JobContext
) -> TryAnswer | ErrorInfo:
    try:
        return _answer(index, TryRequest.model_validate(request), pipeline, session, known, ctx)
    except (JobCancelled, MemoryError):
        raise
    except (PipelineError, OSError) as error:
        return _unreadable(pipeline, error)
    except WorkerError as error:
        return error.info()
    except ValidationError as error:
        first = error.errors()[0]
        return InputRefused(
            "bad_request", "This input cannot be tried", f"{first['msg']}.", "Give a file, a text or a test item."
        ).info()
    except Exception as error:  # every runtime has its own errors
        reason = " ".join(str(error).split())[-400:].rstrip(".") or type(error).__name__
        return InputRefused(
            "run_failed",
            "The model failed at this input",
            f"It stopped with: {reason}.",
            "Try another input; if all fail, the preprocessing probably does not fit the model.",
        ).info()


def _answer(
    index: int, request: TryRequest, pipeline: Pipeline, session: Session, known: LoadedModel, ctx: JobContext
) -> TryAnswer:
    feeds, count = feeds_of(request, pipeline, known.test)
    seen = seen_of(request, pipeline, feeds, count)
    picture = None
    if request.draw and request.path is not None and seen.kind == "image":
        name = f"shown-{index}.png"
        picture = name if draw(Path(request.path), ctx.work_dir / name) else None
    sound = _sound(index, request, pipeline, feeds, ctx) if request.beside is None else None
    ctx.check_cancelled()
    result, latencies_ms = time_calls(partial(pipeline.run, session, feeds), request.calls, ctx.check_cancelled)
    answer = answer_of(pipeline, result, feeds)
    np.save(ctx.work_dir / ANSWER_FILE, answer, allow_pickle=False)
    beside = {}
    if request.beside is not None:
        beside = compared(pipeline, np.load(request.beside, allow_pickle=False), answer)
    return TryAnswer(
        latency_ms=median(latencies_ms),
        n_calls=len(latencies_ms),
        seen=seen,
        picture=picture,
        sound=sound,
        answer=ANSWER_FILE,
        boxes=seen_boxes(pipeline, answer, _frame(request, pipeline, known.items)),
        **rows_of(pipeline, answer),
        **beside,
    )


def _frame(request: TryRequest, pipeline: Pipeline, items: tuple[Item, ...]) -> Frame | None:
    """Return the position of the shown picture in the model's input; None for arrays."""
    if request.item is not None:
        return frame_of(items[request.item].facts) if request.item < len(items) else None
    picture = pipeline.picture_of(Path(request.path)) if request.path is not None else None
    return None if picture is None else frame_in(pipeline, picture.size)


def _sound(index: int, request: TryRequest, pipeline: Pipeline, feeds: Arrays, ctx: JobContext) -> str | None:
    heard = sound_of(request, pipeline, feeds)
    if heard is None:
        return None
    name = f"heard-{index}.wav"
    write_plain_wav(ctx.work_dir / name, *heard)
    return name


def _unreadable(pipeline: Pipeline, error: PipelineError | OSError) -> ErrorInfo:
    wanted = WANTED.get(type(pipeline.spec.preprocess), "arrays in an NPZ file")
    detail = str(error) if isinstance(error, PipelineError) else f"It cannot be read ({error.strerror or error})."
    return InputRefused("input_unreadable", "It cannot be read", detail, f"Try {wanted}.").info()
