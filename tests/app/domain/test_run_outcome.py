"""The outcome of a run is one value, from which all sentences about it are made."""

import dataclasses
import re

import pytest
from judged import variant

from app.domain.choose import MOST_SETS, MOST_SETS_OF_CLEAR, is_slower, versions_to_measure, with_portable
from app.domain.outcome import Ending, SearchEnd, first_open, outcome_of
from app.domain.variant import Screening, Untested, Variant
from app.domain.words.outcome import headline
from app.domain.words.results import screened_words, why_not
from workers.contracts.planning import Reason
from workers.contracts.specs import Judgement

TIME_UP = SearchEnd(planned=5, untried=3, limit_s=60, more_s=40)


def first_look(made: Variant) -> Variant:
    """The same, looked at alone: no bound, not in turn with the original."""
    return dataclasses.replace(
        made, state="measured", measurement=dataclasses.replace(made.measurement, speedup_low=None, sets=1, n=100)
    )


def in_turn(made: Variant, low: float, sets: int = 3) -> Variant:
    return dataclasses.replace(
        made, measurement=dataclasses.replace(made.measurement, speedup_low=low, sets=sets, n=300)
    )


SAFE, SLOW = in_turn(variant("safe"), 1.9), in_turn(variant("slow", p50_ms=2.2), 0.88)
ALIKE = in_turn(variant("alike", verdict="not_enough_data"), 1.9)
HASTY = first_look(variant("hasty", p50_ms=1.4))
UNSURE = in_turn(variant("unsure", p50_ms=1.8), 1.01)


@pytest.mark.parametrize(
    ("versions", "end", "ending", "is_recommended"),
    [
        ([SAFE, SLOW], SearchEnd(planned=2, final="done"), Ending.PROVEN, True),
        ([ALIKE], SearchEnd(planned=1, final="done"), Ending.ALIKE, True),
        ([SLOW], SearchEnd(planned=1, final="done"), Ending.NOTHING_FASTER, False),
        ([HASTY], SearchEnd(planned=1, final="cut_off", more_s=9), Ending.UNSETTLED, False),
        ([HASTY], TIME_UP, Ending.UNSETTLED, False),
        ([UNSURE], SearchEnd(planned=1, final="done", more_s=9), Ending.UNSETTLED, False),
        ([SLOW], TIME_UP, Ending.TIME_UP, False),
        ([], TIME_UP, Ending.NOTHING_TRIED, False),
        ([], SearchEnd(final="done", none_fits=Reason(code="no_library", text="x")), Ending.NONE_FITS, False),
        ([SAFE, HASTY], TIME_UP, Ending.PROVEN, True),
    ],
)
def test_endings(versions: list[Variant], end: SearchEnd, ending: Ending, is_recommended: bool) -> None:
    """Given versions and the state of the time limit, Then there is one ending, and its sentence agrees with it."""
    outcome = outcome_of(versions, "speed", end)
    assert (outcome.ending, outcome.is_recommended) == (ending, is_recommended)
    report = headline(outcome, "speed", 1.0)
    is_undecided = ending is Ending.UNSETTLED
    assert outcome.is_undecided is is_undecided
    assert ("keep the original" in report) is not (is_recommended or is_undecided)
    assert ("and none of these was faster" in report) is (ending is Ending.TIME_UP)
    assert ("before anything could be tried" in report) is (ending is Ending.NOTHING_TRIED)
    assert ("works on this computer" in report) is (ending is Ending.NONE_FITS)
    assert (outcome.open != ()) is (ending is Ending.UNSETTLED)


def test_what_looked_better_than_the_winner_stays_open() -> None:
    """Given a winner and a version that looked faster still but was not measured in turn, Then it is open, not called
    faster; a slower one is not open."""
    faster, slower = first_look(variant("faster", p50_ms=0.6)), first_look(variant("slower", p50_ms=1.5))
    outcome = outcome_of([SAFE, faster, slower], "speed", TIME_UP)
    assert outcome.best is SAFE and outcome.open == (faster,)
    assert headline(outcome, "speed", 1.0).startswith("2.0 times faster")


def untested(made: Variant, why: Untested) -> Variant:
    return dataclasses.replace(made, precision="int8", judgement=None, screening=Screening(n=200, untested=why))


@pytest.mark.parametrize("why", ["behind", "no_time", "dominated"])
def test_a_gain_that_was_not_tested_is_said_to_be_so(why: Untested) -> None:
    """Given a version that is faster and was not tested, for whatever reason, Then the run does not end with "nothing
    faster was safe", and no text advises to keep the original."""
    failed = in_turn(variant("failed", verdict="regressed"), 1.9)
    outcome = outcome_of([failed, untested(SAFE, why)], "speed", SearchEnd(planned=2, final="done"))
    assert (outcome.ending, outcome.is_undecided) == (Ending.UNTESTED, True)
    report = headline(outcome, "speed", 1.0)
    assert "not tested" in report and "keep the original" not in report


def test_an_untested_gain_that_changed_results_in_calibration_comes_after_one_that_did_not() -> None:
    """Given untested gains, the fastest with 40 of 200 calibration results changed, Then the other one is named first;
    alone, it is said to be probably beyond the limit."""
    faster = untested(in_turn(variant("faster", p50_ms=0.5), 3.0), "no_time")
    broken = dataclasses.replace(faster, screening=Screening(n=200, changed=40, untested="no_time"))
    held = untested(SAFE, "no_time")
    both = outcome_of([held, broken], "speed", SearchEnd(planned=2, final="done"))
    assert both.untested == (broken, held) and held.title in headline(both, "speed", 1.0)
    alone = outcome_of([broken], "speed", SearchEnd(planned=1, final="done"))
    assert alone.ending is Ending.UNTESTED and "1 %" in headline(alone, "speed", 1.0)


@pytest.mark.parametrize(("left", "ending"), [(3920, Ending.TIME_UP), (0, Ending.NOTHING_FASTER)])
def test_gain_tested_on_a_part_of_the_examples_is_not_refused(left: int, ending: Ending) -> None:
    """Given a gain of which one result in 80 changed, Then nothing is refused if time left out other examples, and the
    headline counts them; without others, nothing faster was safe."""
    judgement = Judgement(
        verdict="not_enough_data", n=80, labelled=False, agreement=79 / 80, drop=1 / 80, margin=0.01, n_unasked=left
    )
    partly = dataclasses.replace(SAFE, judgement=judgement)
    outcome = outcome_of([partly], "speed", SearchEnd(planned=1, final="done", more_s=40))
    assert (outcome.ending, outcome.partly) == (ending, (partly,) if left else ())
    report = headline(outcome, "speed", 1.0)
    assert ("80 of 4,000" in report) is bool(left) and "keep the original" in report


def test_what_a_safe_version_dominates_is_not_missed() -> None:
    """Given a safe version and another one as fast that was not tested, Then nothing is left to test; one that is clearly
    faster is."""
    as_fast = untested(in_turn(variant("as-fast", p50_ms=0.99), 1.9), "dominated")
    faster = untested(in_turn(variant("faster", p50_ms=0.5), 3.0), "behind")
    outcome = outcome_of([SAFE, as_fast, faster], "speed", SearchEnd(planned=3, final="done"))
    assert (outcome.ending, outcome.untested) == (Ending.PROVEN, (faster,))


def test_versions_that_are_open_are_not_hidden_by_other_programs() -> None:
    """Given one version that other programs disturbed and one that was only looked at, Then the run is not called busy:
    both are open."""
    measurement = dataclasses.replace(SAFE.measurement, under_load=True, agreed_low=1.1)
    disturbed = dataclasses.replace(SAFE, measurement=measurement)
    outcome = outcome_of([disturbed, HASTY], "speed", TIME_UP)
    assert outcome.ending is Ending.UNSETTLED and sorted(v.id for v in outcome.open) == ["hasty", "safe"]
    assert outcome_of([disturbed], "speed", TIME_UP).ending is Ending.BUSY


@pytest.mark.parametrize(("low", "high", "has_factor"), [(0.9, 3.1, True), (0.02, 346.0, False), (-1.0, 3.0, False)])
def test_headline_of_open_version_shows_no_interval_of_any_speed(low: float, high: float, has_factor: bool) -> None:
    """Given an open version measured in turn, Then its factor is shown unless the interval spans more than a tenfold."""
    measurement = dataclasses.replace(SAFE.measurement, speedup=2.5, speedup_low=low, speedup_high=high, sets=2)
    report = headline(outcome_of([dataclasses.replace(SAFE, measurement=measurement)], "speed", TIME_UP), "speed", 1.0)
    assert (
        ("2.5 times" in report) is has_factor and f"{high:g}" not in report.replace("3.1", "") and "not sure" in report
    )


def test_what_looked_faster_by_the_processors_time_is_not_called_slower() -> None:
    """Given a first measurement under load that was slower by the clock and faster by processor time, Then it is open,
    no factor is computed from times of different moments, and it is nowhere called slower or only smaller."""
    measurement = dataclasses.replace(HASTY.measurement, speedup=0.98, cpu_speedup=1.6, under_load=True)
    doubtful = dataclasses.replace(HASTY, measurement=measurement, judgement=None)
    outcome = outcome_of([doubtful], "speed", TIME_UP)
    assert outcome.ending is Ending.UNSETTLED and outcome.open == (doubtful,)
    report = headline(outcome, "speed", 1.0)
    assert "looked faster at first, not sure yet" in report and not re.search(r"\d", report)
    assert not is_slower(doubtful) and "slower" not in why_not(doubtful, 1.0).lower()
    quiet = dataclasses.replace(doubtful, measurement=dataclasses.replace(measurement, under_load=False))
    assert is_slower(quiet) and outcome_of([quiet], "speed", TIME_UP).open == ()


@pytest.mark.parametrize(("p50_ms", "most"), [(1.9, MOST_SETS), (1.8, MOST_SETS_OF_CLEAR)])
def test_enough_sets_settle_it(p50_ms: float, most: int) -> None:
    """Given a bound that does not reach, Then it is open until there are as many sets as there are, which are more for a
    version that looks 11 % faster than for one that looks 5 % faster."""
    for sets, ending in ((most - 1, Ending.UNSETTLED), (most, Ending.NOTHING_FASTER)):
        known = in_turn(variant("unsure", p50_ms=p50_ms), 1.01, sets)
        assert outcome_of([known], "speed", SearchEnd(planned=1, final="done")).ending is ending


def test_what_cannot_go_on_offers_no_more_time() -> None:
    """Given an unsettled version, Then more time is offered only where some would help."""
    ending = SearchEnd(planned=1, final="cut_off", more_s=9)
    assert "measure longer" in headline(outcome_of([HASTY], "speed", ending), "speed", 1.0)
    over = outcome_of([HASTY], "speed", ending.model_copy(update={"more_s": None}))
    assert "measure longer" not in headline(over, "speed", 1.0) and not over.can_go_on


FEW = SearchEnd(planned=2, final="done", few_items=8, enough_items=59)


def rounded(made: Variant) -> Variant:
    return dataclasses.replace(made, precision="int8")


def judged_few(made: Variant, changed: int = 0, n: int = 8) -> Variant:
    assert made.judgement is not None
    judgement = made.judgement.model_copy(
        update={"verdict": "not_enough_data", "n": n, "changed_count": changed, "agreement": 1 - changed / n}
    )
    return dataclasses.replace(made, judgement=judgement)


def test_where_examples_are_missing_no_more_time_is_asked_for() -> None:
    """Given eight examples and a rounded version that is faster, measured in turn or only looked at, Then examples are
    what the run asks for, not time; one whose answers changed is not promised."""
    for version in (judged_few(rounded(SAFE)), rounded(dataclasses.replace(HASTY, judgement=None))):
        outcome = outcome_of([version, judged_few(SLOW)], "speed", FEW.model_copy(update={"final": "cut_off"}))
        assert (outcome.ending, outcome.open, outcome.short) == (Ending.FEW_EXAMPLES, (), (version,))
        report = headline(outcome, "speed", 1.0)
        assert "8 examples are too few to judge it: add more, or keep the original" in report
        assert report.endswith("(a limit of 1 % takes at least 321)") and "measure longer" not in report
        assert ("is 2.0 times faster" in report) is version.is_side_by_side
    added = outcome_of([judged_few(rounded(SAFE)), judged_few(SLOW, n=20)], "speed", FEW)
    assert "; 20 examples are" in headline(added, "speed", 1.0)
    plenty = [judged_few(rounded(SAFE)), judged_few(SLOW, n=80)]
    assert outcome_of(plenty, "speed", FEW).ending is Ending.NOTHING_FASTER
    changed = judged_few(rounded(SAFE), changed=1)
    assert outcome_of([changed], "speed", FEW).ending is Ending.NOTHING_FASTER
    in_calibration = Screening(n=1, changed=1)
    unasked = dataclasses.replace(rounded(SAFE), judgement=None, screening=in_calibration)
    assert outcome_of([unasked], "speed", FEW).ending is Ending.NOTHING_FASTER
    enough = FEW.model_copy(update={"few_items": None})
    assert outcome_of([judged_few(rounded(SAFE))], "speed", enough).short == ()


def test_versions_that_are_hardly_safe_are_not_praised() -> None:
    """Given two unsettled versions of which the faster changed 6 of 36 calibration results, Then the other is named first,
    and alone its headline says that it probably changes more than the limit."""
    changed = dataclasses.replace(HASTY, id="changed", judgement=None, screening=Screening(n=36, changed=6))
    careful = dataclasses.replace(UNSURE, judgement=None, screening=Screening(n=36))
    end = SearchEnd(final="cut_off", more_s=60)
    both, alone = outcome_of([changed, careful], "speed", end), outcome_of([changed], "speed", end)
    assert both.open == (changed, careful) and first_open(both, 1.0) == careful
    assert first_open(alone, 1.0) == changed
    assert "probably changes more" in headline(alone, "speed", 1.0)
    assert "probably" not in headline(alone, "speed", 30.0)


@pytest.mark.parametrize(("more_s", "again"), [(None, True), (60.0, False)])
def test_unsettled_run_needs_a_new_measurement_where_more_time_does_not_help(more_s: float | None, again: bool) -> None:
    """Given a version that looked faster and is not settled, Then a new run settles it only where this one cannot go on."""
    outcome = outcome_of([UNSURE], "speed", SearchEnd(final="done", more_s=more_s))
    assert outcome.ending is Ending.UNSETTLED and outcome.needs_new_run is again


def test_exact_numbers_come_before_what_few_examples_cannot_tell() -> None:
    """Given eight examples, a rounded version that is the fastest and one with the original's numbers, Then that is
    recommended, and where it is not settled yet it is what time is asked for."""
    fast = judged_few(rounded(in_turn(variant("fast", p50_ms=0.5), 3.0)))
    exact = dataclasses.replace(judged_few(SAFE), precision="fp32", weights_kept=True)
    outcome = outcome_of([fast, exact], "speed", FEW)
    assert (outcome.ending, outcome.best) == (Ending.ALIKE, exact)
    unsure = dataclasses.replace(judged_few(UNSURE), precision="fp32", weights_kept=True)
    assert outcome_of([fast, unsure], "speed", FEW).ending is Ending.UNSETTLED


def test_a_goal_of_size_is_told_by_size() -> None:
    """Given a version four times smaller that is as fast, When the goal is size, Then the headline says so."""
    small = in_turn(variant("small", p50_ms=2.02, size=50), 0.97)
    outcome = outcome_of([small], "size", SearchEnd(planned=1, final="done"))
    assert outcome.ending is Ending.PROVEN
    assert headline(outcome, "size", 1.0) == "4.0 times smaller, about as fast, same answers"
    assert outcome_of([small], "speed", SearchEnd(planned=1, final="done")).best is None


def test_the_fastest_looking_are_finalists() -> None:
    """Given many versions, Then the final run holds those that looked fastest."""
    safe = [variant(f"safe{n}", p50_ms=1 + n / 10) for n in range(8)]
    unproven = variant("unproven", p50_ms=0.5, verdict="not_enough_data")
    assert [v.id for v in versions_to_measure([*safe, unproven], "speed", 3)] == ["unproven", "safe0", "safe1"]


def test_finalists_hold_one_that_fits_targets_that_need_onnx() -> None:
    """Given three faster versions of one engine and a slower one in ONNX Runtime that is a gain, When three are
    measured in turn, Then it takes the last place, so that web page and hub folder can get it; where one of the first
    fits these targets, where it is no gain, and where a single one is measured, nothing changes."""
    engine = [dataclasses.replace(variant(f"e{n}", p50_ms=1 + n / 10), runtime="openvino") for n in range(3)]
    plain = dataclasses.replace(variant("plain", p50_ms=1.5), runtime="onnxruntime-cpu")
    slow = dataclasses.replace(variant("slow", p50_ms=2.0), runtime="onnxruntime-cpu")
    assert [v.id for v in versions_to_measure([*engine, plain], "speed", 3)] == ["e0", "e1", "plain"]
    assert [v.id for v in with_portable([*engine, plain], 1, "speed")] == ["e0"]
    assert [v.id for v in with_portable([*engine, slow], 3, "speed")] == ["e0", "e1", "e2"]
    assert [v.id for v in with_portable([plain, *engine, slow], 3, "speed")] == ["plain", "e0", "e1"]


@pytest.mark.parametrize(
    ("screening", "words"),
    [
        (Screening(n=12, changed=12, regressed=True), "12 of 12 results changed in calibration"),
        (Screening(n=1, changed=1), "1 of 1 results changed in calibration"),
        (Screening(n=40), "no result changed in calibration"),
        (Screening(), ""),
    ],
)
def test_screened_words_count_the_examples(screening: Screening, words: str) -> None:
    """Given calibration examples, Then the changed and evaluated counts are shown, also for a refused version."""
    assert screened_words(dataclasses.replace(variant("a"), judgement=None, screening=screening)) == words
