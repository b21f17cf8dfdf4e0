"""Convert dialogues to tokens with the model's own chat template, and generated tokens to pieces of text.

The template is code of other people: it runs in jinja2's sandbox with only the functions that transformers provides
(huggingface.co/docs/transformers, "Chat templates"). It needs the packages `jinja2` (for a template) and `tokenizers`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .spec import Chat, PipelineError, TextSteps
from .texts import MAX_TEXT_BYTES, encoded, load_engine

Message = Mapping[str, str]
MOST_RENDERED = 4_000_000
"""Maximum number of characters that a template may write."""


@runtime_checkable
class Reads(Protocol):
    """A loaded language model that reads tokens step by step."""

    def begin(self) -> None:
        """Start a new text."""
        ...

    def read(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read token ids (n,) int64 and return the logits (vocabulary,) float32 of the next token."""
        ...

    def follow(self, token: int, most: int) -> NDArray[np.float32]:
        """Read the likeliest token and up to `most` guesses of the next ones; return the same logits as `read`."""
        ...


class ChatTexts:
    """Texts and dialogues of one model."""

    pad_id = 0

    def __init__(self, folder: Path, steps: TextSteps, chat: Chat) -> None:
        """Load the tokenizer and the template from `folder`."""
        self._engine = load_engine(folder, steps.tokenizer)
        self._engine.no_truncation()
        self._steps, self.chat = steps, chat
        self._template = None
        if chat.template is not None:
            self._template = compiled((folder / chat.template).read_text(encoding="utf-8"))

    def feeds(self, text: str) -> dict[str, NDArray[Any]]:
        """Return `input_ids` (1, tokens) and `counted` (1, tokens) of a text or dialogue.

        Both are cut at the maximum judged length. A text is a user's message; a dialogue is a JSON list of messages
        with `role` and `content`.
        """
        messages = messages_of(text)
        rendered = self.rendered(messages, answers_next=False)
        encoding = encoded(self._engine, rendered, self._template is None)
        ids = np.asarray(encoding.ids, np.int64)
        counted = np.ones(len(ids), np.int64)
        if self._template is not None:
            counted = _within(encoding.offsets, spans_of(rendered, messages))
        if not len(ids):
            raise PipelineError("This text holds no token that the model knows.")
        cut = self._steps.max_length
        return {"input_ids": ids[None, :cut], "counted": counted[None, :cut]}

    def prompt(self, dialogue: str | Sequence[Message]) -> NDArray[np.int64]:
        """Return the tokens (n,) int64 that the model's answer follows."""
        messages = [{"role": "user", "content": dialogue}] if isinstance(dialogue, str) else dialogue
        rendered = self.rendered(messages, answers_next=True)
        return np.asarray(encoded(self._engine, rendered, self._template is None).ids, np.int64)

    def rendered(self, messages: Sequence[Message], *, answers_next: bool) -> str:
        """Return the messages as one text; raise PipelineError with the template's own reason."""
        if self._template is None:
            return "\n".join(message["content"] for message in messages)
        from jinja2 import TemplateError

        named = {"messages": [dict(message) for message in messages], "add_generation_prompt": answers_next}
        pieces, size = [], 0
        try:
            for piece in self._template.generate(**dict(self.chat.specials or {}), **named):
                pieces.append(piece)
                size += len(piece)
                if size > MOST_RENDERED:
                    raise PipelineError("The model's chat template writes without end.")
        except PipelineError:
            raise
        except TemplateError as error:
            raise PipelineError("The model's chat template refuses this dialogue: {0}", error) from error
        except Exception as error:  # a template may raise any error, within the sandbox
            raise PipelineError(
                "The model's chat template cannot be run ({0}: {1}).", type(error).__name__, error
            ) from error
        return "".join(pieces)

    def text(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, without special ones."""
        decoded: str = self._engine.decode(list(tokens), skip_special_tokens=True)
        return decoded


def compiled(source: str) -> Any:
    """Return the compiled template; raise PipelineError if it cannot be read."""
    try:
        from jinja2 import TemplateError
        from jinja2.ext import loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError as error:
        raise PipelineError("The package “jinja2” is missing. Install it with: pip install jinja2") from error

    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = _now
    try:
        return environment.from_string(source)
    except (TemplateError, SyntaxError, ValueError, RecursionError, MemoryError) as error:  # Python's for deep nesting
        raise PipelineError("The model's chat template cannot be read: {0}", error) from error


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _now(form: str) -> str:
    """Return a fixed date, so that evaluation and use read the same text."""
    from datetime import date

    return date(2026, 1, 1).strftime(form)


def messages_of(text: str) -> list[dict[str, str]]:
    """Return the messages of a dialogue in JSON, otherwise the text as one user message."""
    if len(text) <= MAX_TEXT_BYTES and text.lstrip().startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list) and found and all(_is_message(entry) for entry in found):
            return [{"role": entry["role"], "content": entry["content"]} for entry in found]
    return [{"role": "user", "content": text}]


def _is_message(entry: Any) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in ("role", "content"))


def spans_of(rendered: str, messages: Sequence[Message]) -> list[tuple[int, int]]:
    """Return the ranges (characters) of the messages' contents in a rendered text; () if the template changed them all.

    Each range is one character longer than the content, so that the end of an answer counts, too.
    """
    spans, start = [], 0
    for message in messages:
        content = message["content"].strip()
        at = rendered.find(content, start) if content else -1
        if at >= 0:
            start = at + len(content)
            spans.append((at, start + 1))
    return spans


def _within(offsets: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Return 1 for tokens that overlap one of `spans`; 1 for all if there are none."""
    if not spans:
        return np.ones(len(offsets), np.int64)
    begins, ends = np.asarray(offsets, np.int64).reshape(-1, 2).T
    # spans are sorted: the first one that ends after a token's begin is the earliest that can overlap it
    lows, highs = np.asarray(spans, np.int64).T
    at = np.searchsorted(highs, begins, side="right")
    nearest = np.append(lows, np.iinfo(np.int64).max)[at]
    return np.asarray(nearest < ends, np.int64)


class Answering:
    """One answer while it is generated: the likeliest token each time, or a drawn one with a `temperature` above 0.

    The same seed gives the same answer. `made` is the number of tokens so far.
    """

    def __init__(
        self, session: Reads, texts: ChatTexts, max_new_tokens: int = 256, temperature: float = 0.0, seed: int = 0
    ) -> None:
        """Prepare an answer of at most `max_new_tokens` tokens."""
        self._session, self._texts = session, texts
        self._most, self._temperature, self._seed = max_new_tokens, temperature, seed
        self.made = 0

    def pieces(self, dialogue: str | Sequence[Message]) -> Iterator[str]:
        """Yield the text in pieces, one per token ("" for half of a character).

        Raises:
            PipelineError: The dialogue fills the model's context.
        """
        texts, ids = self._texts, self._texts.prompt(dialogue)
        room = texts.chat.context - len(ids)
        if room < 1:
            limit = texts.chat.context
            raise PipelineError("This is {0:,} tokens long, and the model reads {1:,} at once.", len(ids), limit)
        rng = np.random.default_rng(self._seed)
        self._session.begin()
        logits, found, shown = self._session.read(ids), list[int](), ""
        most = min(self._most, room)
        for number in range(most):
            token = chosen(logits, self._temperature, rng)
            if token in texts.chat.ends:
                break
            found.append(token)
            self.made = len(found)
            whole = texts.text(found)
            is_half = whole.endswith("\N{REPLACEMENT CHARACTER}")  # the rest of a character comes with the next token
            yield "" if is_half else whole[len(shown) :]
            shown = shown if is_half else whole
            if number + 1 < most:
                logits = self._next(token, most - number - 2)
        if len(whole := texts.text(found)) > len(shown):
            yield whole[len(shown) :]

    def _next(self, token: int, left: int) -> NDArray[np.float32]:
        if self._temperature > 0:
            return self._session.read(np.asarray([token], np.int64))
        return self._session.follow(token, left)


def answer(session: Reads, texts: ChatTexts, dialogue: str | Sequence[Message], **options: Any) -> Iterator[str]:
    """Yield the non-empty pieces of one answer; `options` are those of `Answering`."""
    return (piece for piece in Answering(session, texts, **options).pieces(dialogue) if piece)


def chosen(logits: NDArray[np.float32], temperature: float, rng: np.random.Generator) -> int:
    """Return the likeliest token, or one drawn from softmax(logits ÷ temperature).

    Raises:
        PipelineError: The logits hold NaN or infinity, which would otherwise be the likeliest.
    """
    best = int(logits.argmax())
    if not np.isfinite(logits[best]):
        raise PipelineError("The model breaks off: it gives no numbers (NaN or infinity) for its next word.")
    if temperature <= 0:
        return best
    shares = np.exp((logits - logits.max()).astype(np.float64) / temperature)
    return int(rng.choice(len(shares), p=shares / shares.sum()))
