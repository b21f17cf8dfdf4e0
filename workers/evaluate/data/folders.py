"""Read folders of files: flat (unlabelled), with one sub-folder per class, or with a `labels.csv` of `file,label`."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path, PurePosixPath

from workers.contracts.data.reading import FOLDER_LABELS
from workers.contracts.errors import InputRefused
from workers.contracts.specs import Finding
from workers.contracts.translation import _, ngettext
from workers.evaluate.data.base import (
    OTHER_FORMATS,
    Collection,
    Entry,
    Options,
    file_digest,
    info,
    names_of,
    shown,
    warning,
)
from workers.evaluate.data.dataset import Kind
from workers.evaluate.data.tables import read_table

SPLITS = ("test", "val", "valid", "validation", "train")
"""Sub-folders with these names are parts of a set, not classes. The first one that exists is used."""

FILE_NAMES = (
    "file", "filename", "file_name", "image", "picture", "sound", "path", "audio", "audio_filepath", "audio_path",
)  # fmt: skip
LISTS = ("labels.csv", "metadata.csv", "labels.jsonl", "metadata.jsonl", "manifest.jsonl", "manifest.json")
"""Lists in the folder of the files that they name: our own, those of Hugging Face's folders, and NeMo's manifests."""

TRANSCRIPT_NAMES = ("transcript", "transcription", "sentence", "text")
LABEL_NAMES = ("label", "labels", "class", "category")


OTHER_FORMAT = "other_format"
"""Code of the finding about files that were left out for their format."""

PICTURE_FOLDERS = frozenset({"images", "image", "imgs", "img", "jpegimages", "leftimg8bit"})
"""Common names of the folder of pictures, in lower case."""


def files_below(folder: Path, suffixes: frozenset[str]) -> Iterator[Path]:
    """Yield files with one of the suffixes, sorted, without hidden ones and without following links to folders.

    Raises:
        OSError: If a folder may not be read, so that no part of a set is left out silently.
    """
    for parent, folders, names in os.walk(folder, onerror=_stop):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(names):
            if Path(name).suffix.lower() in suffixes and not name.startswith("."):
                yield Path(parent) / name


def _stop(error: OSError) -> None:
    raise error


def read_files(path: Path, suffixes: frozenset[str], kind: Kind, options: Options) -> Collection:
    """Return all files of one kind below `path` (or that one file) with their labels.

    Raises:
        InputRefused: If `path` is a list of files without its folder, because no other file may be read then.
    """
    if is_list(path):
        raise InputRefused(
            "list_alone",
            "The list alone is not enough",
            _("{0} names files that lie beside it, and only the list was chosen.").format(path.name),
            "Choose the folder that holds the list and the files.",
        )
    if path.is_file():
        return Collection(kind, [file_entry(path, path.parent)])
    listing = list_in(path)
    if listing is not None:
        return _with_unlisted(_by_list(path, listing, kind, suffixes, options), path, listing, suffixes)
    root, findings = _part_of(path)
    entries = [file_entry(file, path, _class_of(file, root)) for file in files_below(root, suffixes)]
    classes = {label for entry in entries for label in entry.labels}
    if classes:
        what = _("The labels are the names of the {0} sub-folders.").format(len(classes))
        one = _("The labels are the sub-folder’s name.")
        findings.append(info(what if len(classes) > 1 else one, FOLDER_LABELS))
    findings += _other_formats(root, options)
    return Collection(kind, entries, findings=tuple(findings))


def _other_formats(root: Path, options: Options) -> Iterator[Finding]:
    """Warn about files of the kind whose format cannot be read, so that they are not left out silently."""
    suffixes, to_do = OTHER_FORMATS.get(type(options.spec.preprocess), (frozenset(), ""))
    names = [file.relative_to(root).as_posix() for file in files_below(root, suffixes)]
    if names:
        what = ngettext(
            "{0} file is of a format that Fettle cannot read, and left out: {1}. {2}",
            "{0:,} files are of a format that Fettle cannot read, and left out: {1}. {2}",
            len(names),
        )
        yield warning(what.format(len(names), names_of(names), _(to_do)), OTHER_FORMAT)


def list_in(folder: Path) -> Path | None:
    """Return the list of files in a folder; lists of other things (annotations, for example) do not count."""
    lists = {child.name.lower(): child for child in sorted(folder.iterdir()) if child.is_file()}
    for name in LISTS:
        if name in lists and (name == LISTS[0] or names_files(lists[name])):
            return lists[name]
    return None


def is_list(path: Path) -> bool:
    """Return whether a chosen file only names other files."""
    return path.is_file() and path.suffix.lower() in (".csv", ".tsv", ".jsonl", ".json") and names_files(path)


def names_files(path: Path) -> bool:
    """Return whether the first line of a list has a column of files."""
    try:
        with path.open("rb") as file:
            line = file.readline(1 << 16).decode("utf-8-sig", "replace")
    except OSError:
        return False
    if path.suffix.lower() in (".csv", ".tsv"):
        return bool({cell.strip(" \"'\r\n").casefold() for cell in re.split(r"[,;\t]", line)} & set(FILE_NAMES))
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and bool({str(key).casefold() for key in row} & set(FILE_NAMES))


def file_entry(file: Path, root: Path, labels: tuple[str, ...] = ()) -> Entry:
    """Return one file as an entry, named relative to `root`."""
    return Entry(shown(file.relative_to(root).as_posix()), lambda: file, partial(file_digest, file), labels)


def _part_of(path: Path) -> tuple[Path, list[Finding]]:
    """Return `path`, or its part "test" (else "val", …) if its sub-folders are parts of a set."""
    names = {child.name.lower(): child for child in path.iterdir() if child.is_dir()}
    if not names or not set(names) <= set(SPLITS):
        return path, []
    chosen = next(names[name] for name in SPLITS if name in names)
    what = _("The sub-folders are parts of one set; only “{0}” is used.").format(chosen.name)
    return chosen, [info(what)] if len(names) > 1 else []


def _class_of(file: Path, root: Path) -> tuple[str, ...]:
    parts = file.relative_to(root).parts
    return (shown(parts[0]),) if len(parts) > 1 else ()


def _by_list(root: Path, listing: Path, kind: Kind, suffixes: frozenset[str], options: Options) -> Collection:
    table = read_table(listing, (*FILE_NAMES, *LABEL_NAMES))
    file_column = table.column(*FILE_NAMES)
    is_text = options.spec.answer_kind == "transcript"  # its label is the reference text
    names = (*TRANSCRIPT_NAMES, *LABEL_NAMES) if is_text else LABEL_NAMES
    given = table.column(*((options.label_column,) if options.label_column else names))
    label_column, transcript = (None, given) if is_text else (given, None)
    if file_column is None:
        raise _no_files(
            _("{0} has no column “file”; its columns are {1}.").format(listing.name, names_of(table.header, 6))
        )
    entries, missing, inside = [], [], root.resolve()
    with_endings = cache(partial(_with_endings, root, suffixes))  # the folder is listed once, and only if needed
    for row in table.rows:
        name = row[file_column].strip()
        if name and not _is_inside(root / name, inside):
            name = with_endings().get(name, name)
        # A list must not name files outside its own folder.
        if not name or not _is_inside(root / name, inside):
            missing.append(name or _("(no name)"))
            continue
        raw = row[label_column] if label_column is not None else ""
        labels = tuple(part.strip() for part in raw.split("|") if part.strip())
        further = {name: row[i] for i, name in enumerate(table.header) if i not in (file_column, label_column)}
        spoken = row[transcript] if transcript is not None else None
        entries.append(replace(file_entry(root / name, root, labels), columns=further, transcript=spoken))
    if not entries:
        raise _no_files(
            _("{0} names {1}, and none of these files is in the folder.").format(listing.name, names_of(missing))
        )
    if label_column is not None:
        report = _("The labels come from {0}.")
    elif transcript is not None:
        report = _("{0} lists {1:,} files with their reference texts.")
    else:
        report = _("{0} lists {1:,} files and has no column “{2}”.")
    findings = [*table.findings, info(report.format(listing.name, len(entries), names[0]))]
    silent = sum(entry.transcript is not None and not entry.transcript.strip() for entry in entries)
    if silent:
        what = (
            _("All reference texts are empty: these examples are left out of the error rates.")
            if silent == len(entries)
            else _("{0:,} of {1:,} reference texts are empty: these examples are left out of the error rates.")
        )
        findings.append(warning(what.format(silent, len(entries))))
    return Collection(kind, entries, missing=tuple(missing), findings=tuple(findings))


def _with_endings(root: Path, suffixes: frozenset[str]) -> dict[str, str]:
    """Return the name of each file by its name without ending, as some lists have it; none where two files share it."""
    names = [file.relative_to(root).as_posix() for file in files_below(root, suffixes)]
    shared = Counter(name.rpartition(".")[0] for name in names)
    return {stem: name for name in names if shared[stem := name.rpartition(".")[0]] == 1}


def _with_unlisted(found: Collection, root: Path, listing: Path, suffixes: frozenset[str]) -> Collection:
    """Add a warning about unlisted files in the folders of listed ones; masks have their own folders."""
    listed = {entry.source for entry in found.entries}
    folders = {PurePosixPath(name).parent for name in listed}
    names = (shown(file.relative_to(root).as_posix()) for file in files_below(root, suffixes))
    unlisted = [name for name in names if name not in listed and PurePosixPath(name).parent in folders]
    if not unlisted:
        return found
    what = ngettext(
        "{0} file of the folder is not in {1} and left out: {2}.",
        "{0:,} files of the folder are not in {1} and left out: {2}.",
        len(unlisted),
    ).format(len(unlisted), listing.name, names_of(unlisted))
    return replace(found, findings=(*found.findings, warning(what)))


def _is_inside(file: Path, folder: Path) -> bool:
    try:
        return file.is_file() and file.resolve().is_relative_to(folder)
    except (OSError, ValueError):
        return False


def _no_files(detail: str) -> InputRefused:
    return InputRefused(
        "labels_csv",
        "The list of labels cannot be used",
        detail,
        "Put it beside its files, with the columns “file” (names relative to it) and “label”, and try again.",
    )


def labels_above(root: Path, folders: Sequence[str], what: str) -> tuple[Finding, ...]:
    """Return a warning, `what`, if only the folder of pictures was chosen and one of `folders` is next to it."""
    labels = next((name for name in folders if (root.parent / name).is_dir()), None)
    if labels is None or root.name.lower() not in PICTURE_FOLDERS:
        return ()
    return (warning(_(what).format(labels)),)
