"""Read texts from tables: the columns of text and label are found by name, then by content, and reported."""

from functools import partial
from pathlib import Path

from workers.contracts.errors import InputRefused
from workers.contracts.specs import Finding
from workers.contracts.translation import _, joined, mark, ngettext
from workers.evaluate.data.base import Collection, Entry, Options, Reader, digest, info, names_of, warning
from workers.evaluate.data.folders import files_below
from workers.evaluate.data.readers import audio, pictures
from workers.evaluate.data.tables import Table, is_number, read_table
from workers.evaluate.data.truths.classes import CLASSES, LabelMap
from workers.evaluate.data.truths.pairs import FIRST, pairs_in
from workers.pipeline.spec import TextSteps

SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".tab", ".jsonl", ".ndjson"})
TEXT_NAMES = [
    "messages", "conversation", "text", "sentence", "content", "message", "review", "comment", "body", "tweet",
    "document", "question", "prompt", "utterance", "title", "input", "source", "src",
]  # fmt: skip
LABEL_NAMES = [
    "label", "labels", "class", "category", "target", "y", "sentiment", "answer", "intent", "spam", "positive", "toxic",
    "gold", "truth",
]  # fmt: skip
REFERENCE_NAMES = ["reference", "references", "translation", "summary", "target", "output", "tgt"]
"""Names of columns with reference texts, for models that generate texts."""

MOST_LABELS = 1000


def matches(path: Path) -> bool:
    """Return whether the path is a table of texts, or a folder with exactly one."""
    return table_of(path) is not None


def table_of(path: Path) -> Path | None:
    """Return the file itself, or the only table of a folder without pictures and sounds.

    In a folder with pictures or sounds, a table is their list.
    """
    if path.is_file():
        return path if path.suffix.lower() in SUFFIXES else None
    if not path.is_dir():
        return None
    if next(files_below(path, pictures.SUFFIXES | audio.SUFFIXES), None) is not None:
        return None
    tables = [p for p in sorted(path.iterdir()) if p.is_file() and p.suffix.lower() in SUFFIXES]
    named = [p for p in tables if p.suffix.lower() != ".txt"]
    return named[0] if len(named) == 1 else tables[0] if len(tables) == 1 else None


def text_column(path: Path, options: Options) -> tuple[Path, Table, int]:
    """Return the file of texts at a path that `matches`, its table, and the column that holds the texts."""
    file = table_of(path)
    assert file is not None
    given = [name for name in (options.text_column, options.label_column) if name]
    table = read_table(file, [*given, *TEXT_NAMES, *LABEL_NAMES, *REFERENCE_NAMES, *FIRST])
    return file, table, chosen(table, options.text_column, file) if options.text_column else find_text(table)


def read(path: Path, options: Options) -> Collection:
    """Read the texts, labels and further columns of a table."""
    file, table, text = text_column(path, options)
    pairs = pairs_in(table, options.spec) if not (options.text_column or options.label_column) else None
    if pairs is not None:
        return pairs
    if options.label_column:
        label: int | None = chosen(table, options.label_column, file)
    else:
        label = find_label(table, text, options)
    entries, empty, without = [], 0, 0
    for number, row in enumerate(table.rows, start=1):
        if not row[text].strip():
            empty += 1
            continue
        cell = row[label] if label is not None else ""
        one = options.spec.answer_kind == "tokens"  # a reference text is one label, even if it has a |
        labels = tuple(part.strip() for part in ([cell] if one else cell.split("|")) if part.strip())
        without += one and label is not None and not cell.strip()
        value = row[text]
        content = partial(digest, value.encode("utf-8", "surrogatepass"))
        further = {name: row[i] for i, name in enumerate(table.header) if i not in (text, label)}
        entries.append(Entry(f"row {number}", partial(str, value), content, labels, value, columns=further))
    if not entries:
        raise InputRefused(
            "no_text",
            "There are no texts in this table",
            _("{0} holds no text that can be used: its column “{1}” is empty.").format(file.name, table.header[text]),
            "Name the column that holds the texts “text”, or choose it, and try again.",
        )
    findings = [*table.findings, info(_columns_used(table, text, label, options))]
    if empty:
        what = ngettext("{0} row has no text and is left out.", "{0:,} rows have no text and are left out.", empty)
        findings.append(warning(what.format(empty)))
    if without and label is not None:
        findings.append(_empty_references(without, len(entries), table.header[label]))
    return Collection(
        "texts", entries, findings=tuple(findings), columns=table.header, text_column=table.header[text],
        label_column=table.header[label] if label is not None else "",
    )  # fmt: skip


def chosen(table: Table, name: str, file: Path) -> int:
    """Return the column of this name.

    Raises:
        InputRefused: There is none.
    """
    column = table.column(name)
    if column is None:
        raise InputRefused(
            "no_such_column",
            "There is no such column",
            _("{0} has no column “{1}”; it has {2}.").format(file.name, name, names_of(table.header, 8)),
            "Choose one of these columns and try again.",
        )
    return column


def named_text(table: Table) -> int | None:
    """Return the column that is named as texts are; None if there is none."""
    return table.column(*TEXT_NAMES)


def find_text(table: Table) -> int:
    """Return the column of texts: by name, else the one with the longest values of which most differ."""
    named = named_text(table)
    if named is not None:
        return named
    sample = table.rows[:1000]

    def weight(column: int) -> float:
        values = [row[column] for row in sample]
        words = sum(value.count(" ") + 1 for value in values if not is_number(value))
        return words * len(set(values)) / len(values)

    return max(range(len(table.header)), key=weight)


def find_label(table: Table, text: int, options: Options) -> int | None:
    """Return the column of labels; None if there is none.

    It is found by name if the model knows most of its values. Otherwise it is the only column with few values that the
    model knows completely, else it is found by name alone.
    """
    if options.spec.chat is not None:
        return None  # the words that really follow are in the texts themselves
    known = LabelMap(options.spec)
    classes = options.spec.answer_kind in CLASSES
    others = [column for column in range(len(table.header)) if column != text]
    wanted = REFERENCE_NAMES if options.spec.answer_kind == "tokens" else LABEL_NAMES
    names = [column for name in wanted for column in others if table.header[column].casefold() == name]
    shares = {column: known_share(table, column, known) for column in others} if classes else {}
    by_name = [column for column in names if shares.get(column, 0) > 0.5]
    if by_name:
        return by_name[0]
    by_content = [column for column, share in shares.items() if share == 1.0]
    if len(by_content) == 1:
        return by_content[0]
    return names[0] if names else None


def known_share(table: Table, column: int, known: LabelMap) -> float:
    """Return which share of a column's different values the model knows; 0 if there are too many values or only one."""
    values = {part.strip() for row in table.rows for part in row[column].split("|") if part.strip()}
    if not 1 < len(values) <= min(MOST_LABELS, max(2, len(table.rows) // 2)):
        return 0.0
    return sum(bool(known.ids(value)) for value in values) / len(values)


def _columns_used(table: Table, text: int, label: int | None, options: Options) -> str:
    """Return a sentence that names the columns of texts and of labels."""
    texts = (
        _("The texts are read from the column “{0}”.")
        if options.text_column
        else _("The texts were found in the column “{0}”.")
    ).format(table.header[text])
    if label is None:
        return joined([texts, _("No column of labels was found.")])
    return joined([texts, _("The labels are in “{0}”.").format(table.header[label])])


def _empty_references(count: int, whole: int, column: str) -> Finding:
    what = (
        ngettext(
            "“{0}” is empty in {1} row of {2:,}: without a right text no score by right texts is shown.",
            "“{0}” is empty in {1:,} rows of {2:,}: without a right text no score by right texts is shown.",
            count,
        )
        if count == whole
        else ngettext(
            "“{0}” is empty in {1} row of {2:,}: without a right text it is left out of the scores.",
            "“{0}” is empty in {1:,} rows of {2:,}: without a right text they are left out of the scores.",
            count,
        )
    )
    return warning(what.format(column, count, whole))


READER = Reader("texts", mark("a table of texts or numbers"), (TextSteps,), matches, read)
