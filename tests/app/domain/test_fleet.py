"""Which version is recommended for several computers at once."""

import dataclasses
from typing import Any

import pytest
from judged import variant

from app.domain.choose import Objective
from app.domain.fleet import DeviceRun, fleet_of, worst_speedup
from app.domain.variant import Variant
from workers.contracts.specs import Recipe

ORIGINAL = dataclasses.replace(
    variant("Original", p50_ms=2.0), index=0, is_baseline=True, size_bytes=200, size_ratio=1.0
)


def made(name: str, computer: str, **facts: Any) -> Variant:
    """Return the version of this name on one computer; its recipe is the same everywhere."""
    one = variant(name, **facts)
    return dataclasses.replace(one, id=f"{name}@{computer}", recipe=Recipe(title=name, settings={"name": name}))


def on(computer: str, recommended: str, **p50_ms: float | Variant) -> DeviceRun:
    """Return the run of one computer, whose original takes 2 ms."""
    versions = [value if isinstance(value, Variant) else made(name, computer, p50_ms=value)
                for name, value in p50_ms.items()]  # fmt: skip
    return DeviceRun(computer, f"run {computer}", (ORIGINAL, *versions), f"{recommended}@{computer}")


UNSAFE = made("A", "pi", p50_ms=0.5, verdict="regressed")
SLOWER = made("A", "pi", p50_ms=2.2, low=0.9)
FIRST_LOOK = dataclasses.replace(made("A", "pi", p50_ms=0.5), state="measured")
UNDER_LOAD = dataclasses.replace(
    made("A", "pi"), measurement=dataclasses.replace(made("A", "pi").measurement, under_load=True, agreed_low=1.2)
)


@pytest.mark.parametrize(
    ("runs", "for_all", "worst"),
    [
        ((on("", "A", A=0.5, B=1.0), on("pi", "B", A=1.6, B=1.0)), "B", 2.0),  # A is best here, and worst on the other
        ((on("", "A", A=1.0, B=1.02), on("pi", "A", A=1.02, B=1.0)), "A", 2 / 1.02),  # a tie goes by the order
        ((on("", "A", A=0.5), on("pi", "B", B=0.5)), None, None),  # no version was made on both
        ((on("", "A", A=0.5), on("pi", "A", A=UNSAFE)), None, None),
        ((on("", "A", A=0.5, B=1.5), on("pi", "B", A=UNSAFE, B=1.5)), "B", 2 / 1.5),
        ((on("", "A", A=0.5), on("pi", "A", A=SLOWER)), None, None),
        ((on("", "A", A=0.5), on("pi", "A", A=FIRST_LOOK)), None, None),
        ((on("", "A", A=0.5), on("pi", "A", A=UNDER_LOAD)), None, None),
        ((on("", "A", A=0.5),), None, None),  # one computer needs no version for all
        ((), None, None),
    ],
)
def test_one_for_all_is_safe_and_faster_everywhere_and_best_where_it_is_worst(
    runs: tuple[DeviceRun, ...], for_all: str | None, worst: float | None
) -> None:
    """Given runs of one goal on some computers, When one version is sought for all, Then it must be proven on each of
    them, and the one with the best least speedup is taken."""
    fleet = fleet_of(runs, "speed")
    assert (fleet.for_all.title if fleet.for_all else None) == for_all
    if fleet.for_all is not None:
        assert worst_speedup(fleet.for_all) == pytest.approx(worst)


@pytest.mark.parametrize(("objective", "for_all"), [("speed", "fast"), ("size", "small")])
def test_one_for_all_serves_the_objective(objective: Objective, for_all: str) -> None:
    """Given a fast and a small version that are safe on two computers, When one is chosen for all, Then the objective
    decides."""
    runs = [
        on(name, "fast", fast=made("fast", name, p50_ms=0.5, size=190), small=made("small", name, size=50))
        for name in ("", "pi")
    ]
    fleet = fleet_of(runs, objective)
    assert fleet.for_all is not None and fleet.for_all.title == for_all


def test_table_holds_each_version_once_with_its_place_on_each_computer() -> None:
    """Given two runs that share a version, When they are put side by side, Then the original comes first, the shared
    version is one row, one that was made once has a gap, and each computer keeps its own recommendation."""
    fleet = fleet_of((on("", "A", A=0.5, B=1.0), on("pi", "C", A=1.0, C=0.4)), "speed")
    assert [(row.title, [one is not None for one in row.variants]) for row in fleet.versions] == [
        ("Original", [True, True]), ("A", [True, True]), ("B", [True, False]), ("C", [False, True]),
    ]  # fmt: skip
    assert [best.title if best else None for best in map(fleet.recommended, fleet.runs)] == ["A", "C"]
    assert fleet_of((on("", "none", A=0.5),), "speed").recommended(on("", "none", A=0.5)) is None


def test_versions_of_one_title_that_differ_are_named_after_their_computers() -> None:
    """Given one recipe that was fitted to each computer, and one of the results tried on the other, When they are put side
    by side, Then the two versions are two rows with the names of their computers, and the shared one may serve all."""
    tuned = Recipe(title="A", settings={"tuned": True})
    shared = Recipe(title="A, as for this computer", id="as-for/", settings={"name": "A"})
    here = DeviceRun("", "r1", (ORIGINAL, made("A", "", p50_ms=1.0)), "A@")
    own = dataclasses.replace(made("A", "pi", p50_ms=0.5), recipe=tuned)
    tried = dataclasses.replace(made("A", "pi", p50_ms=1.1), id="other", recipe=shared, title=shared.title)
    there = DeviceRun("pi", "r2", (ORIGINAL, own, tried), own.id)
    fleet = fleet_of((here, there), "speed")
    assert [row.title for row in fleet.versions] == ["Original", "A, as for this computer", "A, as for pi"]
    assert fleet.for_all is fleet.versions[1]
