"""Read pairs of sentences with a rated similarity (the layout of STS and of sentence-transformers)."""

from collections.abc import Iterator
from functools import partial

from workers.contracts.translation import _, ngettext
from workers.evaluate.data.base import Collection, Entry, digest, info, warning
from workers.evaluate.data.tables import Table, finite_number
from workers.pipeline.spec import PipelineSpec

FIRST = ("sentence1", "sentence_1", "sentence_a", "text1", "text_1", "s1", "anchor")
SECOND = ("sentence2", "sentence_2", "sentence_b", "text2", "text_2", "s2", "positive")
SCORE = ("score", "similarity", "similarity_score", "relatedness_score", "gold_score", "label")


def pairs_in(table: Table, spec: PipelineSpec) -> Collection | None:
    """Return both sentences of each row as items that know their pair.

    Returns None if the table has no such columns, or if the model predicts no embeddings.
    """
    first, second, score = (table.column(*names) for names in (FIRST, SECOND, SCORE))
    if spec.answer_kind != "embedding" or first is None or second is None or score is None:
        return None
    entries = [
        entry
        for number, row in enumerate(table.rows, start=1)
        for entry in _both(number, (row[first], row[second]), finite_number(row[score]))
    ]
    known = sum(bool(entry.pairs) for entry in entries) // 2
    names = [table.header[column] for column in (first, second, score)]
    what = _("These are pairs of sentences, “{0}” and “{1}”, with how alike they are in “{2}”.").format(
        names[0], names[1], names[2]
    )
    findings = [*table.findings, info(what)]
    lost = len(table.rows) - known
    if lost:
        what = ngettext(
            "{0} row is no pair with a number: it is left out of the correlation.",
            "{0:,} rows are no pair with a number: they are left out of the correlation.",
            lost,
        )
        findings.append(warning(what.format(lost)))
    return Collection(
        "texts", entries, findings=tuple(findings), columns=table.header, text_column=names[0], label_column=names[2]
    )


def _both(number: int, texts: tuple[str, str], rating: float | None) -> Iterator[Entry]:
    """Yield both sentences of a row. They have the same digest, so that both calibrate or both are judged."""
    key = digest(*(text.encode("utf-8", "surrogatepass") for text in texts))
    pairs = ((f"row {number}", rating),) if rating is not None and all(text.strip() for text in texts) else ()
    for which, text in enumerate(texts, start=1):
        if text.strip():
            yield Entry(f"row {number}, text {which}", partial(str, text), lambda: key, text=text, pairs=pairs)
