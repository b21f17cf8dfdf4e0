"""Print the inputs that a model gets, for `fettle inspect MODEL --data PATH`."""

from collections.abc import Iterator
from typing import Any

from app.services.flow.steps import StepResult
from workers.contracts.data.fed import FedResult, range_words, shape_words

NAME_CHARS = 40


def fed_document(done: StepResult[FedResult]) -> dict[str, Any]:
    """Return the key `fed` of the JSON document: the result with absolute paths of pictures."""
    document: dict[str, Any] = done.result.model_dump(mode="json")
    for example in document["examples"]:
        if example["picture"] is not None:
            example["picture"] = str(done.folder / example["picture"])
    return document


def fed_lines(fed: FedResult) -> Iterator[str]:
    """Yield a short table: each example with each input's shape, dtype and range."""
    how = f"prepared: {fed.preparation}" if fed.preparation else "as they are"
    yield f"what the model is fed ({how})"
    rows = [
        (_short(example.source) if number == 0 else "", entry.name, shape_words(entry), entry.dtype, range_words(entry))
        for example in fed.examples
        for number, entry in enumerate(example.inputs)
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for row in rows:
        yield "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]])
    for finding in fed.findings:
        yield f"  {finding.level}: {finding.what} {finding.hint}".rstrip()


def _short(name: str) -> str:
    return name if len(name) <= NAME_CHARS else f"{name[: NAME_CHARS - 1]}…"
