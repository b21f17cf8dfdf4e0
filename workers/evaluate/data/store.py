"""From entries to the prepared stores: decode, drop doubles and what cannot be read, split, write in one pass."""

import hashlib
import math
import shutil
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.contracts.process.context import JobContext
from workers.evaluate.data.answered import ANSWER_AT, FETTLES_OWN, answer_at, own_dialogues
from workers.evaluate.data.base import Entry
from workers.evaluate.data.dataset import Item, Kind
from workers.evaluate.data.facts import facts_of
from workers.evaluate.data.in_a_row import IN_A_ROW, in_a_row
from workers.evaluate.data.split import Splitter, calibration_size
from workers.pipeline.pipeline import Arrays, Pipeline
from workers.pipeline.prepared import Prepared, write_prepared
from workers.pipeline.spec import PipelineError, TextSteps

READING, AGAIN = "Reading the data", "Splitting what is left"
MOST_CALIBRATE = 4
"""At most one item in so many calibrates."""
LONGEST_VALUE = 80
ASIDE = "aside"
"""The folder of texts that are written behind what is made of them."""

MOST_COLUMNS = 30


@dataclass
class Kept:
    """One item that is used: its entry, its accepted classes (emptied if doubles contradict), labels of its steps."""

    entry: Entry
    ids: tuple[int, ...]
    steps: NDArray[np.int64] | None = None
    facts: Mapping[str, float | str] = field(default_factory=dict)

    def item(self, is_class: bool = True) -> Item:
        """As `data.json` keeps it. `is_class`: the model's answers are classes, so that written labels are in `ids`."""
        entry = self.entry
        return Item(
            source=entry.source,
            text=entry.text,
            labels=self.ids,
            target=() if is_class else entry.target or target_of(entry.labels),
            group="" if is_class else "|".join(entry.labels),
            boxes=entry.boxes,
            transcript=entry.transcript,
            pairs=entry.pairs,
            facts=self.facts,
            columns=short_columns(entry.columns),
        )


@dataclass
class Stored:
    """What became of all entries.

    `not_finite` and `no_numbers` are sources of items of whose numbers some, or all, are NaN or infinite. The model
    gets these items as they are, since NaN may stand for a missing value.
    """

    test: list[Kept] = field(default_factory=list)
    calibration: list[Kept] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    not_finite: dict[str, None] = field(default_factory=dict)
    no_numbers: dict[str, None] = field(default_factory=dict)
    doubles: int = 0
    contradictions: int = 0


class Store:
    """Writes `test/` and `calibration/` below `folder`. Only one item is in memory at a time.

    `kind` is what the data are; `moved` says in which part ("test", "calibration") the person wants the item of a
    source.
    """

    def __init__(
        self, folder: Path, pipeline: Pipeline, ctx: JobContext, kind: Kind, moved: Mapping[str, str] | None = None
    ) -> None:
        self._kind: Kind = kind
        self._folder, self._pipeline, self._ctx, self._moved = folder, pipeline, ctx, moved or {}
        self._seen: dict[bytes, Kept] = {}
        self._in_order: list[Kept] = []
        self._reading = READING
        self.stored = Stored()

    def write(self, entries: Sequence[Entry], ids: Sequence[tuple[int, ...]], calibration: int) -> None:
        """Split off about `calibration` items, the rest is the test set. Entries come in the order of the split.

        Where so many are doubles or unreadable that over a quarter of what is left would calibrate, what is left is
        split anew: the test set is what a proof needs.
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
        chosen: list[Kept] = []

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
        """Write what Fettle adds before the texts: where not all are evaluated, the first ones are, and a verdict needs
        the dialogues and long conversations whatever the number of texts."""
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

    def _in_a_row(self, texts: Sequence[Kept]) -> Iterator[Arrays]:
        """What a language model is tested with, once more as long conversations."""
        steps = self._pipeline.spec.preprocess
        if not isinstance(steps, TextSteps):
            return
        for number, entry in in_a_row([kept.entry for kept in texts], steps.max_length):
            feeds = self._open(entry)
            if feeds is not None:
                facts = facts_of(entry, feeds, self._pipeline.spec, self._kind)
                self.stored.test.append(Kept(entry, (), facts={**facts, IN_A_ROW: number}))
                yield feeds

    def _answered(self, known: int) -> Iterator[Arrays]:
        """Dialogues with answers, where the `known` ones of the person are too few."""
        chat = self._pipeline.spec.chat
        if chat is None or chat.template is None:
            return
        for entry in own_dialogues(known):
            try:
                feeds = self._pipeline.feeds_from(entry.open())
            except PipelineError as error:  # a template may refuse dialogues: no example of the person's is at fault
                self._ctx.log(f"Dialogues of Fettle's own are left out: {error}")
                return
            facts = self._facts(entry, feeds)
            if ANSWER_AT in facts:
                self.stored.test.append(Kept(entry, (), facts={**facts, FETTLES_OWN: 1.0}))
                yield feeds

    def _facts(self, entry: Entry, feeds: Arrays) -> dict[str, float | str]:
        facts = facts_of(entry, feeds, self._pipeline.spec, self._kind)
        at = None if self._pipeline.spec.chat is None or entry.text is None else answer_at(entry.text, feeds)
        return facts if at is None else {**facts, ANSWER_AT: float(at)}

    def _calibrates(self, splitter: Splitter, kept: Kept) -> bool:
        """As the person wishes, else by the split; an item that was moved takes nobody's place."""
        wanted = self._moved.get(kept.entry.source)
        return splitter.calibrates(group_of(kept.ids)) if wanted is None else wanted == "calibration"

    def write_test(self, entries: Sequence[Entry], ids: Sequence[tuple[int, ...]]) -> None:
        """All entries are the test set."""
        self.write(entries, ids, 0)

    def write_calibration(self, entries: Sequence[Entry], ids: Sequence[tuple[int, ...]]) -> list[str]:
        """A set of its own. Returns the names of items that are in the test set, too; then nothing may be used."""
        test = {id(kept) for kept in self.stored.test}
        doubles: list[str] = []
        calibration: list[Kept] = []

        def items() -> Iterator[Arrays]:
            for kept, feeds in self._prepared(entries, ids, doubles, test):
                calibration.append(kept)
                yield feeds

        write_prepared(self._folder / "calibration", items())
        self.stored.calibration = calibration
        return doubles

    def _prepared(
        self,
        entries: Sequence[Entry],
        ids: Sequence[tuple[int, ...]],
        overlap: list[str] | None = None,
        against: set[int] | None = None,
    ) -> Iterator[tuple[Kept, Arrays]]:
        """Readable items that are not doubles. Doubles of items in `against` are named in `overlap`."""
        for number, (entry, labels) in enumerate(zip(entries, ids, strict=True)):
            self._ctx.check_cancelled()
            self._ctx.progress(self._reading, number, len(entries), "items")
            feeds = self._open(entry)
            if feeds is None:
                continue
            self._look_for_numbers(entry, feeds)
            key = feeds_digest(feeds)
            first = self._seen.get(key)
            if first is not None:
                self._merge(first, entry, labels)
                if overlap is not None and against is not None and id(first) in against:
                    overlap.append(entry.source)
                continue
            facts = self._facts(entry, feeds)
            self._seen[key] = kept = Kept(entry, labels, self._steps(entry, feeds), facts)
            yield kept, feeds
        self._ctx.progress(self._reading, len(entries), len(entries), "items")

    def _open(self, entry: Entry) -> Arrays | None:
        """Model inputs, or None (and the name is kept) where the item cannot be read."""
        try:
            return self._pipeline.feeds_from(entry.open())
        except (PipelineError, OSError, ValueError) as error:
            self.stored.unreadable.append(entry.source)
            self.stored.reasons.append(str(error))
            return None

    def _look_for_numbers(self, entry: Entry, feeds: Arrays) -> None:
        finite = [np.isfinite(values) for values in feeds.values() if values.dtype.kind == "f" and values.size]
        if not all(part.all() for part in finite):
            self.stored.not_finite[entry.source] = None
            if not any(part.any() for part in finite):
                self.stored.no_numbers[entry.source] = None

    def _merge(self, first: Kept, entry: Entry, labels: tuple[int, ...]) -> None:
        """Identical items count once; where their labels have nothing in common, none of them is believed."""
        self.stored.doubles += 1
        first.entry = replace(first.entry, pairs=(*first.entry.pairs, *entry.pairs))
        if labels and first.ids and not set(labels) & set(first.ids):
            first.ids = ()
            self.stored.contradictions += 1

    def _steps(self, entry: Entry, feeds: Arrays) -> NDArray[np.int64] | None:
        if entry.steps is None:
            return None
        return entry.steps(len(feeds[self._pipeline.main_input.name]))

    def _calibrate(self, chosen: list[Kept]) -> None:
        """Calibration items are few: they are prepared again instead of being kept in memory."""

        def items() -> Iterator[Arrays]:
            for kept in chosen:
                self._ctx.check_cancelled()
                feeds = self._open(kept.entry)
                if feeds is not None:
                    self.stored.calibration.append(kept)
                    yield feeds

        write_prepared(self._folder / "calibration", items())


def short_columns(columns: Mapping[str, str]) -> dict[str, str]:
    """What slices can be made of: the first columns whose value is short; long ones are texts of their own."""
    short = [(name, value) for name, value in columns.items() if len(value) <= LONGEST_VALUE]
    return dict(short[:MOST_COLUMNS])


def target_of(labels: Sequence[str]) -> tuple[float, ...]:
    """Labels that are all finite numbers, as numbers; else none."""
    try:
        numbers = tuple(float(label) for label in labels)
    except ValueError:
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def group_of(labels: tuple[int, ...]) -> Hashable:
    """What the split is stratified by: the first accepted class, or none."""
    return labels[0] if labels else None


def is_added(item: Item | Kept) -> bool:
    """Whether Fettle made this test item itself: of a person's texts in a row, or a dialogue of its own."""
    return IN_A_ROW in item.facts or FETTLES_OWN in item.facts


def feeds_digest(feeds: Arrays) -> bytes:
    """16 bytes over names, dtypes, shapes and values: equal for items that are the same to the model."""
    value = hashlib.blake2b(digest_size=16)
    for name in sorted(feeds):
        array = np.ascontiguousarray(feeds[name])
        value.update(f"{name}\0{array.dtype.str}{array.shape}\0".encode())
        value.update(array.tobytes())
    return value.digest()
