"""Write entries to the prepared stores in one pass: decode, drop duplicates and unreadable items, split, write."""

import hashlib
import shutil
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.reading import FETTLES_OWN, IN_A_ROW
from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.translation import mark
from workers.evaluate.data.answered import ANSWER_AT, WANTED, answer_at
from workers.evaluate.data.base import Entry, reason_of
from workers.evaluate.data.dataset import Item, Kind
from workers.evaluate.data.facts import facts_of
from workers.evaluate.data.in_a_row import in_a_row
from workers.evaluate.data.made.dialogues import our_dialogues
from workers.evaluate.data.split import Splitter, calibration_size
from workers.evaluate.data.tables import finite_number
from workers.pipeline.pipeline import Arrays, Pipeline
from workers.pipeline.prepared import Prepared, write_prepared
from workers.pipeline.spec import PipelineError, TextSteps

READING, AGAIN = mark("Reading the data"), mark("Splitting the remaining examples")
MOST_CALIBRATE = 4
"""At most one item in this many calibrates."""
LONGEST_VALUE = 80
ASIDE = "aside"
"""Folder of texts that are stored temporarily, because they are written after the items made from them."""

MOST_COLUMNS = 30


@dataclass
class StoredItem:
    """One item that is used.

    Attributes:
        entry: The entry.
        ids: Accepted classes; emptied if duplicates contradict each other.
        steps: Labels of the time steps (m,).
        facts: Measured facts.
    """

    entry: Entry
    ids: tuple[int, ...]
    steps: NDArray[np.int64] | None = None
    facts: Mapping[str, float | str] = field(default_factory=dict)

    def item(self, is_class: bool = True) -> Item:
        """Return the item in the form of `data.json`.

        With `is_class` the model predicts classes, so that the written labels are in `ids`.
        """
        entry = self.entry
        return Item(
            source=entry.source, text=entry.text, labels=self.ids,
            target=() if is_class else entry.target or target_of(entry.labels),
            group="" if is_class else "|".join(entry.labels), boxes=entry.boxes, transcript=entry.transcript,
            pairs=entry.pairs, facts=self.facts, columns=short_columns(entry.columns),
        )  # fmt: skip


@dataclass
class StoredData:
    """The result of storing all entries.

    Attributes:
        test: Test items.
        calibration: Calibration items.
        unreadable: Sources of items that cannot be read.
        reasons: Why they cannot be read.
        not_finite: Sources of items with some numbers that are NaN or infinite. The model gets them unchanged, since
            NaN may stand for a missing value.
        no_numbers: Sources of items with only such numbers.
        doubles: Number of merged duplicates.
        contradictions: Number of duplicates with different labels.
    """

    test: list[StoredItem] = field(default_factory=list)
    calibration: list[StoredItem] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    not_finite: dict[str, None] = field(default_factory=dict)
    no_numbers: dict[str, None] = field(default_factory=dict)
    doubles: int = 0
    contradictions: int = 0


class Store:
    """Writes `test/` and `calibration/` below a folder, with only one item in memory at a time.

    The job owns one instance.
    """

    def __init__(
        self, folder: Path, pipeline: Pipeline, ctx: JobContext, kind: Kind, moved: Mapping[str, str] | None = None
    ) -> None:
        """Create a store that writes below `folder`.

        Args:
            folder: Folder of the data set.
            pipeline: Pipeline of the model, which prepares the inputs.
            ctx: Context of the job.
            kind: Kind of the data.
            moved: The part ("test", "calibration") that the person chose for the item of a source.
        """
        self._kind: Kind = kind
        self._folder, self._pipeline, self._ctx, self._moved = folder, pipeline, ctx, moved or {}
        self._seen: dict[bytes, StoredItem] = {}
        self._in_order: list[StoredItem] = []
        self._merged: list[tuple[StoredItem, str]] = []
        self._reading = READING
        self.stored = StoredData()

    def write(self, entries: Sequence[Entry], ids: Sequence[tuple[int, ...]], calibration: int) -> None:
        """Write about `calibration` items as calibration set and the rest as test set, in the order of `entries`.

        If so many items are duplicates or unreadable that over a quarter of the rest would calibrate, the rest is split
        again, because a proof needs the test set.
        """
        self._write(entries, ids, calibration)
        left = self._in_order
        fair = calibration_size(len(left), calibration)
        chosen = sum(kept.entry.source not in self._moved for kept in self.stored.calibration)
        if chosen * MOST_CALIBRATE > len(left) and chosen > fair:
            self._seen, self.stored.test, self.stored.calibration, self._reading = {}, [], [], AGAIN
            self._write([kept.entry for kept in left], [kept.ids for kept in left], fair)

    def _write(self, entries: Sequence[Entry], ids: Sequence[tuple[int, ...]], calibration: int) -> None:
        self._in_order = []
        splitter = Splitter([group_of(labels) for labels in ids], calibration)
        chosen: list[StoredItem] = []

        def tests() -> Iterator[Arrays]:
            for kept, feeds in self._prepared(entries, ids):
                self._in_order.append(kept)
                if self._calibrates(splitter, kept):
                    chosen.append(kept)
                    continue
                self.stored.test.append(kept)
                yield feeds

        if self._pipeline.spec.chat is None:
            write_prepared(self._folder / "test", tests())
        else:
            self._write_texts(tests())
        self._calibrate(chosen)

    def _write_texts(self, tests: Iterator[Arrays]) -> None:
        """Write the items that Fettle adds before the texts.

        If not all items are evaluated, the first ones are. A verdict needs the dialogues and long conversations for any
        number of texts.
        """
        aside = self._folder / ASIDE
        write_prepared(aside, tests)
        texts, self.stored.test = self.stored.test, []

        def ordered() -> Iterator[Arrays]:
            yield from self._answered(sum(ANSWER_AT in kept.facts for kept in texts))
            yield from self._in_a_row(texts)
            self.stored.test += texts
            yield from Prepared(aside)

        write_prepared(self._folder / "test", ordered())
        shutil.rmtree(aside)

    def _in_a_row(self, texts: Sequence[StoredItem]) -> Iterator[Arrays]:
        """Yield the texts of a language model's test set again, as long conversations."""
        steps = self._pipeline.spec.preprocess
        if not isinstance(steps, TextSteps):
            return
        for number, entry in in_a_row([kept.entry for kept in texts], steps.max_length):
            feeds = self._open(entry)
            if feeds is not None:
                facts = facts_of(entry, feeds, self._pipeline.spec, self._kind)
                self.stored.test.append(StoredItem(entry, (), facts={**facts, IN_A_ROW: number}))
                yield feeds

    def _answered(self, known: int) -> Iterator[Arrays]:
        """Yield the dialogues that are missing to `WANTED` if `known` items already contain an answer."""
        chat = self._pipeline.spec.chat
        if chat is None or chat.template is None:
            return
        for entry in our_dialogues()[: max(0, WANTED - known)]:
            try:
                feeds = self._pipeline.feeds_from(entry.open())
            except PipelineError as error:  # A template may refuse dialogues; the person's examples are not affected.
                self._ctx.log(f"Dialogues of Fettle's own are left out: {error}")
                return
            facts = self._facts(entry, feeds)
            if ANSWER_AT in facts:
                self.stored.test.append(StoredItem(entry, (), facts={**facts, FETTLES_OWN: 1.0}))
                yield feeds

    def _facts(self, entry: Entry, feeds: Arrays) -> dict[str, float | str]:
        facts = facts_of(entry, feeds, self._pipeline.spec, self._kind)
        at = None if self._pipeline.spec.chat is None or entry.text is None else answer_at(entry.text, feeds)
        return facts if at is None else {**facts, ANSWER_AT: float(at)}

    def _calibrates(self, splitter: Splitter, kept: StoredItem) -> bool:
        """Return whether an item calibrates: as the person wishes, else by the split.

        Items that the person moved do not count for the quotas of the split.
        """
        wanted = self._moved.get(kept.entry.source)
        return splitter.calibrates(group_of(kept.ids)) if wanted is None else wanted == "calibration"

    def write_calibration(self, entries: Sequence[Entry]) -> list[str]:
        """Write a separate unlabelled calibration set, and return the names of items that are also in the test set.

        If there are any, the data must not be used.
        """
        test = {id(kept) for kept in self.stored.test}
        self._merged, calibration = [], list[StoredItem]()

        def items() -> Iterator[Arrays]:
            for kept, feeds in self._prepared(entries, [()] * len(entries)):
                calibration.append(kept)
                yield feeds

        write_prepared(self._folder / "calibration", items())
        self.stored.calibration = calibration
        return [source for first, source in self._merged if id(first) in test]

    def _prepared(
        self, entries: Sequence[Entry], ids: Sequence[tuple[int, ...]]
    ) -> Iterator[tuple[StoredItem, Arrays]]:
        """Yield readable items that are not duplicates."""
        for entry, labels in zip(in_steps(self._ctx, self._reading, entries, "items"), ids, strict=True):
            feeds = self._open(entry)
            if feeds is None:
                continue
            self._look_for_numbers(entry, feeds)
            key = feeds_digest(feeds)
            first = self._seen.get(key)
            if first is not None:
                self._merge(first, entry, labels)
                continue
            steps = None if entry.steps is None else entry.steps(len(feeds[self._pipeline.main_input.name]))
            self._seen[key] = kept = StoredItem(entry, labels, steps, self._facts(entry, feeds))
            yield kept, feeds

    def _open(self, entry: Entry) -> Arrays | None:
        """Return the model inputs, or None if the item cannot be read; its name is recorded then."""
        try:
            return self._pipeline.feeds_from(entry.open())
        except (PipelineError, OSError, ValueError) as error:
            self.stored.unreadable.append(entry.source)
            self.stored.reasons.append(reason_of(error))
            return None

    def _look_for_numbers(self, entry: Entry, feeds: Arrays) -> None:
        finite = [np.isfinite(values) for values in feeds.values() if values.dtype.kind == "f" and values.size]
        if not all(part.all() for part in finite):
            self.stored.not_finite[entry.source] = None
            if not any(part.any() for part in finite):
                self.stored.no_numbers[entry.source] = None

    def _merge(self, first: StoredItem, entry: Entry, labels: tuple[int, ...]) -> None:
        """Merge identical items, which count once; if their labels have nothing in common, none of them is used."""
        self.stored.doubles += 1
        self._merged.append((first, entry.source))
        first.entry = replace(first.entry, pairs=(*first.entry.pairs, *entry.pairs))
        if labels and first.ids and not set(labels) & set(first.ids):
            first.ids = ()
            self.stored.contradictions += 1

    def _calibrate(self, chosen: list[StoredItem]) -> None:
        """Write the calibration items. They are few, so they are prepared again instead of being held in memory."""

        def items() -> Iterator[Arrays]:
            for kept in chosen:
                self._ctx.check_cancelled()
                feeds = self._open(kept.entry)
                if feeds is not None:
                    self.stored.calibration.append(kept)
                    yield feeds

        write_prepared(self._folder / "calibration", items())


def short_columns(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the first columns with a short value, which slices can be made of; long values are texts."""
    short = [(name, value) for name, value in columns.items() if len(value) <= LONGEST_VALUE]
    return dict(short[:MOST_COLUMNS])


def target_of(labels: Sequence[str]) -> tuple[float, ...]:
    """Return the labels as numbers if all are finite, else ()."""
    numbers = tuple(number for number in map(finite_number, labels) if number is not None)
    return numbers if len(numbers) == len(labels) else ()


def group_of(labels: tuple[int, ...]) -> Hashable:
    """Return the key by which the split is stratified: the first accepted class, or None."""
    return labels[0] if labels else None


def is_added(item: Item | StoredItem) -> bool:
    """Return whether Fettle made this test item itself: from a person's texts in a row, or as one of its dialogues."""
    return IN_A_ROW in item.facts or FETTLES_OWN in item.facts


def feeds_digest(feeds: Arrays) -> bytes:
    """Return 16 bytes over names, dtypes, shapes and values: equal for items that are the same to the model."""
    value = hashlib.blake2b(digest_size=16)
    for name in sorted(feeds):
        array = np.ascontiguousarray(feeds[name])
        value.update(f"{name}\0{array.dtype.str}{array.shape}\0".encode())
        value.update(array.tobytes())
    return value.digest()
