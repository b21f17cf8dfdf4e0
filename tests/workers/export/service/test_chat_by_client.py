"""A served language model, used by the usual client of chats."""

from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import pytest
from served_bundles import running

MESSAGES = [{"role": "user", "content": "the old cat"}]


@pytest.fixture(scope="module")
def client(make_bundle: Callable[..., Path]) -> Iterator[openai.OpenAI]:
    with running(make_bundle("chat")) as served:
        made = openai.OpenAI(base_url=f"http://{served.address}/v1", api_key="none is needed", max_retries=0)
        yield made
        made.close()


@pytest.mark.whole
def test_the_answer_is_the_same_whole_and_in_pieces(client: openai.OpenAI) -> None:
    # Given a served language model, When a whole answer and a stream are requested
    name = client.models.list().data[0].id
    how = {"model": name, "messages": MESSAGES, "max_tokens": 8, "temperature": 0}
    whole = client.chat.completions.create(**how)
    pieces = list(client.chat.completions.create(stream=True, **how))
    # Then both answers are the same, with the reason of their end and the numbers of tokens
    assert whole.choices[0].message.role == "assistant"
    assert whole.choices[0].finish_reason in ("stop", "length")
    assert 1 <= whole.usage.completion_tokens <= 8 < whole.usage.prompt_tokens
    answer_text = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    assert answer_text == whole.choices[0].message.content and len(pieces) > 3
    assert pieces[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    # And words that are drawn are the same for the same seed
    drawn = [client.chat.completions.create(**{**how, "temperature": 1.5}, seed=seed) for seed in (1, 1, 2)]
    first, same, other = (one.choices[0].message.content for one in drawn)
    assert first == same != other


def test_request_that_cannot_be_answered_gets_an_error(client: openai.OpenAI) -> None:
    name = client.models.list().data[0].id
    for wrong in (
        {"messages": []},
        {"messages": [{"role": "stranger", "content": "x"}]},
        {"messages": MESSAGES, "n": 2},
        {"messages": MESSAGES, "temperature": 9},
        {"messages": [{"role": "user", "content": "the river " * 600}]},
    ):
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model=name, **wrong)


def test_who_leaves_a_stream_holds_nobody_up(client: openai.OpenAI) -> None:
    name = client.models.list().data[0].id
    long = client.chat.completions.create(model=name, messages=MESSAGES, max_tokens=400, temperature=2, stream=True)
    next(iter(long))
    long.close()
    after = client.chat.completions.create(model=name, messages=MESSAGES, max_tokens=2, temperature=0)
    assert after.usage.completion_tokens <= 2


@pytest.mark.parametrize("stream", [False, True])
def test_answer_ends_before_a_text_to_stop_at(client: openai.OpenAI, stream: bool) -> None:
    """Given `stop`, as a text and as a list, Then the answer ends before it and reports it, whole and in pieces."""
    how = {"model": client.models.list().data[0].id, "messages": MESSAGES, "max_tokens": 8, "temperature": 0}
    answer_text = client.chat.completions.create(**how).choices[0].message.content
    stop = answer_text[len(answer_text) // 2 :][:2]
    for given in (stop, ["not in it", stop]):
        found = client.chat.completions.create(**how, stop=given, stream=stream)
        choices = [one.choices[0] for one in found] if stream else [found.choices[0]]
        parts = [(one.delta if stream else one.message).content or "" for one in choices]
        assert "".join(parts) == answer_text[: answer_text.index(stop)]
        assert choices[-1].finish_reason == "stop"


def test_answer_that_fills_the_context_ends_for_its_length(client: openai.OpenAI) -> None:
    """Given room for a few tokens more than the prompt, Then the reason of the end is "length"."""
    how = {"model": client.models.list().data[0].id, "temperature": 2, "max_tokens": 100_000, "seed": 3}
    for words in range(20, 600):
        try:
            content = "the river " * words
            found = client.chat.completions.create(**how, messages=[{"role": "user", "content": content}])
        except openai.BadRequestError:
            break
        if found.choices[0].finish_reason == "length":
            return
    raise AssertionError("no answer filled the context")
