"""Tests that the texts about a result claim no more than its figures."""

import dataclasses
from datetime import UTC, datetime

import pytest
from records import facts, judgement, make_project, run, variant

from app.controllers.changes.tried import tried_value
from app.controllers.compare.presenter import compare_value
from app.controllers.export.presenter import license_check
from app.controllers.model.presenter import model_value
from app.controllers.optimize.run_watch import RunWatch
from app.domain.outcome import SearchEnd
from app.domain.run import RunState
from app.domain.standing import Standing
from app.domain.tried import tried_rows
from app.domain.variant import Measurement, Screening, Variant
from app.domain.words.results import MEASURE_AGAIN, STANDING_WORDS, same_words, verdict_words
from app.services.after.trying.tried import TriedRun
from app.services.after.watching import Watched, watched_words
from app.services.flow.workspace import Workspace
from app.services.opening.opening import reopened_model
from app.services.records.documents import variant_document
from app.services.records.facts import RunFacts
from app.services.run.forecasting import RunForecast
from widgets.pages.changes.tried import TriedValue
from widgets.pages.compare.table import rows
from widgets.pages.compare.value import CompareValue, UndecidedValue, VersionValue
from workers.contracts.licenses import NOT_STATED, LicenseVerdict, LicenseWord
from workers.contracts.proof.elsewhere import Elsewhere
from workers.contracts.specs import Recipe

AT = datetime(2026, 11, 12, 14, 5, tzinfo=UTC)


def slow(**changes: object) -> Variant:
    """Return a version that is safe and a third as fast as the original."""
    return variant(2, p50_ms=6.0, speedup=0.3, **changes)


def tried_of(made: RunFacts, best: str | None = None, **changes: object) -> TriedValue:
    """Return what a run tried, of a run without a plan; `changes` are those of each row."""
    rows = tuple(dataclasses.replace(row, **changes) for row in tried_rows(None, made.variants, (), best, 1.0))
    return tried_value(made, TriedRun(rows, (), (), RunForecast(run_id="r1", machine="m")))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n": 1200, "changed_count": 7}, "1,193 of 1,200 answers the same"),
        ({"n": 1200, "changed_count": 0}, "same answers"),
        ({"n": 20, "changed_count": 0, "verdict": "not_enough_data"}, "same answers, not proven"),
        ({"n": 0, "changed_count": 0, "verdict": "not_enough_data"}, "nothing to compare"),
    ],
)
def test_same_answers_only_where_none_changed(changes: dict[str, object], words: str) -> None:
    """Given a faster version, then the page Optimize shows how many answers are the same, and "same answers" only if
    none changed."""
    best = variant(1, p50_ms=2 / 1.3, speedup=1.3, judgement=judgement(**changes))
    assert same_words(best) == words
    watch = RunWatch(run(1, RunState.RUNNING, seconds=None))
    for one in (variant(0), best):
        watch.variant(one)
    shown = f"{words[:1].upper()}{words[1:]}"
    assert watch.value().best == f"Best so far: Version 1, 1.54 ms; the original 2 ms. {shown}"


def test_worse_by_labels_is_not_called_the_same() -> None:
    """Given a version that is worse by labels although few answers changed, then no text calls its answers the same."""
    worse = variant(1, speedup=1.3, judgement=judgement(n=120, changed_count=0, verdict="regressed"))
    assert same_words(worse) == "worse by what is right"
    wrong = variant(1, judgement=judgement(verdict="regressed", n=60, changed_count=60, agreement=0.0))
    assert same_words(wrong) == "0 of 60 answers the same"


def judged_file(speedup: float, **changes: object) -> RunFacts:
    """Return a run with the original and one file that was made elsewhere."""
    origin = Elsewhere(path="/m/smaller.onnx", name="smaller", format="onnx", sha256="ab" * 32)
    recipe = Recipe(title="smaller", elsewhere=origin)
    other = variant(1, p50_ms=2.0 / speedup, speedup=speedup, judgement=judgement(**changes), recipe=recipe)
    return facts(variant(0), dataclasses.replace(other, title="smaller (made elsewhere)"))


def test_judged_file_has_its_verdict_as_headline() -> None:
    """Given a worse file made elsewhere, then verdict and counts are the headline, and file, limit and speed are the
    subtitle."""
    value = compare_value(judged_file(0.8, verdict="regressed", n=225, changed_count=67))
    assert value.headline == "Silent regression: 158 of 225 answers the same"
    file = "smaller (made elsewhere) beside the original, on 225 test pictures"
    assert value.subtitle == f"{file}; your limit is 1 %. On average it is 0.8 times as fast."


def test_speed_of_judged_file_under_load_is_a_lower_bound() -> None:
    """Given a file that was measured under load, then its speed is a bound, rounded down."""
    found = judged_file(2.4, n=400, changed_count=0)
    loaded = dataclasses.replace(found.variants[1].measurement, under_load=True, agreed_low=1.98)
    found = facts(found.variants[0], dataclasses.replace(found.variants[1], measurement=loaded))
    assert compare_value(found).subtitle.endswith("On average it is at least 1.9 times as fast.")


def test_slower_judged_file_is_not_safe_to_ship() -> None:
    """Given a file made elsewhere that is safe and slower, then the headline states both, without "Safe to ship"."""
    value = compare_value(judged_file(0.5, n=400, changed_count=0))
    assert value.headline == "Answers alike, slower: same answers"


def test_safe_but_slower_version_has_no_green_tag() -> None:
    """Given a safe version at a third of the speed, then Compare, What was tried and the command line show neither a
    green tag nor "Safe to ship"."""
    best = variant(1, p50_ms=1.0, speedup=2.0)
    made = facts(variant(0), best, slow(), best="v1")
    row = next(row for row in rows(compare_value(made)) if row.id == "v2")
    assert (row.cells[5].text, row.cells[5].tag) == ("Answers alike, slower", "none")
    assert verdict_words(slow()) == "Answers alike, slower" and verdict_words(best) == "Safe to ship"
    _, _, because, outcome = next(row for row in tried_of(made, "v1").rows if row[0].text == "Version 2")
    assert (outcome.tag, outcome.text, because.text) == (
        "none",
        "Answers alike, slower",
        "Not faster where it was measured",
    )


def test_version_measured_slower_under_load_is_not_settled() -> None:
    """Given a safe version that was measured slower under load, then its speed is not settled, because other programs
    may have caused that."""
    loaded = Measurement(latency_p50_ms=1.2, n=400, speedup=0.9, speedup_low=0.7, under_load=True, agreed_low=0.7)
    open_one = dataclasses.replace(variant(2), measurement=loaded)
    row = next(row for row in rows(compare_value(facts(variant(0), open_one))) if row.id == "v2")
    assert (row.cells[5].text, row.cells[5].tag) == ("Speed not settled", "none")
    assert verdict_words(open_one) == "Speed not settled"


def test_first_look_is_not_safe_to_ship() -> None:
    """Given a safe version that was measured only once, then its verdict is that its gain is not confirmed."""
    assert verdict_words(dataclasses.replace(variant(2), state="measured")) == "Answers alike, gain not confirmed"


def test_missing_p99_shows_the_required_requests() -> None:
    """Given 80 timed requests, then Details shows how many a p99 needs; a measured p99 is shown with the original's."""
    few = Measurement(latency_p50_ms=1.5, n=80, speedup=1.5, speedup_low=1.4)
    many = Measurement(latency_p50_ms=1.0, latency_p99_ms=1.2, n=360, speedup=2.0, speedup_low=1.9)
    best, other = (dataclasses.replace(variant(n), measurement=m) for n, m in ((1, many), (2, few)))
    original = dataclasses.replace(variant(0), measurement=dataclasses.replace(many, latency_p99_ms=2.4))
    found = {row.id: dict(row.details) for row in rows(compare_value(facts(original, best, other, best="v1")))}
    assert found["v1"]["99 of 100 (p99)"] == "2.4 ms → 1.2 ms"
    assert found["v2"]["99 of 100 (p99)"] == "80 of 299 requests"


@pytest.mark.parametrize(
    ("changes", "is_worse"),
    [
        ({"labelled": False, "changed_count": 1, "drop": 1 / 180, "drop_low": 0.0003, "margin": 0.01}, False),
        ({"labelled": False, "changed_count": 9, "drop": 9 / 180, "drop_low": 0.02, "margin": 0.01}, True),
        ({"labelled": True, "changed_count": 9, "drop": 0.008, "drop_low": 0.002, "margin": 0.01}, True),
        ({"labelled": True, "changed_count": 0, "drop": 0.0, "drop_low": 0.0, "margin": 0.01}, False),
        ({"labelled": True, "verdict": "regressed", "drop": 0.05, "drop_low": 0.02, "margin": 0.01}, True),
    ],
)
def test_comparison_is_worse_only_if_proven(changes: dict[str, object], is_worse: bool) -> None:
    """Given a comparison with the exported version, then one changed answer without labels is not worse. A loss that
    labels prove, or that exceeds the limit, is."""
    judged = judgement(**{"n": 180, "negative_flips": 0.0, **changes})
    found = Watched(variant_id="v1", other_run_id="r0", other_variant_id="v9", other_title="Old", other_at=AT,
                    is_export=True, judgement=judged)  # fmt: skip
    assert found.is_worse is is_worse
    value = compare_value(facts(variant(0), variant(1, p50_ms=1.0, speedup=2.0), best="v1"), found)
    assert value.watch_warns is is_worse
    assert watched_words(found).startswith("It answers worse") is (is_worse and judged.labelled)


@pytest.mark.parametrize(
    ("word", "title", "copies", "state"),
    [
        ("ok", "MIT", True, "ok"),
        ("ok", "Own terms", False, "warn"),
        ("conditions", "AGPL-3.0", True, "warn"),
        ("unknown", "Own terms", True, "warn"),
        ("unknown", "", True, "warn"),
    ],
)
def test_only_a_known_license_is_ok_on_export(word: LicenseWord, title: str, copies: bool, state: str) -> None:
    """Given licenses, then only a known one that allows changed copies is ok on Export."""
    assert license_check(LicenseVerdict(word=word, title=title, meaning="", copies=copies)).state == state


@pytest.mark.parametrize(
    ("verdict", "warnings"),
    [
        (LicenseVerdict(word="ok", title="MIT", meaning=""), ()),
        (LicenseVerdict(word="unknown", title="Own terms", meaning=""), ("Its license is unknown.",)),
        (NOT_STATED, ("No license is stated.",)),
        (LicenseVerdict(word="noncommercial", title="X", meaning=""), ("Its license allows no commercial use.",)),
        (None, ()),
    ],
)
def test_the_model_page_warns_of_an_unknown_license(
    space: Workspace, verdict: LicenseVerdict | None, warnings: tuple[str, ...]
) -> None:
    """Given an opened model, then a use without known permission is a warning among the findings."""
    opened = reopened_model(space.artifacts, make_project(space))
    judged = dataclasses.replace(opened, result=opened.result.model_copy(update={"verdict": verdict}))
    found = model_value(judged, "colors", None).findings
    assert tuple(one.what for one in found if "icense" in one.what) == warnings
    assert all(one.state == "warn" for one in found if one.what in warnings)


@pytest.mark.parametrize("standing", Standing)
def test_standing_has_the_same_words_on_every_page(standing: Standing) -> None:
    """Given any standing, then Compare uses the words of the command line and of What was tried."""
    shown = VersionValue("v1", "Version 1", standing.value)
    (row,) = rows(CompareValue("safe", "", "", (shown,)))
    assert row.cells[5].text == STANDING_WORDS[standing]


def test_one_version_has_one_verdict_everywhere() -> None:
    """Given a version that other programs disturbed and that no test example was evaluated for, then Compare, What was
    tried and the command line have one verdict, and the document agrees."""
    loaded = Measurement(latency_p50_ms=1.2, n=400, speedup=1.2, speedup_low=0.9, under_load=True, agreed_low=0.9)
    alike = dataclasses.replace(variant(2), measurement=loaded, judgement=None, screening=Screening(n=50))
    made = facts(variant(0), alike)
    row = next(row for row in rows(compare_value(made)) if row.id == "v2")
    tried = tried_of(made)
    assert row.cells[5].text == verdict_words(alike) == tried.rows[1][3].text == "Speed not settled"
    quiet = dataclasses.replace(alike, measurement=dataclasses.replace(loaded, under_load=False, speedup_low=1.1))
    assert verdict_words(quiet) == "Alike, not proven"
    assert variant_document(quiet)["verdict"] == "not_enough_data"


def test_nothing_is_called_the_one_to_keep_while_a_faster_one_is_not_tested() -> None:
    """Given an untested version that is twice as fast, then no row says "Keep this one", and What was tried shows no
    factor for a first look."""
    screening = Screening(n=50, changed=1, untested="behind")
    behind = variant(1, p50_ms=1.0, speedup=2.0, judgement=None, screening=screening)
    look = variant(2, p50_ms=0.9, speedup=1.5, judgement=None, state="measured")
    made = facts(variant(0), behind, look)
    value = compare_value(made)
    assert [version.verdict for version in value.versions] == ["original", "unmeasured", "not_tested"]
    assert "not tested" in value.headline and "keep" not in value.headline
    tried = tried_of(made)
    assert tried.rows[1][1].text.startswith("1.0 ms, 2.0 × as fast") and "first look 0.90 ms" in tried.rows[2][1].text
    assert "×" not in tried.rows[2][1].text


def test_original_is_not_the_one_to_keep_before_anything_was_tried() -> None:
    """Given a run that ended before any version had figures, then the original is not called the one to keep."""
    made = dataclasses.replace(facts(variant(0)), search=SearchEnd(planned=10, untried=10, more_s=60.0))
    assert [version.verdict for version in compare_value(made).versions] == ["original"]


def disturbed(tries: int) -> RunFacts:
    """Return a run that other programs left without a verdict, for the given number of times in a row."""
    loaded = Measurement(
        latency_p50_ms=1.2, n=400, speedup=1.2, under_load=True, agreed_low=0.9, cpu_speedup=1.9, sets=10
    )
    made = facts(variant(0), dataclasses.replace(variant(1), measurement=loaded))
    return dataclasses.replace(made, search=SearchEnd(final="done", busy_tries=tries, disturbed_by=("browser",)))


def test_second_disturbed_run_offers_to_wait() -> None:
    """Given a disturbed run, then the programs are named and measuring again is offered. From the second one on,
    waiting for an idle computer is offered and the processor time is shown."""
    first, second = compare_value(disturbed(1)), compare_value(disturbed(2))
    assert first.options is not None and second.options is not None
    assert (first.options.disturbed_by, first.options.can_wait, second.options.can_wait) == (("browser",), False, True)
    assert first.undecided == second.undecided == UndecidedValue("again")
    assert "1.9 times as fast" in second.subtitle and "1.9" not in first.subtitle
    watch = RunWatch(run(1, RunState.KEPT_ORIGINAL))
    watch.end = disturbed(1).search
    assert not watch.value().measures_again, "no version is known"
    for one in disturbed(1).variants:
        watch.variant(one)
    assert watch.value().measures_again, "the page Optimize gives the same reason"
    assert first.headline == MEASURE_AGAIN and [one.verdict for one in first.versions] == ["original", "not_settled"]


def test_the_count_of_test_examples_is_that_of_all_of_them() -> None:
    """Given 200 test pictures of which two contain a detection, then the page shows 200 pictures, of which two count."""
    few = judgement(n=2, verdict="not_enough_data", changed_count=0, agreement=1.0)
    slower = variant(1, p50_ms=3.0, speedup=0.7, judgement=few)
    value = compare_value(facts(variant(0, judgement=few), slower))
    assert value.subtitle.startswith("1 version was tried on 200 test pictures, of which 2 count")
    cut = dataclasses.replace(slower, judgement=few.model_copy(update={"n_unasked": 198}))
    value = compare_value(facts(variant(0, judgement=few.model_copy(update={"n_unasked": 198})), cut))
    assert value.subtitle.startswith("1 version was tried on 2 test pictures;")


@pytest.mark.parametrize(("seconds", "note"), [(4.2, "Tried in 4.2 s"), (0.004, "Known from before"), (None, "")])
def test_nothing_was_tried_in_no_time(seconds: float | None, note: str) -> None:
    """Given a version whose result came from the store, then no time of 0.0 s is shown for it."""
    assert tried_of(facts(variant(0), variant(1)), seconds=seconds).rows[1][1].below == note
