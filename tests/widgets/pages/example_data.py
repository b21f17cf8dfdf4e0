"""Example values of the page Data: few examples, some, and thousands."""

from functools import cache

from page_examples import KINDS, data, picture

from widgets.pages.data.doctor import DoctorValue, WayValue
from widgets.pages.data.fed import FedExampleValue, FedValue
from widgets.pages.data.grid import ItemValue, Mark
from widgets.pages.data.value import DataValue
from widgets.parts.small import CheckValue
from workers.contracts.data.record import DataRecord


def data_of(count: int) -> DataValue:
    """A set of so many pictures, a fifth for calibration, of three or ten kinds."""
    kinds = KINDS[: min(10, count)]
    calibration = min(200, count // 5)
    each = tuple((kind, count // len(kinds) + (n < count % len(kinds))) for n, kind in enumerate(kinds))
    checks: tuple[CheckValue, ...] = (
        CheckValue("ok", "No example is in both test and calibration set", f"0 of {count - calibration:,} shared"),
        CheckValue("ok", "The labels match the model’s answers", f"{len(kinds)} of {len(kinds)}"),
    )
    if count < 10:
        few = f"There are only {count} items: too few to say how often answers change. Add more, some hundreds if you can."
        checks = (*checks, CheckValue("warn", few))
    changes = {"n_items": count, "n_test": count - calibration, "n_calibration": calibration, "checks": checks}
    value: DataValue = data(class_counts=each, model_classes=tuple(KINDS), note="", **changes)
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
    said = ("I love the way it fits, would buy again", "Arrived broken, and nobody answers the phone at all")
    return tuple(ItemValue(f"row {n}", ("good", "bad")[n % 2], "test", said[n % 2] * (n % 4 + 1)) for n in range(300))


@cache
def small_pictures(count: int) -> tuple[bytes, ...]:
    """Encoded small pictures in turn."""
    drawn = [picture(n).data for n in range(10)]
    return tuple(drawn[n % 10] for n in range(count))


def doctor(count: int) -> DoctorValue:
    """Too few to tell; one that fits; one that does not."""
    if count < 10:
        what = "It cannot be told which preparation fits. There are only 3 examples that can be used: too few to tell."
        return DoctorValue("told", "", "warn", what, "Add more, some hundreds if you can.")
    ways = (
        WayValue("Shorter side 256, the middle 224 × 224, RGB, 0 to 1, ImageNet’s mean and spread", "82 %", 0.82,
                 "of 180 examples; between 76 and 87 % with 95 % confidence", 180, is_best=True),
        WayValue("Shorter side 256, the middle 224 × 224, BGR, 0 to 255", "4 %", 0.04,
                 "of 24 examples; between 0 and 21 % with 95 % confidence", 24, is_chosen=True),
    )  # fmt: skip
    if count < 1000:
        return DoctorValue("told", "", "ok", "The chosen preparation fits.", "18 ways were tried.", ways[:1])
    what = "Another preparation fits far better: shorter side 256, the middle 224 × 224, RGB, 0 to 1."
    why = "With it 148 of 180 answers are right (82%); with the chosen one 1 of 24 answers is right (4%)."
    return DoctorValue("told", "", "bad", what, why, ways, "channels=rgb")


def fed(count: int) -> FedValue:
    """Pictures that are prepared; with few examples the model could not run; with many they look like noise."""
    if count < 10:
        return FedValue(
            "failed", what="The model failed at one of the examples. It stopped with: wrong size. Check it."
        )
    entry = ("input", "1 × 3 × 224 × 224, float32", "−2.12 to 2.64, mean −0.031")
    examples = tuple(FedExampleValue(f"{KINDS[n]}/{n:05d}.png", (entry,), picture(n)) for n in range(3))
    how = "shorter side 256, the middle 224 × 224, RGB, 0 to 1, ImageNet’s mean and spread"
    if count < 1000:
        return FedValue("told", how, examples)
    what = "The original’s results on 64 examples hardly differ, as they would on noise. Check how they are prepared."
    return FedValue("told", "", examples, (CheckValue("warn", what),))


def origin() -> DataRecord:
    return DataRecord(made_by="me", may_use="yes")
