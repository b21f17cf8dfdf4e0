"""The order in which versions are tested, the looks that are counted, and what proves."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from judged import variant

from app.domain.choose import choose, is_safe
from app.domain.proof.examples import FIRST_LEVEL, least_limit_pct, least_to_prove, texts_to_evaluate
from app.domain.proof.looks import TestSetLook, next_number, same_look
from app.domain.proof.sequence import can_prove, capped, not_tested, sequence_of
from app.domain.variant import Screening, Variant
from app.domain.words.results import verdict_words, why_not
from workers.contracts.proof.proving import level_of_look
from workers.evaluate.proof.stats import binomial_upper


def screened(name: str, p50_ms: float, changed: int = 0, n: int = 200, **more: Any) -> Variant:
    """A gain that is not tested yet."""
    made = dataclasses.replace(variant(name, p50_ms=p50_ms), judgement=None, screening=Screening(n=n, changed=changed))
    return dataclasses.replace(made, **more)


def names(versions: tuple[Variant, ...]) -> list[str]:
    return [version.id for version in versions]


def test_fewest_changes_first_then_the_more_exact_numbers() -> None:
    """Given versions that changed none, one and three results in calibration, Then that is the order; of two that
    changed as many the one with more exact numbers comes first, whichever is faster."""
    bf16 = screened("bf16", 1.0, precision="bf16")
    exact = screened("exact", 1.6)
    int8 = screened("int8", 0.8, changed=3, precision="int8")
    static = screened("static", 0.9, changed=1, precision="int8")
    assert names(sequence_of([int8, bf16, static, exact], "speed").tested) == ["exact", "bf16", "static", "int8"]


def test_without_calibration_examples_exactness_is_the_order() -> None:
    """Given no calibration examples, Then 32 bits come before 16, these before 8 and 4, then as planned."""
    bits = {"a4": "int4", "b8": "int8", "c16": "fp16", "d32": "fp32", "e8": "int8"}
    made = [
        screened(name, 1.6 - 0.2 * index, n=0, precision=precision, index=index)
        for index, (name, precision) in enumerate(reversed(bits.items()))
    ]
    assert names(sequence_of(made, "speed").tested) == ["d32", "c16", "b8", "a4"]
    slower_first = [dataclasses.replace(one, index=9 - one.index) for one in made]
    assert names(sequence_of(slower_first, "speed").tested)[:3] == ["d32", "c16", "b8"]


def test_what_is_no_better_than_one_before_it_is_not_tested() -> None:
    """Given versions that come later and are as fast or slower, Then they are left out; a smaller one is not, where size
    is the goal."""
    first, slower, same = screened("first", 1.0), screened("slower", 1.5, 1), screened("same", 0.98, 1)
    faster = screened("faster", 0.5, 2)
    order = sequence_of([first, slower, same, faster], "speed")
    assert (names(order.tested), names(order.dominated)) == (["first", "faster"], ["same", "slower"])
    small = screened("small", 1.5, 1, size_bytes=10)
    assert names(sequence_of([first, small], "size").tested) == ["first", "small"]


@pytest.mark.parametrize(
    ("careful", "hasty"),
    [
        ({"size_bytes": 150}, {"size_bytes": 100}),
        ({"screening": Screening(n=200, similarity=0.999)}, {"screening": Screening(n=200, similarity=0.99)}),
    ],
)
@pytest.mark.parametrize("noise", [0.98, 1.0, 1.02])
def test_of_versions_as_fast_the_more_careful_one_is_tested_first(
    careful: dict[str, Any], hasty: dict[str, Any], noise: float
) -> None:
    """Given two versions of the same bits that changed no calibration result and are as fast within 3 %, Then the one
    that keeps more bytes, or whose results are closer, comes first in spite of the noise."""
    one = screened("careful", 1.0, precision="int8", **careful)
    other = screened("hasty", noise, precision="int8", index=0, **hasty)
    order = sequence_of([other, one], "speed")
    assert (names(order.tested), names(order.dominated)) == (["careful"], ["hasty"])
    faster = screened("hasty", 0.9, precision="int8", **hasty)
    assert names(sequence_of([one, faster], "speed").tested) == ["hasty"]


def test_what_is_no_gain_or_refused_by_calibration_is_in_no_sequence() -> None:
    """Given a version that is not surely faster, one that was dropped, and one that calibration refuses, Then none is
    tested; the last one is recorded as regressed."""
    slow = screened("slow", 1.9)
    slow = dataclasses.replace(slow, measurement=dataclasses.replace(slow.measurement, speedup_low=1.0))
    refused = screened("refused", 0.5, screening=Screening(n=200, changed=90, regressed=True))
    found = sequence_of([slow, screened("dropped", 1.0, state="dropped"), refused], "speed")
    assert found.tested == found.dominated == ()
    assert verdict_words(refused) == "Silent regression" and why_not(refused, 1.0) == "Beyond your limit of 1 %"


def test_nothing_behind_the_end_is_safe_anywhere() -> None:
    """Given a safe version behind the end of the sequence, Then it is listed with its figures, is not safe, and a version
    that was tested before is chosen; one that was not evaluated has no verdict and a reason."""
    last = variant("last", p50_ms=0.5)
    assert not is_safe(capped(last)) and capped(last).judgement.agreement == last.judgement.agreement
    behind = not_tested(screened("behind", 0.5, precision="int8"), "behind")
    assert verdict_words(behind) == "Not tested" and "prove it alone" in why_not(behind, 1.0)
    safe = variant("safe", p50_ms=1.5)
    assert choose([behind, capped(last), safe])[0] == safe
    assert choose([behind])[0] is None


@pytest.mark.parametrize(("items", "looks", "can"), [(320, 0, False), (321, 0, True), (507, 1, False), (508, 1, True)])
def test_whether_a_look_can_prove_anything(items: int, looks: int, can: bool) -> None:
    """Given a limit of 1 %, Then the first look takes 321 items, the second 508."""
    assert can_prove(items, 1.0, level_of_look(looks)) is can


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def look(items: range, *versions: str, number: int = 0, run_id: str = "r1", is_open: bool = False) -> TestSetLook:
    return TestSetLook("model", run_id, number, versions, frozenset(items), is_open, NOW)


def test_overlap_counts_by_item() -> None:
    """Given looks at overlapping sets, Then a set has as many before it as that of its items which has most."""
    looks = [look(range(0, 100), "a"), look(range(50, 150), "b", number=1), look(range(200, 300), "c")]
    counts = [
        next_number(looks, frozenset(items)) for items in (range(300, 400), range(0, 10), range(60, 70), range(0, 400))
    ]
    assert counts == [0, 1, 2, 2]


def test_the_same_version_on_the_same_items_is_no_new_look() -> None:
    """Given a version that was judged on these items, Then it is the same look; on more items, or another version, in
    another run, it is a new one."""
    known = look(range(100), "a")
    assert same_look([known], frozenset(range(100)), "a", "r2") == known
    assert same_look([known], frozenset(range(101)), "a", "r2") is None
    assert same_look([known], frozenset(range(100)), "b", "r2") is None


def test_a_runs_own_sequence_goes_on_while_it_is_open() -> None:
    """Given a sequence of which all were safe, Then the same run goes on with it, and no other; a closed one is over."""
    items = frozenset(range(100))
    assert same_look([look(range(100), "a", is_open=True)], items, "b", "r1") is not None
    assert same_look([look(range(100), "a", is_open=True)], items, "b", "r2") is None
    assert same_look([look(range(100), "a")], items, "b", "r1") is None


def test_no_item_takes_part_in_looks_of_more_than_five_percent() -> None:
    """Given 200 looks at random sets, Then the levels of all looks that used one item never add up to more than .05."""
    rng = np.random.default_rng(3)
    looks: list[TestSetLook] = []
    for _ in range(200):
        chosen = frozenset(int(item) for item in rng.choice(60, size=rng.integers(5, 40), replace=False))
        looks.append(TestSetLook("model", "r", next_number(looks, chosen), ("v",), chosen, False, NOW))
    for item in range(60):
        assert sum(level_of_look(one.number) for one in looks if item in one.items) <= 0.05


@pytest.mark.parametrize(("limit_pct", "examples"), [(1.0, 321), (5.0, 63), (0.3, 1072), (100.0, 1), (0.0, None)])
def test_the_least_number_for_a_limit(limit_pct: float, examples: int | None) -> None:
    """Given a limit, Then the number is the one of the design."""
    assert least_to_prove(limit_pct) == examples


@pytest.mark.parametrize("limit_pct", [0.3, 1.0, 2.5, 5.0])
def test_it_is_the_judges_own_bound(limit_pct: float) -> None:
    """Given that number, Then the bound of no change in so many is within the limit, and of one less it is not."""
    examples = least_to_prove(limit_pct)
    assert examples is not None
    assert binomial_upper(0, examples, 1 - FIRST_LEVEL) <= limit_pct / 100
    assert binomial_upper(0, examples - 1, 1 - FIRST_LEVEL) > limit_pct / 100


@pytest.mark.parametrize("limit_pct", [1.0, 5.0, 10.0])
def test_texts_to_ask_prove_a_limit_where_a_sixth_of_it_changes(limit_pct: float) -> None:
    """Given the texts that are evaluated, Then a version that changes a sixth of what the limit allows is within it."""
    texts, limit = texts_to_evaluate(limit_pct, 10_000), limit_pct / 100
    assert binomial_upper(limit / 6 * texts, texts, 1 - FIRST_LEVEL) <= limit
    assert texts_to_evaluate(limit_pct, 20) == 20


@pytest.mark.parametrize("examples", [1, 12, 48, 63, 144, 321, 5000])
def test_the_least_limit_for_a_number(examples: int) -> None:
    """Given a number of examples, Then they suffice for the returned limit, and not for a tenth of a percent less."""
    limit_pct = least_limit_pct(examples)
    needed, below = least_to_prove(limit_pct), least_to_prove(limit_pct - 0.1)
    assert needed is not None and needed <= examples
    assert below is None or below > examples
