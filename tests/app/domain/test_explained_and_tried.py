"""Sentences about a result and its layers, and the table of what was tried: measured facts only."""

import dataclasses
from datetime import UTC, datetime

from app.domain.run import StepRecord
from app.domain.tried import tried_rows
from app.domain.variant import Measurement, Variant
from app.domain.words.explain import ExplanationFacts, portability, why_it_won
from workers.contracts.jobs import PlanResult
from workers.contracts.planning import Instructions
from workers.contracts.specs import DeviceFacts, Judgement, Recipe, RecipeStep, Verdict

HERE = DeviceFacts(processor="EPYC", cores=2, memory_bytes=1, features=("avx2", "avx512", "avx512_bf16", "avx512_vnni"))
TRAITS = {
    "bf16": frozenset({"bf16", "speed"}),
    "int8_static": frozenset({"int8"}),
    "int8_dynamic": frozenset({"int8"}),
    "fp16": frozenset({"fp16"}),
}
BY_NAME = {
    "avx512_vnni": Instructions(name="avx512_vnni", title="AVX-512 VNNI", arithmetic="int8"),
    "avx512_bf16": Instructions(name="avx512_bf16", title="AVX-512 BF16", arithmetic="bf16"),
    "avx2": Instructions(name="avx2", title="AVX2", arithmetic="fp32"),
}
KNOWN, OLD = ExplanationFacts(TRAITS, tuple(BY_NAME.values())), ExplanationFacts(TRAITS, (BY_NAME["avx2"],))


def version(
    title: str, technique: str = "", *, p50_ms: float = 1.0, verdict: Verdict = "safe", agreement: float = 1.0
) -> Variant:
    steps = (RecipeStep(technique=technique),) if technique else ()
    made = Variant(
        id=title, run_id="r", index=1, title=title, recipe=Recipe(title=title, why=f"Why {title}.", steps=steps),
        runtime="openvino", precision="int8" if technique.startswith("int8") else "fp32", state="confirmed",
        measurement=Measurement(
            latency_p50_ms=p50_ms, n=360, speedup=4 / p50_ms, speedup_low=3.9 / p50_ms, sets=3
        ),
        judgement=Judgement(verdict=verdict, n=100, labelled=True, agreement=agreement, drop=1 - agreement, margin=0.01),
    )  # fmt: skip
    return made


BEST = version("BF16", "bf16", p50_ms=1.0)
WHEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
PLAIN = version("Engine", "fixed_shape", p50_ms=2.0)
EIGHT = version("INT8", "int8_static", p50_ms=0.5, verdict="regressed", agreement=0.93)


def test_why_the_winner_won() -> None:
    """Given a clear winner, a tie and a lone one, Then each is explained by what was measured."""
    clear = " ".join(why_it_won(BEST, [BEST, PLAIN]))
    assert "4.0 times as fast as the original" in clear and "“Engine” takes 2.00 times as long" in clear
    tie = " ".join(why_it_won(BEST, [BEST, version("TorchReplica", p50_ms=1.01, agreement=0.995)]))
    assert "as fast within 3 %" in tie and "changes fewer answers" in tie
    unproven = version("Quick", p50_ms=0.5, verdict="not_enough_data", agreement=1.0)
    first = " ".join(why_it_won(BEST, [BEST, unproven]))
    assert "“Quick” takes only 0.50 times as long" in first and "not proven" in first and "noise" not in first
    small = " ".join(why_it_won(PLAIN, [PLAIN, BEST]))
    assert "“BF16” takes only 0.50 times as long, but your goal puts something else before speed" in small
    assert "No other version" in " ".join(why_it_won(BEST, [BEST, EIGHT]))
    assert why_it_won(None, [PLAIN]) == ()


def disturbed(made: Variant, mean_ms: float, agreed_low: float) -> Variant:
    """The version with a mean time under load and the bound that all comparisons agree on."""
    loaded = dataclasses.replace(made.measurement, latency_mean_ms=mean_ms, under_load=True, agreed_low=agreed_low)
    return dataclasses.replace(made, measurement=loaded)


def test_why_the_winner_won_under_load_has_the_bound_and_the_times_that_are_shown() -> None:
    """Given a disturbed run (60.7 to 23.4 ms, at least 1.9 times; 30.2 ms), Then the sentence has that bound, as the
    headline, and how much longer the next one takes follows from the two times; a faster one does not lose by the
    goal."""
    best = disturbed(version("INT8", "int8_static", p50_ms=1.736), 23.4, 1.905)
    next_one = disturbed(version("BF16", "bf16", p50_ms=2.178), 30.2, 1.667)
    sentences = " ".join(why_it_won(best, [best, next_one]))
    assert "at least 1.9 times as fast" in sentences and "“BF16” takes 1.29 times as long" in sentences
    assert "2.3" not in sentences
    sentences = " ".join(why_it_won(next_one, [best, next_one]))
    assert (
        "takes only 0.77 times as long" in sentences and "other programs" in sentences and "your goal" not in sentences
    )


def test_first_look_gives_no_factor_in_sentences() -> None:
    """Given versions that were measured only once and briefly, Then no sentence has a factor of them."""
    look = dataclasses.replace(disturbed(PLAIN, 2.0, 1.0), state="measured")
    look = dataclasses.replace(look, measurement=dataclasses.replace(look.measurement, agreed_low=None))
    assert portability(BEST, [BEST, look], HERE, KNOWN)[1].endswith("without AVX-512 BF16 about as fast as “Engine”.")


def test_measured_here_and_expected_elsewhere_stand_apart() -> None:
    """Given a winner in 16 bits, Then what it used here is named, and what is expected elsewhere is marked so."""
    here, there = portability(BEST, [BEST, PLAIN], HERE, KNOWN)
    assert here == "Measured on EPYC with 2 cores, using AVX-512 BF16."
    assert there == "Expected, not measured: without AVX-512 BF16 about 2.0 times the original's, as “Engine” has here."
    assert portability(BEST, [BEST], HERE, KNOWN)[1].endswith("about the original's speed.")
    (plain,) = portability(PLAIN, [PLAIN], HERE, KNOWN)
    assert "no special instructions" in plain
    assert portability(None, [], HERE, KNOWN) == portability(BEST, [BEST], None, KNOWN) == ()


def test_the_whole_way_is_a_table() -> None:
    """Given a run, then each recipe has a row: tried, failed, not begun, or impossible here; so has a file that was judged
    later and got the index of the recipe that was not begun."""
    original = dataclasses.replace(version("Original", p50_ms=4.0), is_baseline=True, index=0)
    broken = dataclasses.replace(
        version("Broken", "fp16"),
        state="dropped",
        notes=("No good. It is bad.",),
        judgement=None,
        measurement=Measurement(),
    )
    judged = version("Mine (made elsewhere)", p50_ms=3.0)
    dated = dataclasses.replace(PLAIN, measurement=dataclasses.replace(PLAIN.measurement, taken_at=WHEN))
    plan = PlanResult(
        baseline=Recipe(title="Original"),
        candidates=(*(v.recipe for v in (BEST, PLAIN, EIGHT, broken)), Recipe(title="Late", why="Why not.")),
        dropped=(("On the graphics card", "There is none."),),
    )
    steps = [
        StepRecord("r", 2, "Measure the original", "done", seconds=3.0, variant_index=0),
        StepRecord("r", 3, "BF16", "done", seconds=5.0, variant_index=1),
        StepRecord("r", 7, "Late", "skipped", "no time left within your limit", variant_index=5),
    ]
    made = [dataclasses.replace(one, index=index) for index, one in enumerate((BEST, dated, EIGHT, broken, judged), 1)]
    rows = {row.title: row for row in tried_rows(plan, [original, *made], steps, "BF16", 1.0)}
    assert {title: row.outcome for title, row in rows.items()} == {
        "Original": "original", "BF16": "recommended", "Engine": "tried", "INT8": "tried", "Broken": "tried",
        "Late": "skipped", "On the graphics card": "left_out", "Mine (made elsewhere)": "tried",
    }  # fmt: skip
    assert (rows["BF16"].seconds, rows["Original"].seconds, rows["BF16"].why) == (5.0, 3.0, "Why BF16.")
    assert rows["Engine"].because == "Another one is faster."
    assert rows["Engine"].measured == WHEN
    assert rows["INT8"].because == "Beyond your limit of 1 %"
    assert rows["Broken"].because == "No good. It is bad."
    assert rows["Late"].because == "No time left within your limit."
    assert rows["On the graphics card"].because == "There is none."
