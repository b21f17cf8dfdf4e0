"""Labels as people write them."""

import pytest

from workers.evaluate.data.base import Collection, Entry
from workers.evaluate.data.truths.classes import LabelMap, resolve
from workers.pipeline.spec import ArraySteps, PipelineInput, PipelineOutput, PipelineSpec

NAMES = ("cat, tabby cat", "dog", "bird", "Sea Lion", "crane, bird", "crane")


def spec(kind: str = "class", classes: tuple[str, ...] | None = NAMES, count: int = 6) -> PipelineSpec:
    return PipelineSpec(
        task="array-classification", inputs=(PipelineInput("x", "float32", (None, 2), "array"),),
        outputs=(PipelineOutput("y", "float32", (None, count), answer=True),), preprocess=ArraySteps(),
        answer_kind=kind, classes=classes,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "ids"),
    [
        ("Dog", (1,)), ("tabby cat", (0,)), ("cat, tabby cat", (0,)), ("sea_lion", (3,)), (" 2 ", (2,)), ("3.0", (3,)),
        ("crane", (5,)), ("bird", (2,)), ("zebra", ()), ("6", ()), ("-1", ()), ("1.5", ()), ("", ()),
    ],
)  # fmt: skip
def test_label_map_knows_names_synonyms_and_numbers(raw: str, ids: tuple[int, ...]) -> None:
    """Given a written label, then the model's class numbers are found without case; whole names beat synonyms."""
    assert LabelMap(spec()).ids(raw) == ids


def test_label_map_of_a_score_knows_two_classes() -> None:
    """Given a model of one score, then no/yes and 0/1 are its labels."""
    labels = LabelMap(spec("score", None, 1))
    assert labels.ids("yes") == (1,) and labels.ids("0") == (0,) and labels.ids("2") == ()


def collection(raw: list[tuple[str, ...]], names: tuple[str, ...] | None = None) -> Collection:
    entries = [Entry(f"{i}", lambda: "x", lambda: b"", labels) for i, labels in enumerate(raw)]
    return Collection("arrays", entries, names)


def test_unknown_labels_become_a_warning() -> None:
    """Given labels of which some are unknown, then these items are unlabelled and the labels are named."""
    resolved = resolve(collection([("dog",), ("zebra",), ("dog", "bird"), ()]), spec())
    assert resolved.ids == [(1,), (), (1, 2), ()]
    (finding,) = resolved.findings
    assert finding.level == "warning" and "“zebra”" in finding.what and "2 items" in finding.what


@pytest.mark.parametrize(
    ("raw", "model", "level", "parts"),
    [
        (["zebra", "gnu"], spec(), "warning", ["used as unlabelled"]),
        ([str(i % 9) for i in range(90)], spec(classes=None), "warning", ["9 kinds", "6 classes"]),
        ([str(i % 3) for i in range(60)], spec("tensor", None), "warning", ["3 kinds", "0 classes"]),
        ([str(i % 3) for i in range(60)], spec("detection", None), "warning", ["3 kinds", "0 classes"]),
        ([str(i % 3) for i in range(60)], spec("embedding", None), "info", ["not classes"]),
        ([f"{i / 7:g}" for i in range(1, 60)], spec("tensor", None), "info", []),
        ([str(i) for i in range(1, 7)], spec(classes=None), "warning", ["counted from 1"]),
    ],
    ids=["unknown", "more kinds", "numbers", "boxes", "vectors", "fractions", "from one"],
)
def test_labels_that_do_not_fit_are_reported(raw: list[str], model: PipelineSpec, level: str, parts: list[str]) -> None:
    """Given labels of unknown names, of more kinds than classes, counted from 1, or for a model without classes, Then a
    finding names both numbers or the reason; fractions and vectors need no warning."""
    (finding,) = resolve(collection([(label,) for label in raw]), model).findings
    assert finding.level == level and all(part in finding.what for part in parts)


def test_numbers_of_named_classes_are_mapped_by_name() -> None:
    """Given a list of names in another order than the model's, then numbers are taken by name."""
    resolved = resolve(collection([("0",), ("1",)], ("bird", "dog")), spec())
    assert resolved.ids == [(2,), (1,)]
    unknown = resolve(collection([("0",), ("1",)], ("gnu", "dog")), spec())
    assert unknown.ids == [(0,), (1,)]


def test_label_map_of_a_person_has_priority() -> None:
    """Given unknown labels, When the person matched one, Then it counts as that class and the rest stay unknown."""
    given = collection([("zebra",), ("gnu",), ("dog",), ("gnu",)])
    before = resolve(given, spec())
    after = resolve(given, spec(), {"gnu": "bird"})
    assert before.unknown == ("gnu", "zebra")
    assert after.ids == [(), (2,), (1,), (2,)] and after.unknown == ("zebra",)
