"""Example values of the page Data: few examples, some, and thousands."""

from functools import cache

from examples import KINDS, data, picture

from widgets.pages.data.doctor import DoctorValue
from widgets.pages.data.fed import FedValue
from widgets.pages.data.grid import ItemValue, Mark
from widgets.pages.data.value import DataValue
from widgets.parts.small import CheckValue
from workers.contracts.data.doctor import DoctorResult, DoctorVerdict, PreparationTried
from workers.contracts.data.fed import FedExample, FedFinding, FedInput, FedResult
from workers.contracts.data.record import DataRecord
from workers.contracts.pipeline import ImageSteps


def data_of(count: int) -> DataValue:
    """A set of so many pictures, a fifth for calibration, of three or ten kinds."""
    kinds = KINDS[: min(10, count)]
    calibration = min(200, count // 5)
    each = {kind: count // len(kinds) + (n < count % len(kinds)) for n, kind in enumerate(kinds)}
    checks: tuple[CheckValue, ...] = (
        CheckValue("ok", "No example is in both test and calibration set", f"0 of {count - calibration:,} shared"),
        CheckValue("ok", "The labels match the model’s answers", f"{len(kinds)} of {len(kinds)}"),
    )
    if count < 10:
        few = f"There are only {count} items: too few to say how often answers change. Add more, some hundreds if you can."
        checks = (*checks, CheckValue("warn", few))
    changes = {"n_items": count, "n_test": count - calibration, "n_calibration": calibration, "checks": checks}
    value: DataValue = data(class_counts=each, model_classes=tuple(KINDS), **changes)
    return value


def items(count: int) -> tuple[ItemValue, ...]:
    """So many examples; the second is left out, the fourth was relabeled."""
    marks: dict[int, Mark] = {1: "left_out", 3: "changed"}
    return tuple(
        ItemValue(
            f"{KINDS[n % 10]}/{n:05d}.png",
            KINDS[n % 10],
            "test" if n < count - min(200, count // 5) else "calibration",
            "",
            marks.get(n, ""),
        )
        for n in range(count)
    )


def lines() -> tuple[ItemValue, ...]:
    """Texts, short and long."""
    texts = ("I love the way it fits, would buy again", "Arrived broken, and nobody answers the phone at all")
    return tuple(ItemValue(f"row {n}", ("good", "bad")[n % 2], "test", texts[n % 2] * (n % 4 + 1)) for n in range(300))


@cache
def small_pictures(count: int) -> tuple[bytes, ...]:
    """Encoded small pictures in turn."""
    drawn = [picture(n).data for n in range(10)]
    return tuple(drawn[n % 10] for n in range(count))


def preparation(words: str, score: float, n: int, **changes: object) -> PreparationTried:
    """A preparation of pictures, evaluated on `n` labeled examples."""
    facts = {"spec": f"crop={len(words)}", "low": score - 0.05, "high": score + 0.05, **changes}
    return PreparationTried(words=words, preprocess=ImageSteps(), score=score, n=n, **facts)


def doctor(count: int) -> DoctorValue:
    """Too few to tell; one that fits; one that does not."""
    prepared = (
        preparation("shorter side 256, the middle 224 × 224, RGB, 0 to 1, ImageNet’s mean and spread", 0.82, 180),
        preparation("shorter side 256, the middle 224 × 224, BGR, 0 to 255", 0.04, 24, is_chosen=True),
    )
    verdict: DoctorVerdict = "unclear" if count < 10 else "fits" if count < 1000 else "far_better"
    what, why = {
        "unclear": (
            "It cannot be told which preparation fits. There are only 3 examples that can be used: too few to tell.",
            "Add more, some hundreds if you can.",
        ),
        "fits": ("The chosen preparation fits.", "18 ways were tried."),
        "far_better": (
            "Another preparation fits far better: shorter side 256, the middle 224 × 224, RGB, 0 to 1.",
            "With it 148 of 180 answers are right (82%); with the chosen one 1 of 24 answers is right (4%).",
        ),
    }[verdict]
    shown = {"unclear": (), "fits": prepared[:1], "far_better": prepared}[verdict]
    best = next(iter(shown), None)
    result = DoctorResult(verdict=verdict, evidence="labels", what=what, why=why, ways=shown, best=best)
    return DoctorValue("done", result=result)


def fed_example(source: str, *names: str, picture: str | None = None) -> FedExample:
    """An example with these inputs of 1 × 3 × 224 × 224 numbers."""
    numbers = {"dtype": "float32", "shape": (1, 3, 224, 224), "low": -2.12, "high": 2.64, "mean": -0.031}
    inputs = tuple(FedInput(name=name, **numbers) for name in names)
    return FedExample(source=source, way="prepared", inputs=inputs, picture=picture)


def fed(count: int) -> FedValue:
    """Pictures that are prepared; with few examples the model could not run; with many they look like noise."""
    if count < 10:
        return FedValue(
            "failed", what="The model failed at one of the examples. It stopped with: wrong size. Check it."
        )
    examples = tuple(fed_example(f"{KINDS[n]}/{n:05d}.png", "input", picture=f"{n}.png") for n in range(3))
    how = "shorter side 256, the middle 224 × 224, RGB, 0 to 1, ImageNet’s mean and spread"
    if count < 1000:
        return FedValue("done", FedResult(kind="images", preparation=how, examples=examples))
    what = "The original’s results on 64 examples hardly differ, as they would on noise. Check how they are prepared."
    noise = FedFinding(code="like_noise", level="warning", what=what)
    return FedValue("done", FedResult(kind="images", preparation="", examples=examples, findings=(noise,)))


def origin() -> DataRecord:
    return DataRecord(made_by="me", may_use="yes")
