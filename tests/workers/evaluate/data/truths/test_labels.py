"""Labels as people write them."""

import pytest

from workers.contracts.specs import Finding
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
def test_names_synonyms_and_numbers(raw: str, ids: tuple[int, ...]) -> None:
    """Given a written label, then the model's class numbers are found without case; whole names beat synonyms."""
    assert LabelMap(spec()).ids(raw) == ids


def test_a_score_knows_two_classes() -> None:
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


def test_only_unknown_labels() -> None:
    """Given no known label at all, then everything is unlabelled, told in words."""
    resolved = resolve(collection([("zebra",), ("gnu",)]), spec())
    assert resolved.ids == [(), ()]
    assert "used as unlabelled" in resolved.findings[0].what


def test_more_kinds_than_classes_are_told_with_both_numbers() -> None:
    """Given labels of nine kinds for a model of six classes, Then the warning names both numbers."""
    (finding,) = resolve(collection([(str(i % 9),) for i in range(90)]), spec(classes=None)).findings
    assert finding.level == "warning" and "9 kinds" in finding.what and "6 classes" in finding.what


@pytest.mark.parametrize(("kind", "level"), [("tensor", "warning"), ("detection", "warning"), ("embedding", "info")])
def test_class_labels_for_a_model_without_classes(kind: str, level: str) -> None:
    """Given labels that look like classes, When the model knows none, Then that is a warning with both numbers."""
    (finding,) = resolve(collection([(str(i % 3),) for i in range(60)]), spec(kind, None)).findings
    assert finding.level == level
    assert level == "info" or ("3 kinds" in finding.what and "0 classes" in finding.what)


def test_targets_of_a_regression_are_no_classes() -> None:
    """Given fractions as labels of a model that gives numbers, Then nothing is warned of: they are for its score."""
    (finding,) = resolve(collection([(f"{i / 7:g}",) for i in range(1, 60)]), spec("tensor", None)).findings
    assert finding.level == "info"


def test_labels_counted_from_one() -> None:
    """Given numbers 1 to K, then the slip is named."""
    resolved = resolve(collection([(str(i),) for i in range(1, 7)]), spec(classes=None))
    assert "counted from 1" in resolved.findings[0].what


def test_numbers_that_mean_the_data_s_own_names() -> None:
    """Given a list of names in another order than the model's, then numbers are taken by name."""
    resolved = resolve(collection([("0",), ("1",)], ("bird", "dog")), spec())
    assert resolved.ids == [(2,), (1,)]
    unknown = resolve(collection([("0",), ("1",)], ("gnu", "dog")), spec())
    assert unknown.ids == [(0,), (1,)]


def test_models_without_classes_use_no_labels() -> None:
    """Given an embedding model, then labels are not used and that is said."""
    resolved = resolve(collection([("1",)]), spec("embedding"))
    assert resolved.ids == [()]
    assert isinstance(resolved.findings[0], Finding) and "not classes" in resolved.findings[0].what


def test_a_person_says_what_a_label_means() -> None:
    """Given unknown labels, When the person matched one, Then it counts as that class and the rest stay unknown."""
    given = collection([("zebra",), ("gnu",), ("dog",), ("gnu",)])
    before = resolve(given, spec())
    after = resolve(given, spec(), {"gnu": "bird"})
    assert before.unknown == ("gnu", "zebra")
    assert after.ids == [(), (2,), (1,), (2,)] and after.unknown == ("zebra",)
