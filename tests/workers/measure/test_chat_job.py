"""A language model's process: predictions in pieces, refused requests, and speed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recording import RecordingContext

from workers.contracts.after.chatting import ChatPiece
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import InputRefused
from workers.contracts.process.messages import Request
from workers.contracts.specs import RunParams
from workers.measure.opening import open_session
from workers.measure.prompts import LENGTHS, NEW_TOKENS
from workers.measure.requests import load_requests
from workers.measure.speech import forget_speech, speech_of
from workers.runtime.kinds import load_job


def turn(text: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], "max_new_tokens": 6, **more}


def test_refused_requests_do_not_affect_others(tiny_chat: Callable[[], Path], tmp_path: Path) -> None:
    """Given a loaded model and five requests, two of them refused, then each has its reply in pieces with its speed, and
    the same request has the same text."""
    requests = [turn("the cat"), {}, turn("the river " * 400), {"messages": 5}, turn("the cat")]
    planned = [Request(index=number, request=request) for number, request in enumerate(requests)]
    ctx = RecordingContext(tmp_path, planned_requests=planned)
    result = load_job("chat").run(RunParams(model_dir=str(tiny_chat()), runtime="openvino"), ctx)
    first, nothing, too_long, wrong, again = (
        [one for at, one in ctx.answers if at == number] for number in range(len(requests))
    )
    assert result.requests == 5 and ctx.loaded_calls == 1
    assert isinstance(first[-1], ChatPiece) and first[-1].done and 1 <= first[-1].tokens <= 6
    assert first[-1].first_ms is not None and first[-1].first_ms > 0
    assert nothing == [ChatPiece(done=True)]
    assert isinstance(too_long[0], ErrorInfo) and "reads 512 at once" in too_long[0].detail
    assert isinstance(wrong[0], ErrorInfo) and wrong[0].code == "bad_request"
    assert "".join(piece.text for piece in again) == "".join(piece.text for piece in first)


def test_language_model_is_timed_with_prompts_of_several_lengths(make_small: Callable[..., Any]) -> None:
    """Given a language model, then its requests have several lengths, each has its speed, and none depends on others."""
    small = make_small("chat")
    requests = load_requests(small.folder, small.data)
    lengths = [feeds["input_ids"].shape[1] for feeds in requests.feeds[:3]]
    assert lengths == [32, 128, 512 - NEW_TOKENS] and lengths[:2] == list(LENGTHS[:2])
    session = open_session(small.folder, "openvino", {}, 1)
    tokens = [session.run(requests.feed(number))["tokens"] for number in range(3)]
    assert all(one.shape == (1, NEW_TOKENS) for one in tokens)
    rows = speech_of(session)
    assert [row.prompt_tokens for row in rows] == lengths
    assert all(row.first_ms > 0 and row.tokens_per_s is not None and row.tokens_per_s > 0 for row in rows)
    np.testing.assert_array_equal(session.run(requests.feed(0))["tokens"], tokens[0])
    forget_speech(session)
    assert speech_of(session) == ()
    session.close()
    with pytest.raises(InputRefused, match="one chat at a time"):
        load_requests(small.folder, small.data, batch=4)
