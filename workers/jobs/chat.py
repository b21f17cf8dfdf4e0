"""Job kind ``chat``: keep one language model loaded and answer dialogues piece by piece."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from pydantic import ValidationError

from workers.contracts.after.chatting import ChatPiece, ChatRequest
from workers.contracts.after.trying import LiveResult
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import InputRefused, JobCancelled
from workers.contracts.process.context import JobContext
from workers.contracts.specs import RunParams
from workers.contracts.translation import mark, message_of
from workers.evaluate.proof.predictions import model_failed
from workers.measure.opening import open_session
from workers.pipeline.chats import Answering, ChatTexts, Reads
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.spec import PipelineError

PIECES_PER_S = 20
"""Maximum rate of pieces: a reader sees no more, and each piece is a message."""


def run(params: RunParams, ctx: JobContext) -> LiveResult:
    """Answer dialogues until the job ends; a failed dialogue is reported and does not affect later ones."""
    texts = load_pipeline(Path(params.model_dir)).chat
    requested = 0
    with closing(open_session(Path(params.model_dir), params.runtime, params.settings, ctx.threads)) as session:
        ctx.loaded()
        if not isinstance(session, Reads):
            raise TypeError(f"{params.runtime} does not read texts on and on")
        for request in ctx.requests():
            requested += 1
            for piece in _pieces(request.request, texts, session, ctx):
                ctx.answered(request.index, piece)
    return LiveResult(requests=requested, device_ran=session.device_ran, fallbacks=session.fallbacks)


def _pieces(request: object, texts: ChatTexts, session: Reads, ctx: JobContext) -> Iterator[ChatPiece | ErrorInfo]:
    try:
        wanted = ChatRequest.model_validate(request)
        yield from _answer(wanted, texts, session, ctx) if wanted.messages else iter((ChatPiece(done=True),))
    except (JobCancelled, MemoryError):
        raise
    except PipelineError as error:
        hint = mark("Begin a new chat, or write something shorter.")
        yield InputRefused("chat_refused", "This cannot be answered", message_of(error), hint).info()
    except ValidationError as error:
        detail = f"{error.errors()[0]['msg']}."
        yield InputRefused("bad_request", "This cannot be answered", detail, "Write something else.").info()
    except Exception as error:  # the runtime has its own errors
        yield model_failed(error, mark("The model failed at this dialogue"), mark("Begin a new chat.")).info()


def _answer(wanted: ChatRequest, texts: ChatTexts, session: Reads, ctx: JobContext) -> Iterator[ChatPiece]:
    began_s = time.perf_counter()
    messages = [message.model_dump() for message in wanted.messages]
    answering = Answering(session, texts, wanted.max_new_tokens, wanted.temperature, wanted.seed)
    first_s: float | None = None
    text, sent_s, stopped = "", began_s, False
    for part in answering.pieces(messages):
        now_s = time.perf_counter()
        first_s, text = first_s or now_s, text + part
        stopped = ctx.has_request()
        if stopped:
            break
        if now_s - sent_s > 1 / PIECES_PER_S:
            yield _piece(text, answering.made, began_s, first_s, now_s)
            text, sent_s = "", now_s
    report = _piece(text, answering.made, began_s, first_s, time.perf_counter())
    yield report.model_copy(update={"done": True, "stopped": stopped})


def _piece(text: str, made: int, began_s: float, first_s: float | None, now_s: float) -> ChatPiece:
    if first_s is None:
        return ChatPiece(text=text, tokens=made)
    span_s = now_s - first_s
    speed = (made - 1) / span_s if made > 1 and span_s > 0 else None
    return ChatPiece(text=text, tokens=made, first_ms=(first_s - began_s) * 1000, tokens_per_s=speed)
