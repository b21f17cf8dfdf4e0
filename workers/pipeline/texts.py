"""Convert texts to tokens with the `tokenizer.json` beside `pipeline.json`; needs the package `tokenizers`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import dtype_of
from .spec import PipelineError, PipelineInput, TextSteps

TOKEN_SOURCES = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
MAX_TEXT_BYTES = 1_200_000
"""Maximum size of a text in UTF-8; tokens of a longer one take half a kilobyte each."""
MAX_LENGTH = 10_000_000
"""Maximum number of tokens of a model with a fixed length."""
_LONG_TEXT = 20_000
_PAD_TOKENS = ("[PAD]", "<pad>", "<|endoftext|>", "</s>")


class Tokenizer:
    """Converter of a text to the token inputs of one model."""

    def __init__(self, folder: Path, steps: TextSteps, inputs: Sequence[PipelineInput], *, whole: bool = False) -> None:
        """Create a tokenizer from a file in `folder`; with `whole`, texts are not truncated."""
        self._engine = load_engine(folder, steps.tokenizer)
        self._engine.enable_truncation(max_length=steps.max_length)
        self._steps, self._whole = steps, whole
        self._inputs = [entry for entry in inputs if entry.source in TOKEN_SOURCES]
        ids = (self._engine.token_to_id(token) for token in _PAD_TOKENS)
        self.pad_id: int = next((i for i in ids if i is not None), 0)

    def feeds(self, text: str) -> dict[str, NDArray[Any]]:
        """Return arrays of shape (1, tokens), padded if the model's length is fixed.

        Raises:
            PipelineError: The text must be whole and is empty or too long.
        """
        text = text.lower() if self._steps.lowercase else text
        encoding = encoded(self._engine, text, self._steps.special_tokens)
        if self._whole:
            self._check_whole(text, encoding)
        by_source = {
            "input_ids": encoding.ids,
            "attention_mask": encoding.attention_mask,
            "token_type_ids": encoding.type_ids,
        }
        by_source["position_ids"] = list(range(len(encoding.ids)))
        feeds = {}
        for entry in self._inputs:
            row = np.asarray(by_source[entry.source], dtype=dtype_of(entry))[None]
            length = entry.shape[1] if len(entry.shape) > 1 else None
            feeds[entry.name] = row if length is None else fit_length(row, length, self.pad_of(entry.source))
        return feeds

    def _check_whole(self, text: str, encoding: Any) -> None:
        if not text.strip():
            raise PipelineError("There is no text in it.")
        if encoding.overflowing:
            count = len(self._engine.encode(text).ids) + sum(len(more.ids) for more in encoding.overflowing)
            raise PipelineError(
                "This text is about {0:,} tokens long, and this model reads {1:,} at once. Cut it into pieces, "
                "between sentences.",
                count,
                self._steps.max_length,
            )

    def text(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, without special ones."""
        decoded: str = self._engine.decode(list(tokens), skip_special_tokens=True)
        return decoded

    def pad_of(self, source: str) -> int:
        """Return the value that pads a shorter row."""
        return self.pad_id if source == "input_ids" else 0


def load_engine(folder: Path, name: str) -> Any:
    """Return the tokenizers.Tokenizer of a file, without padding.

    Raises:
        PipelineError: The library is missing, or the file cannot be read.
    """
    try:
        from tokenizers import Tokenizer as Engine
    except ImportError as error:
        raise PipelineError("The package “tokenizers” is missing. Install it with: pip install tokenizers") from error
    try:
        engine = Engine.from_file(str(folder / name))
    except Exception as error:  # the library raises nothing more specific
        raise PipelineError("The tokenizer {0!r} cannot be read: {1}.", name[:80], str(error).rstrip(".")) from error
    engine.no_padding()
    return engine


def encoded(engine: Any, text: str, special_tokens: bool) -> Any:
    """Return the tokens of one text, in the form of `engine.encode`; raise PipelineError for unreadable texts.

    Long texts go through `encode_batch`: only it releases other threads, which a service needs meanwhile.
    """
    check_text(text)
    if len(text) < _LONG_TEXT:
        return engine.encode(text, add_special_tokens=special_tokens)
    return engine.encode_batch([text], add_special_tokens=special_tokens)[0]


def check_text(text: str) -> None:
    """Raise PipelineError for a text that is too long or holds half of a character."""
    try:
        size_bytes = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError as error:
        raise PipelineError("The text holds half of a character (a lone surrogate).") from error
    if size_bytes > MAX_TEXT_BYTES:
        raise PipelineError("The text has more than {0:,} bytes. Cut it into pieces.", MAX_TEXT_BYTES)


def read_text(path: Path) -> str:
    """Return a text file's content; invalid UTF-8 is replaced. Raise PipelineError if it is too long."""
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise PipelineError("{0} has more than {1:,} bytes. Cut it into pieces.", path.name, MAX_TEXT_BYTES)
    return path.read_text(encoding="utf-8", errors="replace")


def fit_length(row: NDArray[Any], length: int, pad: int) -> NDArray[Any]:
    """Cut or pad rows (n, tokens) at their end to (n, length)."""
    if row.shape[1] >= length:
        return row[:, :length]
    if length > MAX_LENGTH:
        raise PipelineError("The model wants texts of {0:,} tokens, which is too much.", length)
    return np.pad(row, ((0, 0), (0, length - row.shape[1])), constant_values=pad)


def unknown_id(tokenizer: Path) -> int | None:
    """Return the id of the tokenizer's unknown token; None if it has none or the file cannot be read."""
    try:
        document = json.loads(tokenizer.read_text(encoding="utf-8"))
        model = document["model"]
        if isinstance(model.get("unk_id"), int):
            return int(model["unk_id"])
        token = model.get("unk_token")
        added = {one["content"]: one["id"] for one in document.get("added_tokens", [])}
        vocabulary = model["vocab"] if isinstance(model.get("vocab"), dict) else {}
        found = vocabulary.get(token, added.get(token))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, int) else None
