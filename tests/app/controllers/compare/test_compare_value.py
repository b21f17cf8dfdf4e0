"""Tests of the values of the page Compare for each outcome and verdict of a run."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
from records import facts, judgement, variant

from app.controllers.compare.presenter import compare_value, version_value
from app.controllers.export.presenter import checks, reason_needed, stage_checks
from app.domain.outcome import SearchEnd
from app.domain.variant import Measurement
from app.domain.words.results import OTHER_PROGRAMS, missing_words
from app.services.after.watching import ReleaseChange, Watched
from app.services.records.facts import RunFacts
from widgets.pages.compare.table import columns
from widgets.pages.compare.value import VersionValue
from workers.contracts.specs import SliceDrop, Stage, TaskScore

BROKEN = SliceDrop(name="night", n=40, drop=0.045, changed=9, p_holm=0.001, judged=True)


def rows(made: RunFacts) -> dict[str, VersionValue]:
    return {version.id: version for version in compare_value(made).versions}


def test_safe_version_is_recommended() -> None:
    """Given a safe and faster version, then headline, figures and order follow from the measurements."""
    fast = variant(1, p50_ms=1.0, speedup=2.0)
    slow = variant(2, p50_ms=1.5, speedup=1.3)
    value = compare_value(facts(variant(0), slow, fast, best="v1"))
    assert value.outcome == "safe" and value.headline == "2.0 times faster, 2.0 times smaller, within your limit of 1 %"
    assert value.subtitle == "Version 1. Measured on 200 test pictures on this computer; chosen from 2."
    assert [version.id for version in value.versions] == ["v0", "v1", "v2"]
    assert value.needed is None and value.options is None and value.note == ""


def test_under_load_the_caption_suggests_to_measure_again() -> None:
    """Given a safe version that other programs disturbed, then the headline has the lower bound, and the caption
    suggests to measure again."""
    fast = variant(1, p50_ms=1.0, speedup=2.3)
    measured = dataclasses.replace(fast.measurement, under_load=True, agreed_low=1.905)
    value = compare_value(facts(variant(0), dataclasses.replace(fast, measurement=measured), best="v1"))
    assert value.headline == "At least 1.9 times faster, 2.0 times smaller, within your limit of 1 %"
    assert value.subtitle.endswith(f"on this computer. {OTHER_PROGRAMS}")


@pytest.mark.parametrize(("agreed_low", "shown"), [(1.69, 1.69), (0.5, None)])
def test_lower_bound_below_one_is_not_shown(agreed_low: float, shown: float | None) -> None:
    """Given a version measured under load, Then its row has the lower bound of its speedup only where it says something."""
    made = variant(1, speedup=2.0)
    loaded = dataclasses.replace(made.measurement, under_load=True, agreed_low=agreed_low)
    assert rows(facts(variant(0), dataclasses.replace(made, measurement=loaded)))["v1"].speedup == shown


def test_unproven_version_names_the_missing_examples() -> None:
    """Given a version that looks alike on few examples, then the page shows how many are missing and that export is
    possible."""
    unsure = judgement(verdict="not_enough_data", n=20, missing_examples=280, changed_count=0, agreement=1.0, drop=0.0)
    value = compare_value(facts(variant(0), variant(1, speedup=3.4, judgement=unsure), best="v1"))
    assert value.outcome == "not_proven"
    assert value.headline == "Looks alike, not proven: add about 280 examples"
    assert value.subtitle == "Version 1: all 20 answers are the same, but 20 pictures are too few to be sure."
    assert (value.n_test, value.needed) == (20, 300)
    assert "Export anyway" in value.note
    assert rows(facts(variant(0), variant(1, speedup=3.4, judgement=unsure), best="v1"))["v1"].verdict == "alike"


def test_no_examples_are_asked_for_while_some_are_untested() -> None:
    """Given an unproven version whose proof left 3,265 examples out, Then neither headline nor hint wants more examples."""
    cut = judgement(verdict="not_enough_data", n=1730, missing_examples=13_487, changed_count=9, n_unasked=3265)
    unsure = variant(1, speedup=1.3, judgement=cut)
    assert "13,487" not in compare_value(facts(variant(0), unsure, best="v1")).headline
    assert "3,265" in missing_words(unsure) and "13,487" not in missing_words(unsure)


def test_added_longer_texts_are_noted() -> None:
    """Given 96 texts of the user, 2 longer ones made of them and 10 dialogues that do not count, then a note explains
    the 98 evaluated texts."""
    made = facts(variant(0), variant(1, speedup=2.0, judgement=judgement(n=98, changed_count=0)), best="v1")
    texts = made.data.model_copy(update={"kind": "texts", "n_test": 108, "n_added": 12})
    value = compare_value(dataclasses.replace(made, data=texts))
    assert value.note == "Among the 98 test texts are longer ones, made of yours one after the other."
    alone = texts.model_copy(update={"n_test": 98, "n_added": 0})
    assert compare_value(dataclasses.replace(made, data=alone)).note == ""


def test_counts_refer_to_labelled_examples() -> None:
    """Given 80 examples of which 10 have labels, and 30 changed answers, then no count exceeds its total."""
    mixed = judgement(
        verdict="not_enough_data", n=80, n_labelled=10, accuracy=0.8, flips=0.1, negative_flips=0.1, drop=0.1,
        changed_count=30, agreement=50 / 80,
    )  # fmt: skip
    original = judgement(n=80, n_labelled=10, accuracy=0.9, changed_count=0, agreement=1.0)
    made = facts(variant(0, judgement=original), variant(1, speedup=3.4, judgement=mixed), best="v1")
    value = compare_value(made)
    assert value.subtitle == "Version 1: 50 of 80 are the same, but 80 pictures are too few to be sure."
    assert (value.n_test, value.n_labelled) == (80, 10)
    assert [version.right for version in value.versions] == [9, 8]
    assert value.versions[1].changed == 30


def test_original_is_kept_without_a_faster_safe_version() -> None:
    """Given only regressed and slower versions, then the original is kept and the smallest helpful limit is offered."""
    lossy = variant(1, p50_ms=1.0, speedup=2.0, judgement=judgement(verdict="regressed", drop=0.03, drop_high=0.034))
    slower = variant(2, p50_ms=3.0, speedup=0.7)
    made = facts(variant(0), lossy, slower, headline="Nothing faster was safe: keep the original (2 ways tried)")
    value = compare_value(made)
    assert value.outcome == "nothing_faster" and value.headline == "Nothing faster was safe: keep the original"
    assert value.subtitle.startswith("2 versions were tried on 200 test pictures")
    found = rows(made)
    assert (found["v0"].verdict, found["v1"].verdict, found["v2"].verdict) == ("keep", "beyond_limit", "alike_slower")
    assert value.options is not None and (value.options.limit_pct, value.options.limit_speedup) == (4.0, 2.0)


def test_measuring_again_is_offered_only_after_load() -> None:
    """Given a version whose speed only load left undecided, then measuring again is offered; not for one that is slower
    without load."""
    slower = variant(1, p50_ms=3.0, speedup=0.7)
    loaded = dataclasses.replace(slower, measurement=dataclasses.replace(slower.measurement, under_load=True))
    for version, is_busy in ((loaded, True), (slower, False)):
        options = compare_value(facts(variant(0), version)).options
        assert options is not None and options.is_busy is is_busy


def test_slow_tail_has_its_verdict_and_figures() -> None:
    """Given a version that is faster on average but has slower slow requests, then its row shows that, with mean,
    median and p90."""
    best = variant(1, p50_ms=0.6, speedup=1.3)
    measured = dataclasses.replace(best.measurement, latency_mean_ms=0.9, latency_p90_ms=1.5, p90_speedup=0.66)
    row = rows(facts(variant(0), dataclasses.replace(best, measurement=measured)))["v1"]
    assert (row.verdict, row.latency_mean_ms, row.latency_ms, row.latency_p90_ms) == ("slow_tail", 0.9, 0.6, 1.5)


@pytest.mark.parametrize(
    ("changes", "offered"),
    [
        ({"drop": 0.03, "drop_high": 0.034}, 4.0),
        ({"drop": 0.5, "drop_high": 0.53}, None),  # beyond what the goal takes
        ({"drop": 0.005, "drop_high": 0.034}, None),  # it was refused for something else
        ({"drop": 0.03, "drop_high": 0.034, "slices": (BROKEN,)}, 5.0),  # a part that broke lost more
        ({"drop": 0.03, "drop_high": 0.034, "slices": (BROKEN,), "labelled": False}, None),
    ],
)
def test_larger_limit_is_offered_only_if_it_helps(changes: dict[str, Any], offered: float | None) -> None:
    """Given a refused version, then a larger limit is offered only if the goal accepts it and it would change the
    result."""
    lossy = variant(1, p50_ms=1.0, speedup=2.0, judgement=judgement(verdict="regressed", **changes))
    options = compare_value(facts(variant(0), lossy)).options
    assert options is not None and options.limit_pct == offered


def test_run_out_of_time_offers_more_time() -> None:
    """Given a run that reached its time limit, then the page states that and offers more time, and does not claim that
    nothing was safe."""
    slower = variant(1, p50_ms=3.0, speedup=0.7)
    end = SearchEnd(planned=6, untried=5, final="none", limit_s=60, more_s=400.0)
    value = compare_value(dataclasses.replace(facts(variant(0), slower), search=end))
    assert value.headline.startswith("The time was up after 1 of 6 versions, and none of these was faster and safe")
    assert value.go_on is not None and value.go_on.minutes == 7
    nothing = compare_value(dataclasses.replace(facts(variant(0)), search=end))
    assert "before anything could be tried" in nothing.headline and "none was" not in nothing.subtitle


def test_few_examples_ask_for_examples_and_not_for_time() -> None:
    """Given eight examples and a faster rounded version, then the page states how many examples are needed, and offers
    no more time."""
    same = judgement(verdict="not_enough_data", n=8, changed_count=0, labelled=False)
    rounded = dataclasses.replace(variant(1, p50_ms=1.0, speedup=2.0, judgement=same), precision="int8")
    end = SearchEnd(planned=1, final="done", few_items=8, enough_items=59)
    original = variant(0, judgement=same)
    value = compare_value(dataclasses.replace(facts(original, rounded), search=end))
    assert value.headline.endswith("8 examples are too few to judge it: add more, or keep the original")
    assert (
        value.subtitle == "8 test pictures are too few to judge a smaller model; your limit of 1 % needs at least 321."
    )
    assert value.options is not None and (value.options.few, value.options.takes) == (8, 321)
    assert value.go_on is None and "afe" not in value.headline


def test_unconfirmed_version_is_a_first_look() -> None:
    """Given a version that looked faster and safe but was not measured in turn with the original, then it is shown as a
    first look, more time is offered, and no text claims that none was safe."""
    hasty = variant(1, p50_ms=0.5, speedup=4.0)
    measured = dataclasses.replace(hasty.measurement, speedup_low=None)
    hasty = dataclasses.replace(hasty, state="measured", measurement=measured)
    end = SearchEnd(planned=1, final="cut_off", limit_s=60, more_s=20.0)
    made = dataclasses.replace(facts(variant(0), hasty), search=end)
    value = compare_value(made)
    assert "none was" not in value.headline + value.subtitle and "measure longer" in value.headline
    row = rows(made)["v1"]
    assert (row.verdict, row.first_look, row.speedup) == ("unconfirmed", True, None)
    assert value.go_on is not None and value.go_on.minutes == 5
    assert value.options is not None and value.options.limit_pct is None, "no larger limit confirms it"


def test_first_look_has_no_speedup() -> None:
    """Given a recommended version and one whose first measurement was faster, then the latter has no speedup."""
    quick = dataclasses.replace(variant(2, p50_ms=0.4, speedup=5.0), state="measured")
    end = SearchEnd(planned=2, final="done", limit_s=60, more_s=20.0)
    made = dataclasses.replace(facts(variant(0), variant(1, speedup=2.0), quick, best="v1"), search=end)
    found = rows(made)
    assert (found["v2"].first_look, found["v2"].speedup) == (True, None)
    assert (found["v1"].first_look, found["v1"].speedup) == (False, 2.0)
    assert compare_value(made).go_on is not None and "Version 2" in compare_value(made).go_on.why
    assert compare_value(made).headline.startswith("2.0 times faster")


def test_busy_computer_is_noted() -> None:
    """Given measurements on a busy computer, then the page notes that; there is no note for an idle one."""
    for share, is_noted in ((0.4, True), (0.02, False), (None, False)):
        measurement = Measurement(latency_p50_ms=1.0, n=300, speedup=2.0, speedup_low=1.9, busy_share=share)
        best = dataclasses.replace(variant(1), measurement=measurement)
        assert ("busy" in compare_value(facts(variant(0), best, best="v1")).note) is is_noted


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"judgement": None}, "unmeasured"),
        ({"judgement": judgement(verdict="not_enough_data", agreement=0.9)}, "not_enough_data"),
        ({"judgement": judgement(verdict="regressed")}, "regressed"),
        ({}, "safe"),
    ],
)
def test_version_value_has_the_verdict_of_its_facts(changes: dict[str, Any], verdict: str) -> None:
    """Given the facts of a version, then its verdict claims nothing beyond them."""
    best = variant(1, speedup=2.0)
    other = variant(2, speedup=1.5, **changes)
    assert version_value(other, facts(variant(0), best, other, best="v1"), best).verdict == verdict


def test_figures_that_were_not_measured_are_absent() -> None:
    """Given a version that was dropped, then its row has only name, size and notes."""
    dropped = variant(1, judgement=None, measurement=Measurement(), state="dropped", notes=("It did not run.",))
    row = rows(facts(variant(0), dropped))["v1"]
    assert (row.latency_ms, row.accuracy, row.agreement, row.changed, row.speedup) == (None,) * 5
    assert row.notes == ("It did not run.",)


def test_only_a_regression_needs_a_written_reason() -> None:
    """Given versions of each verdict, then only the regressed one requires a reason, and the question names the limit."""
    made = facts(variant(0), variant(1, speedup=2.0), best="v1")
    worse = variant(2, judgement=judgement(verdict="regressed"))
    unsure = variant(3, judgement=judgement(verdict="not_enough_data"))
    assert [bool(reason_needed(made, one)) for one in (variant(0), variant(1), worse, unsure)] == [
        False, False, True, False,
    ]  # fmt: skip
    assert "1 %" in reason_needed(made, worse)


def test_checks_show_the_limit_and_waiting_stages() -> None:
    """Given a version, then the checks show whether it is within the limit, and the stages of the export wait."""
    made = facts(variant(0), variant(1), best="v1")
    before = checks(made, variant(1))
    assert [check.state for check in before] == ["ok", "ok"]
    stages = tuple(Stage(id=name, title=name.upper()) for name in ("write", "pack", "test"))
    assert [check.state for check in stage_checks(stages)] == ["waiting"] * 3
    assert [check.state for check in stage_checks(stages, "pack")] == ["ok", "running", "waiting"]
    assert stage_checks(stages, "pack")[1].what == "PACK"
    assert before[0].result == "0.5 % less accurate" and before[1].result == "0 of 200 shared"
    assert checks(made, variant(2, judgement=judgement(verdict="regressed")))[0].state == "bad"
    unsure = checks(made, variant(3, judgement=judgement(verdict="not_enough_data")))[0]
    assert (unsure.state, unsure.result) == ("warn", "0.5 % less accurate, not proven")
    assert checks(made, variant(3, judgement=None))[0].result == "not compared"


def test_comparison_with_the_previous_version_warns_if_worse() -> None:
    """Given a comparison with the previous version, then a sentence has the judge's counts, and it warns only if the
    result got worse."""
    at = datetime(2026, 11, 12, 14, 5, tzinfo=UTC)
    made = facts(variant(0), variant(1, p50_ms=1.0, speedup=2.0), best="v1")
    same = Watched(variant_id="v1", other_run_id="r0", other_variant_id="v9", other_title="Old", other_at=at,
                   is_export=True, judgement=judgement(n=180, changed_count=2, negative_flips=0.0))  # fmt: skip
    value = compare_value(made, same)
    assert not value.watch_warns and value.watch.endswith("2 of 180 answers differ, none worse.")
    assert value.watch.startswith("Compared with the version exported on 12 November")
    lost = judgement(verdict="regressed", n=180, changed_count=9, negative_flips=8 / 180)
    changed = (ReleaseChange(name="onnxruntime", before="1.22.0", after="1.23.2"),)
    value = compare_value(made, same.model_copy(update={"judgement": lost, "libraries": changed, "is_export": False}))
    assert value.watch_warns and value.watch.startswith("It answers worse than the version of 12 November")
    assert "9 of 180 answers differ, 8 for the worse." in value.watch
    assert value.watch.endswith("Libraries have changed since: onnxruntime 1.22.0 → 1.23.2.")
    assert compare_value(made).watch == ""


def test_masks_are_shown_by_the_score_of_their_task() -> None:
    """Given masks with labels, then the column shows their score under its own title, and no accuracy."""
    overlap = TaskScore(
        id="mean_iou", task="segmentation", title="Mean IoU", meaning="", against="labels", n=200, original=0.71,
        optimized=0.7,
    )  # fmt: skip
    changes: dict[str, Any] = {"accuracy": None, "accuracy_low": None, "accuracy_high": None, "scores": (overlap,)}
    masks = judgement(**changes)
    value = compare_value(facts(variant(0, judgement=masks), variant(1, speedup=2.0, judgement=masks), best="v1"))
    assert value.score_title == "Mean IoU"
    assert [version.score for version in value.versions] == ["71.0 %", "70.0 %"]
    assert "Mean IoU" in [column.title for column in columns(value)]
