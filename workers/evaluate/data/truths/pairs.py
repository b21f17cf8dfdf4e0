"""Read pairs of sentences with a rated similarity (the layout of STS and of sentence-transformers)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from workers.contracts.specs import Finding
from workers.contracts.wording import counted, is_are
from workers.evaluate.data.base import Collection, Columns, Entry, digest
from workers.evaluate.data.tables import Table, finite_number
from workers.pipeline.spec import PipelineSpec

FIRST = ("sentence1", "sentence_1", "sentence_a", "text1", "text_1", "s1", "anchor")
SECOND = ("sentence2", "sentence_2", "sentence_b", "text2", "text_2", "s2", "positive")
SCORE = ("score", "similarity", "similarity_score", "relatedness_score", "gold_score", "label")


@dataclass(frozen=True)
class _At:
    """Indices of the three columns of a table of pairs."""

    first: int
    second: int
    score: int


def pairs_in(table: Table, spec: PipelineSpec) -> Collection | None:
    """Return both sentences of each row as items that know their pair.

    Returns None if the table has no such columns, or if the model predicts no embeddings.
    """
    first, second, score = (table.column(*names) for names in (FIRST, SECOND, SCORE))
    if spec.answer_kind != "embedding" or first is None or second is None or score is None:
        return None
    at = _At(first, second, score)
    entries = [entry for number, row in enumerate(table.rows, start=1) for entry in _both(number, row, at)]
    known = sum(bool(entry.pairs) for entry in entries) // 2
    names = [table.header[column] for column in (first, second, score)]
    what = f"These are pairs of sentences, “{names[0]}” and “{names[1]}”, with how alike they are in “{names[2]}”."
    findings = [*table.findings, Finding(level="info", what=what)]
    lost = len(table.rows) - known
    if lost:
        what = f"{counted(lost, 'row')} {is_are(lost)} no pair with a number: they are left out of the correlation."
        findings.append(Finding(level="warning", what=what))
    return Collection("texts", entries, findings=tuple(findings), columns=Columns(table.header, names[0], names[2]))


def _both(number: int, row: Sequence[str], at: _At) -> Iterator[Entry]:
    """Yield both sentences of a row. They have the same digest, so that both calibrate or both are judged."""
    texts = [row[at.first], row[at.second]]
    value = finite_number(row[at.score])
    key = digest(*(text.encode("utf-8", "surrogatepass") for text in texts))
    whole = value is not None and all(text.strip() for text in texts)
    for which, text in enumerate(texts, start=1):
        if text.strip():
            pairs = ((f"row {number}", value),) if whole and value is not None else ()
            yield Entry(f"row {number}, text {which}", partial(str, text), lambda: key, text=text, pairs=pairs)
