"""Job kind ``try_it``: keep one model loaded and predict one input per request.

Two versions are two jobs, which the parent lets run in turn: in one process they would disturb each other's times.
"""

from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from pydantic import ValidationError

from workers.contracts.after.trying import LiveResult, TryAnswer, TryRequest
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import InputRefused, JobCancelled
from workers.contracts.process.context import JobContext
from workers.contracts.specs import RunParams
from workers.contracts.translation import mark
from workers.evaluate.data.dataset import Item, read_dataset
from workers.evaluate.look.boxes import Frame, frame_in, frame_of, seen_boxes
from workers.evaluate.look.one_input import (
    ANSWER_FILE,
    answer_of,
    compared,
    draw,
    feeds_of,
    refusal_of,
    rows_of,
    seen_of,
    sound_of,
)
from workers.evaluate.look.plain_wav import write_plain_wav
from workers.infer.base import Session
from workers.measure.opening import open_session
from workers.measure.single import time_calls
from workers.pipeline.pipeline import Arrays, Pipeline, load_pipeline
from workers.pipeline.prepared import Prepared
from workers.pipeline.spec import BoxesSteps


def run(params: RunParams, ctx: JobContext) -> LiveResult:
    """Predict inputs until the job ends; a failed input is reported and does not affect later ones."""
    pipeline = load_pipeline(Path(params.model_dir))
    test = Prepared(Path(params.data_dir) / "test") if params.data_dir else None
    detects = bool(params.data_dir) and isinstance(pipeline.spec.postprocess, BoxesSteps)
    items = read_dataset(Path(params.data_dir)).test if detects else ()
    ctx.check_cancelled()
    requested = 0
    with closing(open_session(Path(params.model_dir), params.runtime, params.settings, ctx.threads)) as session:
        model = LoadedModel(pipeline, session, test, items, ctx)
        ctx.loaded()
        for request in ctx.requests():
            requested += 1
            ctx.answered(request.index, model.reply(request.index, request.request))
    return LiveResult(requests=requested, device_ran=session.device_ran, fallbacks=session.fallbacks)


class LoadedModel:
    """One model with its session, the test items that may be requested, and for a detector the facts about each."""

    def __init__(
        self, pipeline: Pipeline, session: Session, test: Prepared | None, items: tuple[Item, ...], ctx: JobContext
    ) -> None:
        """Store the open model; `items` is empty unless it is a detector."""
        self._pipeline, self._session, self._test, self._items, self._ctx = pipeline, session, test, items, ctx

    def reply(self, index: int, request: object) -> TryAnswer | ErrorInfo:
        """Return the prediction for request number `index`, or the error in plain words."""
        try:
            return self.predict(index, TryRequest.model_validate(request))
        except (JobCancelled, MemoryError):
            raise
        except ValidationError as error:
            detail = f"{error.errors()[0]['msg']}."
            hint = mark("Give a file, a text or a test item.")
            return InputRefused("bad_request", "This input cannot be tried", detail, hint).info()
        except Exception as error:  # every runtime has its own errors
            return refusal_of(error, self._pipeline)

    def predict(self, index: int, request: TryRequest) -> TryAnswer:
        """Predict one input; pictures and sounds for people go into the job's folder."""
        pipeline, folder = self._pipeline, self._ctx.work_dir
        feeds, count = feeds_of(request, pipeline, self._test)
        seen = seen_of(request, pipeline, feeds, count)
        picture = None
        if request.draw and request.path is not None and seen.kind == "image":
            name = f"shown-{index}.png"
            picture = name if draw(Path(request.path), folder / name) else None
        sound = self._sound(index, request, feeds) if request.beside is None else None
        check = self._ctx.check_cancelled
        check()
        result, latencies_ms = time_calls(partial(pipeline.run, self._session, feeds), request.calls, check)
        answer = answer_of(pipeline, result, feeds)
        np.save(folder / ANSWER_FILE, answer, allow_pickle=False)
        comparison = {}
        if request.beside is not None:
            comparison = compared(pipeline, np.load(request.beside, allow_pickle=False), answer)
        return TryAnswer(
            latency_ms=median(latencies_ms),
            n_calls=len(latencies_ms),
            seen=seen,
            picture=picture,
            sound=sound,
            answer=ANSWER_FILE,
            boxes=seen_boxes(pipeline, answer, self._frame(request)),
            **rows_of(pipeline, answer),
            **comparison,
        )

    def _frame(self, request: TryRequest) -> Frame | None:
        """Return the position of the shown picture in the model's input; None for arrays."""
        if request.item is not None:
            return frame_of(self._items[request.item].facts) if request.item < len(self._items) else None
        picture = self._pipeline.picture_of(Path(request.path)) if request.path is not None else None
        return None if picture is None else frame_in(self._pipeline, picture.size)

    def _sound(self, index: int, request: TryRequest, feeds: Arrays) -> str | None:
        sound = sound_of(request, self._pipeline, feeds)
        if sound is None:
            return None
        name = f"heard-{index}.wav"
        write_plain_wav(self._ctx.work_dir / name, *sound)
        return name
