"""Which version is recommended, and what it saves."""

import dataclasses
from typing import Any

import pytest
from judged import variant

from app.domain.choose import (
    FASTER_UNDER_LOAD,
    FASTER_UNDISTURBED,
    Objective,
    choose,
    could_be_fastest,
    has_slow_tail,
    is_faster,
    is_probably_safe,
    is_unsettled,
    needs_quiet,
    versions_to_measure,
)
from app.domain.cost import cost_per_million
from app.domain.outcome import Ending, SearchEnd, outcome_of
from app.domain.variant import Screening, Variant
from app.domain.words.outcome import headline
from app.domain.words.results import verdict_words, why_not


@pytest.mark.parametrize(("n", "changed", "wins"), [(52, 1, True), (30, 1, True), (29, 0, False), (52, 200, False)])
def test_a_language_model_that_is_alike_on_some_texts_may_win(n: int, changed: int, wins: bool) -> None:
    """Given a version in 8 bits whose time ended after some texts with 10,000 next words, When nearly all of these are
    kept, Then from 30 texts on it may be recommended, marked not proven; not with 2 % of the words changed."""
    known = variant("int8", precision="int8")
    assert known.judgement is not None
    judgement = known.judgement.model_copy(
        update={
            "verdict": "not_enough_data", "n": n, "n_unasked": 90, "labelled": False, "units": 10_000,
            "units_changed": changed, "agreement": 1 - changed / 10_000, "drop": changed / 10_000,
        }
    )  # fmt: skip
    best, proven = choose([dataclasses.replace(known, judgement=judgement)])
    assert (best is not None, proven) == (wins, False)


def test_the_fastest_safe_one_wins() -> None:
    """Given two safe and faster variants, when one is chosen, then it is the faster one, and proven."""
    best, is_proven = choose([variant("slow", p50_ms=1.5), variant("fast", p50_ms=1.0)])
    assert best is not None and (best.id, is_proven) == ("fast", True)


@pytest.mark.parametrize(
    ("p50_ms", "high", "wins"),
    [(1.04, None, "plain"), (1.08, None, "other"), (1.08, 1.95, "other"), (1.08, 2.1, "plain"), (1.12, 2.1, "other")],
)
def test_noise_does_not_decide_against_the_version_for_more_targets(
    p50_ms: float, high: float | None, wins: str
) -> None:
    """Given an ONNX version that took 4, 8 or 12 % longer than one of another engine, Then it is recommended up to 5 %,
    and up to 10 % where its interval holds the other's speed of 2.0."""
    other, plain = dataclasses.replace(variant("other"), runtime="openvino"), variant("plain", p50_ms=p50_ms)
    plain = dataclasses.replace(plain, measurement=dataclasses.replace(plain.measurement, speedup_high=high))
    best, _ = choose([other, plain])
    assert best is not None and best.id == wins


@pytest.mark.parametrize(
    ("precision", "n", "changed", "wins"),
    [
        ("int8", 58, 0, False),
        ("int8", 59, 0, True),
        ("bf16", 10, 0, True),
        ("bf16", 10, 1, False),
        ("fp32", 10, 1, True),
    ],
)
def test_what_is_alike_on_few_examples_wins_with_its_numbers_only(
    precision: str, n: int, changed: int, wins: bool
) -> None:
    """Given a version that looks alike, When fewer than 59 examples show it, Then only the original's numbers, or 16 bits
    without a single change, may be recommended."""
    made = variant("one", verdict="not_enough_data")
    assert made.judgement is not None
    judged = made.judgement.model_copy(update={"n": n, "changed_count": changed, "agreement": 1 - changed / n})
    one = dataclasses.replace(made, judgement=judged, precision=precision)
    chosen = choose([one])
    assert (chosen[0] is not None, chosen[1]) == (wins, False)
    pruned = choose([dataclasses.replace(one, weights_kept=False)])
    assert (pruned[0] is not None) == (wins and n >= 59), "what was pruned is exact in no number of bits"


def test_a_regressed_one_never_wins_however_fast() -> None:
    """Given only a regressed variant, when one is chosen, then none is."""
    assert choose([variant("broken", p50_ms=0.1, low=9.0, verdict="regressed")])[0] is None


def test_one_that_is_not_surely_faster_never_wins() -> None:
    """Given a safe variant whose speedup may be below 1, or was not measured in turn with the original, Then none is chosen."""
    assert choose([variant("even", low=0.99)])[0] is None
    assert choose([variant("alone", low=None)])[0] is None
    assert not is_faster(variant("even", low=1.0))


def test_under_load_all_ways_to_compare_have_to_agree() -> None:
    """Given versions measured under load, Then wall time alone makes none faster, a bound that all agree on does, and
    where nothing is chosen for that reason alone, the reason is shown."""

    def loaded(agreed_low: float | None, **more: Any) -> Variant:
        known = variant("loaded", p50_ms=1.0, low=1.9, **more)
        measurement = dataclasses.replace(known.measurement, under_load=True, agreed_low=agreed_low)
        return dataclasses.replace(known, measurement=measurement)

    for agreed_low in (None, 0.9, FASTER_UNDER_LOAD):
        assert not is_faster(loaded(agreed_low)) and needs_quiet(loaded(agreed_low))
        assert choose([loaded(agreed_low)]) == (None, False)
        assert outcome_of([loaded(agreed_low)], "speed", SearchEnd()).ending is Ending.BUSY
    for agreed_low, speedup, ending in (
        (FASTER_UNDISTURBED, 1.3, Ending.BUSY),
        (1.11, 1.3, Ending.PROVEN),
        (0.97, 1.02, Ending.NOTHING_FASTER),
    ):
        measurement = dataclasses.replace(loaded(agreed_low).measurement, speedup=speedup, undisturbed=True)
        calm = dataclasses.replace(loaded(agreed_low), measurement=measurement)
        assert outcome_of([calm], "speed", SearchEnd()).ending is ending
    sure = loaded(1.6)
    assert is_faster(sure) and not needs_quiet(sure)
    assert choose([sure, loaded(0.9)]) == (sure, True)
    broken = loaded(0.9, verdict="regressed")
    assert not needs_quiet(broken) and outcome_of([broken], "speed", SearchEnd()).ending is Ending.NOTHING_FASTER


def test_what_looks_slower_by_every_clock_needs_no_quiet() -> None:
    """Given a version that took longer under load by the clock and by the processor's time, Then it is not measured
    again, and the run is not called busy."""
    known = variant("slower", p50_ms=3.1, low=0.6)
    measurement = dataclasses.replace(known.measurement, under_load=True, cpu_speedup=0.9, agreed_low=0.6)
    slower = dataclasses.replace(known, measurement=measurement)
    assert not needs_quiet(slower)
    assert outcome_of([slower], "speed", SearchEnd()).ending is Ending.NOTHING_FASTER


def test_slow_requests_that_are_slower_are_not_faster() -> None:
    """Given a version that is 1.9 times as fast in the mean, When one request in ten takes more than 3 % longer than the
    original's, Then it is not faster, the reason is shown, and it needs no quiet; under load such requests decide nothing."""

    def tailed(p90_speedup: float, **more: Any) -> Variant:
        known = variant("tailed", low=1.9)
        return dataclasses.replace(
            known, measurement=dataclasses.replace(known.measurement, p90_speedup=p90_speedup, **more)
        )

    assert is_faster(tailed(0.98)) and not has_slow_tail(tailed(0.98))
    slow = tailed(0.625)
    assert has_slow_tail(slow) and not is_faster(slow) and not needs_quiet(slow)
    assert choose([slow])[0] is None and not is_unsettled(slow, "speed")
    assert why_not(slow, 1.0) == ("Not faster: one request in ten takes 1.60 times as long as with the original (p90)")
    assert verdict_words(slow) == "Slower for one in ten"
    assert is_faster(tailed(0.625, under_load=True, agreed_low=1.6))
    assert not is_faster(tailed(0.625, under_load=True, agreed_low=1.6, undisturbed=True))


@pytest.mark.parametrize("better", ["cpu_speedup", "wall_speedup"])
def test_under_load_a_first_look_counts_by_the_better_of_both_times(better: str) -> None:
    """Given a first look under load whose lowest comparison is slow, Then the better one of wall and processor time
    keeps it among the finalists; when quiet, they do not count."""
    slow = variant("slow", p50_ms=8.0)
    measurement = dataclasses.replace(slow.measurement, **{better: 1.8})
    spoiled = dataclasses.replace(slow, measurement=dataclasses.replace(measurement, under_load=True))
    quiet = dataclasses.replace(slow, measurement=dataclasses.replace(measurement, under_load=False))
    assert versions_to_measure([spoiled], "speed") == [spoiled]
    assert versions_to_measure([quiet], "speed") == []


@pytest.mark.parametrize(("low", "objective", "wins"), [
    (1.03, "speed", False), (1.031, "speed", True), (0.96, "speed", False),
    (0.96, "size", True), (0.95, "size", False), (1.03, "throughput", False),
])  # fmt: skip
def test_what_is_no_real_gain_is_not_recommended(low: float, objective: Objective, wins: bool) -> None:
    """Given a safe, smaller version, Then it wins by speed only from 3 % on for sure, by size if it is hardly slower."""
    assert (choose([variant("a", p50_ms=1.9, low=low)], objective)[0] is not None) is wins


def test_what_is_neither_smaller_nor_faster_does_not_win_by_size() -> None:
    """Given a safe version as large and as fast as the original, When the goal is size, Then the original is kept."""
    assert choose([variant("same", p50_ms=2.0, low=0.99, size=200)], "size")[0] is None


def test_an_unproven_one_wins_only_where_nothing_is_proven() -> None:
    """Given a fast unproven and a slower safe variant, then the safe one is chosen; alone, the unproven one is, marked so."""
    unproven = variant("unproven", p50_ms=0.5, verdict="not_enough_data", missing=280)
    safe = variant("safe", p50_ms=1.5)
    assert choose([unproven, safe])[0] == safe
    assert choose([unproven]) == (unproven, False)
    assert "add about 280 examples" in headline(outcome_of([unproven], "speed", SearchEnd()), "speed", 1.0)


def test_an_unproven_one_with_too_many_changes_never_wins() -> None:
    """Given a variant with 2 % changed answers, or an estimated loss above the limit, when nothing is proven, then none wins."""
    assert choose([variant("changes", verdict="not_enough_data", agreement=0.98)])[0] is None
    assert choose([variant("loses", verdict="not_enough_data", drop=0.02)])[0] is None


def test_a_tie_goes_to_the_one_that_changes_fewer_answers() -> None:
    """Given two variants within 3 % of each other, then the one with fewer changed answers wins."""
    a = variant("a", p50_ms=1.00, agreement=0.995)
    b = variant("b", p50_ms=1.02, agreement=1.0)
    assert choose([a, b])[0] == b


def test_the_objective_decides() -> None:
    """Given a small and a fast variant, when the goal is size, then the small one wins."""
    small, fast = variant("small", p50_ms=1.5, size=10), variant("fast", p50_ms=1.0, size=100)
    assert choose([small, fast], "size")[0] == small
    assert choose([small, fast], "speed")[0] == fast


def test_only_what_may_win_is_measured_again() -> None:
    """Given regressed, slower and good variants, then only the good ones are finalists, the faster first."""
    slower = variant("slower", p50_ms=4.0)
    good, unproven = variant("good"), variant("unproven", p50_ms=0.5, verdict="not_enough_data")
    found = versions_to_measure([variant("broken", verdict="regressed"), slower, unproven, good], "speed")
    assert [v.id for v in found] == ["unproven", "good"]


def test_with_room_for_one_what_looks_faster_is_measured_beside_the_original() -> None:
    """Given a safe version that looked a trifle slower and an alike one that looked faster, When time allows one more measurement,
    Then it is the faster one."""
    safe = variant("tidied", p50_ms=2.06)
    alike = variant("faster", p50_ms=1.74, verdict="not_enough_data")
    assert [v.id for v in versions_to_measure([safe, alike], "speed", 1)] == ["faster"]
    assert [v.id for v in versions_to_measure([safe, alike], "speed", 2)] == ["faster", "tidied"]


def test_what_looks_no_faster_is_left_out_beside_one_far_ahead() -> None:
    """Given versions that look as fast as the original (p50 2 ms) and one that looks 1.5 times as fast, Then only that
    one is measured in turn with it; where it is 1.2 times, doubtful, or size is the goal, all are."""
    alike, trifle = variant("alike", p50_ms=2.0), variant("trifle", p50_ms=1.96)
    gain, ahead, near = variant("gain", p50_ms=1.9), variant("ahead", p50_ms=1.33), variant("near", p50_ms=1.67)
    assert [v.id for v in versions_to_measure([alike, trifle, gain, ahead], "speed")] == ["ahead", "gain"]
    assert [v.id for v in versions_to_measure([alike, trifle, near], "speed")] == ["near", "trifle", "alike"]
    doubtful = dataclasses.replace(ahead, judgement=None, screening=Screening(n=100, changed=20))
    assert len(versions_to_measure([alike, doubtful], "speed", 3, 1.0)) == 2
    assert len(versions_to_measure([alike, ahead], "size")) == 2


def test_with_few_examples_exact_numbers_come_first() -> None:
    """Given a version in INT8, one in 16 bits and a slower one with the original's numbers, When there are so few
    examples that a single changed result puts the first two out, Then the exact one comes first."""
    exact, half = variant("exact", p50_ms=1.5, precision="fp32"), variant("half", p50_ms=1.0, precision="bf16")
    fewer = variant("fewer", p50_ms=0.9, precision="int8")
    tried = [fewer, half, exact]
    assert [v.id for v in versions_to_measure(tried, "speed", few_items=True)] == ["exact", "half", "fewer"]
    assert [v.id for v in versions_to_measure(tried, "speed")] == ["fewer", "half", "exact"]


def test_words_say_only_what_was_measured() -> None:
    """Given results, then the headline holds the measured speedup, and a version that lost has its reason."""
    good = variant("good")
    report = headline(outcome_of([good], "speed", SearchEnd()), "speed", 1.0)
    assert report == "2.0 times faster, 2.0 times smaller, same answers"
    assert why_not(variant("b", verdict="regressed"), 1.0) == "Beyond your limit of 1 %"
    assert why_not(variant("e", low=0.9), 1.0) == "Not faster where it was measured"


def test_answers_hold_where_few_results_change_on_the_calibration_examples() -> None:
    """Given versions of which none, half of the limit, or more changed, or of which nothing is known, then the first two
    hold; what was dropped does not."""

    def screened(n: int, changed: int, **more: Any) -> Variant:
        return dataclasses.replace(variant("v"), judgement=None, screening=Screening(n=n, changed=changed, **more))

    assert is_probably_safe(screened(200, 0), 1.0) and is_probably_safe(screened(200, 1), 1.0)
    assert not is_probably_safe(screened(200, 2), 1.0) and is_probably_safe(screened(200, 2), 5.0)
    assert not is_probably_safe(screened(0, 0), 1.0) and not is_probably_safe(screened(200, 1, regressed=True), 1.0)
    assert not is_probably_safe(dataclasses.replace(screened(200, 0), state="dropped"), 1.0)
    assert not is_probably_safe(dataclasses.replace(variant("v", verdict="regressed"), screening=Screening(n=200)), 1.0)
    assert is_probably_safe(dataclasses.replace(variant("v"), screening=None), 1.0)


def test_what_is_no_faster_than_the_best_needs_no_refining() -> None:
    """Given a faster one that may be recommended, then one as fast as a slower one could not win; unknown ones could."""
    broken, good = variant("broken", p50_ms=0.8, verdict="regressed"), variant("good", p50_ms=1.0)
    assert could_be_fastest([broken], [broken, good])
    assert not could_be_fastest([broken], [broken, variant("best", p50_ms=0.5)])
    assert not could_be_fastest([variant("slow", p50_ms=2.5, verdict="regressed")], [])
    assert not could_be_fastest([dataclasses.replace(broken, state="dropped")], [])
    assert could_be_fastest([], [good])


def test_noise_of_other_programs_leaves_out_no_recipe() -> None:
    """Given a version that other programs let look faster by the clock than by processor time, Then a slower one could
    still be the fastest; not where the computer was quiet."""
    broken, noisy = variant("broken", p50_ms=0.8, verdict="regressed"), variant("noisy", p50_ms=0.5)
    busy = dataclasses.replace(noisy.measurement, under_load=True, cpu_speedup=1.0, wall_speedup=4.0)
    assert not could_be_fastest([broken], [broken, noisy])
    assert could_be_fastest([broken], [broken, dataclasses.replace(noisy, measurement=busy)])


def test_cost_is_price_over_answers() -> None:
    """Given 3.60 an hour and 1,000 answers a second all the time, Then a million cost 1; half the time, twice that."""
    assert cost_per_million(3.6, 1000, 1.0) == pytest.approx(1.0)
    assert cost_per_million(3.6, 1000, 0.5) == pytest.approx(2.0)
    assert cost_per_million(0.0816, 250, 0.5) == pytest.approx(0.0816e6 / (250 * 3600 * 0.5))


@pytest.mark.parametrize("bad", [(-1, 10, 0.5), (1, 0, 0.5), (1, 10, 0), (1, 10, 1.1)])
def test_no_cost_from_nonsense(bad: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError):
        cost_per_million(*bad)
