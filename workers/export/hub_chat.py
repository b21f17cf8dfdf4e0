"""Write the files by which transformers.js tries a hub folder of a language model and compares its answers."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.bundles import ExportParams
from workers.contracts.process.context import JobContext
from workers.infer.chat_session import IDS, MORE, TOKENS
from workers.measure.opening import open_session
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared

COMPARED, READ, SAID = 4, 96, 24
"""Number of texts to continue, maximum number of tokens that are read of each, and number of generated tokens."""

QUESTION = "What is the capital of France?"


def golden_texts(params: ExportParams, ctx: JobContext) -> str:
    """Return the first test texts and the version's continuations here, as token ids.

    The JSON is ``{question, question_ids, texts: [{input_ids, tokens}]}``.
    """
    pipeline = load_pipeline(Path(params.model_dir))
    assert pipeline.chat is not None
    items = Prepared(Path(params.data_dir) / "test")
    session = open_session(Path(params.model_dir), params.runtime, params.settings, ctx.threads)
    texts = []
    try:
        for number in range(min(COMPARED, len(items))):
            ctx.check_cancelled()
            ids = np.asarray(items[number][IDS], np.int64)[:, :READ]
            said = session.run({IDS: ids, MORE: np.asarray([SAID])})[TOKENS]
            texts.append({"input_ids": ids[0].tolist(), "tokens": said[0].tolist()})
    finally:
        session.close()
    asked = pipeline.chat.prompt(QUESTION).tolist()
    return json.dumps({"question": QUESTION, "question_ids": asked, "texts": texts})


def with_template(tokenizer: dict[str, Any], model_dir: Path, template: str | None) -> dict[str, Any]:
    """Return the tokenizer's configuration with the chat template, where transformers.js expects it."""
    if template is None:
        return tokenizer
    return {**tokenizer, "chat_template": (model_dir / template).read_text(encoding="utf-8")}
