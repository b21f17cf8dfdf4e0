"""Run the job ``data``: read a data set, match its labels, merge duplicates, split it, and report findings in words."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from workers.contracts.errors import InputRefused
from workers.contracts.folder import sha256_folder
from workers.contracts.jobs import DataParams, DataResult
from workers.contracts.paths import from_text
from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.translation import _, joined, mark, ngettext
from workers.evaluate.data.base import NOT_FINITE, Collection, Entry, Options, digest, info, names_of, shown
from workers.evaluate.data.dataset import DataSet, write_dataset
from workers.evaluate.data.edits import edited
from workers.evaluate.data.findings import FEW, findings_of
from workers.evaluate.data.made.collection import make_collection
from workers.evaluate.data.sniff import read_collection
from workers.evaluate.data.split import calibration_size, choose
from workers.evaluate.data.store import Store, StoredData, group_of, is_added
from workers.evaluate.data.truths.classes import CLASSES, resolve
from workers.evaluate.data.truths.mask_numbers import store_masks
from workers.pipeline.pipeline import Pipeline, load_pipeline

FOLDER = "data"
LOOKING = mark("Look at the files")
Labelled = tuple[list[Entry], list[tuple[int, ...]]]


def build_data(params: DataParams, ctx: JobContext) -> DataResult:
    """Write the data set to `work_dir`/data.

    Raises:
        InputRefused: If the data cannot be used at all.
    """
    pipeline = load_pipeline(Path(params.model_dir))
    folder = ctx.work_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    options = Options(pipeline.spec, params.text_column, params.label_column)
    if params.path is None:
        collection = make_collection(pipeline, Path(params.model_dir), ctx.seed)
    else:
        collection = read_collection(from_text(params.path), options)
        collection = edited(collection, params.left_out, params.relabeled, params.moved)
    resolved = resolve(collection, pipeline.spec, params.label_map)
    collection = _without_file_labels(collection, pipeline, resolved.ids)
    store = Store(folder, pipeline, ctx, collection.kind, params.moved)
    used = _write(store, collection, resolved.ids, params, options, ctx)
    masks, mask_findings = store_masks(
        folder, store.stored.test, pipeline.spec, from_text(params.path) if params.path is not None else folder, ctx
    )
    data = _dataset(collection, store.stored, pipeline, params, masks)
    write_dataset(folder, data)
    report = findings_of(collection, store.stored, data, used)
    return _result(
        ctx, data, collection, store.stored, findings=(*resolved.findings, *mask_findings, *report),
        unknown_labels=tuple(shown(label) for label in resolved.unknown), n_opened=used,
    )  # fmt: skip


def _write(
    store: Store, collection: Collection, ids: list[tuple[int, ...]], params: DataParams, options: Options,
    ctx: JobContext,
) -> int:  # fmt: skip
    """Write both parts and return how many entries were opened for them."""
    size = calibration_size(len(collection.entries), params.max_calibration) if params.calibration_path is None else 0
    entries, labels = _ordered(collection, ids, params.max_test + size, ctx)
    store.write(entries, labels, size)
    _check_readable(store.stored, entries)
    if params.calibration_path is not None:
        options = replace(options, row_columns=collection.row_columns)
        own = read_collection(from_text(params.calibration_path), options)
        _write_calibration(store, own, params.max_calibration, ctx)
    return len(entries)


def _write_calibration(store: Store, collection: Collection, most: int, ctx: JobContext) -> None:
    """Write the person's own calibration set, which must not share an item with the test set."""
    entries, _labels = _ordered(collection, [()] * len(collection.entries), most, ctx)
    if overlap := store.write_calibration(entries):
        raise InputRefused(
            "calibration_overlap",
            "Calibration and test data overlap",
            ngettext(
                "{0:,} item is in both sets: {1}. A model tuned on what it is tested with looks better than it is.",
                "{0:,} items are in both sets, among them {1}. A model tuned on what it is tested with looks better"
                " than it is.",
                len(overlap),
            ).format(len(overlap), names_of(overlap)),
            "Take these items out of one of the two sets, or leave the calibration set out: Fettle splits then.",
        )


def _ordered(collection: Collection, ids: list[tuple[int, ...]], most: int, ctx: JobContext) -> Labelled:
    """Return at most `most` entries in the order of the digests of their contents, with their labels.

    Large sets are first reduced by the digests of names, so that not every file is read.
    """
    entries = collection.entries
    # Both texts of a pair are selected together.
    names = [entry.pairs[0][0] if entry.pairs else entry.source for entry in entries]
    chosen = choose([group_of(labels) for labels in ids], lambda i: digest(names[i].encode()), most)
    # Thousands of files are read completely here.
    contents = {i: entries[i].content() for i in in_steps(ctx, LOOKING, chosen, "items")}
    order = sorted(chosen, key=lambda i: (contents[i], entries[i].source))
    return [entries[i] for i in order], [ids[i] for i in order]


def _check_readable(stored: StoredData, entries: list[Entry]) -> None:
    """Refuse data early that could never give a result."""
    left = len(stored.test) + len(stored.calibration)
    unusable = [*stored.unreadable, *stored.no_numbers]
    if not left or (stored.no_numbers and len(unusable) == len(entries)):
        reasons = Counter([*stored.reasons, *[_(NOT_FINITE)] * len(stored.no_numbers)])
        reason = reasons.most_common(1)[0][0] if reasons else ""
        tried = ngettext("{0:,} item was tried: {1}.", "{0:,} items were tried, among them {1}.", len(entries)).format(
            len(entries), names_of(unusable)
        )
        raise InputRefused(
            "nothing_readable",
            "None of the data can be read",
            joined([tried, reason]),
            "Put right what is named here, or choose other data.",
        )
    if left == 1 and stored.doubles + 1 >= FEW:
        raise InputRefused(
            "all_the_same",
            "All of these are the same to the model",
            _(
                "{0:,} items were read, and the model gets the very same of each: that is one example, and one "
                "proves nothing."
            ).format(stored.doubles + 1),
            "Check on the page Model how inputs are prepared (size, brightness), or choose examples that differ.",
        )


def _without_file_labels(collection: Collection, pipeline: Pipeline, ids: list[tuple[int, ...]]) -> Collection:
    """Drop labels of whole files if the model scores each time step, because they cannot judge it."""
    if not (pipeline.stateful and any(ids)):
        return collection
    ids[:] = [()] * len(ids)
    what = mark("The model gives a score for each moment, so that labels of whole files are not used.")
    return replace(collection, findings=(*collection.findings, info(what)))


def _dataset(
    collection: Collection, stored: StoredData, pipeline: Pipeline, params: DataParams, masks: Mapping[int, str]
) -> DataSet:
    steps = tuple(kept.steps for kept in stored.test)
    is_class = pipeline.spec.answer_kind in CLASSES
    return DataSet(
        kind=collection.kind,
        origin="made" if params.path is None else "person",
        root=params.path,
        classes=pipeline.spec.classes,
        test=tuple(replace(kept.item(is_class), mask=masks.get(at, "")) for at, kept in enumerate(stored.test)),
        calibration=tuple(kept.item(is_class) for kept in stored.calibration),
        steps=steps if any(step is not None for step in steps) else (),
    )


def _result(ctx: JobContext, data: DataSet, collection: Collection, stored: StoredData, **more: Any) -> DataResult:
    counts = Counter(data.class_name(i.labels[0]) for i in (*data.test, *data.calibration) if i.labels)
    sha256 = sha256_folder(ctx.work_dir / FOLDER)
    ctx.identified(sha256, same_result=False)  # the result also contains facts about files that are not in the folder
    return DataResult(
        data_dir=FOLDER, origin=data.origin, kind=data.kind, n_items=len(collection.entries) + len(collection.missing),
        n_test=len(data.test), n_added=sum(map(is_added, data.test)), n_calibration=len(data.calibration),
        labelled=data.labelled, merged_doubles=stored.doubles,
        unreadable=(*stored.unreadable[:1000], *collection.missing[:1000]), class_counts=dict(counts.most_common()),
        columns=collection.columns, text_column=collection.text_column, label_column=collection.label_column,
        row_columns=collection.row_columns, sha256=sha256, **more,
    )  # fmt: skip
