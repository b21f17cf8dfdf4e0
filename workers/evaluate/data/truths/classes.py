"""Convert labels as they are written to class numbers of the model."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workers.contracts.specs import Finding
from workers.contracts.translation import _, joined, ngettext
from workers.evaluate.data.base import Collection, info, names_of, warning
from workers.evaluate.data.tables import finite_number, is_number
from workers.pipeline.spec import PipelineSpec

MOST_UNKNOWN = 50
CLASSES = ("class", "score", "labels")
"""Kinds of predictions whose labels are class numbers."""

BINARY = {"0": 0, "1": 1, "no": 0, "yes": 1, "false": 0, "true": 1, "negative": 0, "positive": 1}


def class_count(spec: PipelineSpec) -> int | None:
    """Return how many classes the model knows; None if it predicts no classes or the number is unknown."""
    if spec.answer_kind == "score":
        return 2
    if spec.answer_kind not in ("class", "labels"):
        return None
    if spec.classes is not None:
        return len(spec.classes)
    answer = next((output for output in spec.outputs if output.answer), None)
    last = answer.shape[-1] if answer is not None and len(answer.shape) > 1 else None
    return last if last is not None and last > 1 else None


class LabelMap:
    """Maps written labels to class numbers of one model.

    Whole names are matched first (ignoring case), then each of several names joined by commas, then numbers.
    """

    def __init__(self, spec: PipelineSpec) -> None:
        """Create the map for the classes of the model that `spec` describes."""
        self._count = class_count(spec)
        self._whole: dict[str, set[int]] = defaultdict(set)
        self._synonyms: dict[str, set[int]] = defaultdict(set)
        for index, name in enumerate(spec.classes or ()):
            self._whole[normal(name)].add(index)
            for synonym in name.split(","):
                self._synonyms[normal(synonym)].add(index)
        if spec.answer_kind == "score":
            for name, index in BINARY.items():
                self._synonyms[name].add(index)

    def ids(self, raw: str) -> tuple[int, ...]:
        """Return the class numbers that one written label means; empty if the model knows none."""
        named = self._whole.get(normal(raw)) or self._synonyms.get(normal(raw))
        if named:
            return tuple(sorted(named))
        number = as_number(raw)
        if number is None or number < 0 or (self._count is not None and number >= self._count):
            return ()
        return (number,)


def normal(name: str) -> str:
    """Return a name in a form in which case, blanks, underscores and dashes make no difference."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def as_number(raw: str) -> int | None:
    """Return the integer that is written, for example 7 for "7" and "7.0"; None for anything else, also for 7.5."""
    value = finite_number(raw)
    return int(value) if value is not None and value.is_integer() else None


@dataclass(frozen=True)
class Resolved:
    """The result of matching labels with classes.

    Attributes:
        ids: Class numbers of each entry; empty without a label.
        findings: Findings for people.
        unknown: Labels that the model does not know, the most frequent first.
    """

    ids: list[tuple[int, ...]]
    findings: tuple[Finding, ...] = ()
    unknown: tuple[str, ...] = ()


def resolve(collection: Collection, spec: PipelineSpec, meant: Mapping[str, str] | None = None) -> Resolved:
    """Match all labels of a collection with the model's classes, and report unknown ones.

    `meant` has priority: it holds the classes that the person assigned to labels.
    """
    raw = [entry.labels for entry in collection.entries]
    none: list[tuple[int, ...]] = [() for _ in raw]
    if not any(raw):
        return Resolved(none)
    if spec.answer_kind not in CLASSES:
        return Resolved(none, (_no_classes(raw, spec),))
    known = LabelMap(spec)
    translate = {**_translation(collection.class_names, known, spec), **(meant or {})}
    ids, unknown = [], Counter[str]()
    for labels in raw:
        found: set[int] = set()
        for label in _parts(labels, known, spec):
            matches = known.ids(translate.get(label, label))
            found.update(matches)
            if not matches:
                unknown[label] += 1
        ids.append(tuple(sorted(found)))
    kinds = len({label for labels in raw for label in labels})
    findings = tuple(_unknown_labels(unknown, kinds, sum(map(bool, ids)), len(raw), spec))
    return Resolved(ids, findings, tuple(label for label, _ in unknown.most_common(MOST_UNKNOWN)))


def _parts(labels: Sequence[str], known: LabelMap, spec: PipelineSpec) -> list[str]:
    """Return the labels of one cell if the model predicts several labels: “cat|dog”, “cat; dog”, “cat, dog”."""
    if spec.answer_kind != "labels":
        return list(labels)
    cells = [[cell] if known.ids(cell) else re.split(r"[|;,]", cell) for cell in labels]
    return [part.strip() for parts in cells for part in parts if part.strip()]


def _no_classes(raw: Sequence[tuple[str, ...]], spec: PipelineSpec) -> Finding:
    """Return a finding for a model without classes: a warning if the labels look like classes, else an information."""
    kinds = {label for labels in raw for label in labels}
    seem_classes = all(as_number(k) is not None or not is_number(k) for k in kinds) and len(kinds) <= max(
        2, len(raw) // 4
    )
    what = _(
        "This model’s answers are not classes: the answers themselves are compared, and the labels are used for"
        " scores where they fit."
    )
    if spec.answer_kind in ("embedding", "tokens") or not seem_classes:
        return info(what)
    known = ngettext(
        "The labels are of {0} kind, and the model knows 0 classes.",
        "The labels are of {0:,} kinds, and the model knows 0 classes.",
        len(kinds),
    )
    return warning(joined([known.format(len(kinds)), what]))


def _translation(names: tuple[str, ...] | None, known: LabelMap, spec: PipelineSpec) -> dict[str, str]:
    """Return the names of the data's numbers if the model knows all of them; else numbers stay numbers."""
    if names is None or spec.classes is None or not all(known.ids(name) for name in names):
        return {}
    return {str(index): name for index, name in enumerate(names)}


def _unknown_labels(
    unknown: Counter[str], kinds: int, labelled: int, total: int, spec: PipelineSpec
) -> Sequence[Finding]:
    if not unknown:
        return []
    listed, known = names_of([label for label, _ in unknown.most_common()]), class_count(spec)
    sentences = [
        _("The model does not know the labels {0}.").format(listed),
        _("They are of {0:,} kinds, and the model knows {1:,} classes.").format(kinds, known) if known else "",
        _("The {0:,} items that have no other label are used as unlabelled.").format(total - labelled)
        if labelled
        else _("All items are used as unlabelled: answers are compared with the original’s, not with the truth."),
        _known_names(spec),
        _counted_from_one(unknown, labelled, spec),
    ]
    return [warning(joined(sentences))]


def _known_names(spec: PipelineSpec) -> str:
    count = class_count(spec)
    if spec.classes:
        return _("It knows, for example, {0}; or numbers from 0 to {1}.").format(
            names_of(spec.classes), len(spec.classes) - 1
        )
    return _("It knows numbers from 0 to {0}.").format(count - 1) if count else _("Its classes are numbers from 0.")


def _counted_from_one(unknown: Counter[str], labelled: int, spec: PipelineSpec) -> str:
    """Return a hint if labels seem to be 1..K for classes 0..K−1, a common mistake."""
    count = class_count(spec)
    if labelled and count is not None and [as_number(label) for label in unknown] == [count]:
        return _("The labels seem to be counted from 1; Fettle counts classes from 0.")
    return ""
