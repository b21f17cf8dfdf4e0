"""Test runs that version 0.1.0 began: they are read, explained and resumed."""

import dataclasses
import json

import pytest
from play import Like
from records import described
from staging import Make, Stage

from app.services.after.trying.tried import known_to
from app.services.records.run_records import saved_plan
from workers.contracts.jobs import DescribeResult, PlanResult
from workers.contracts.planning import Instructions
from workers.contracts.specs import Described, DeviceFacts

PLAN_OF_0_1 = {
    "baseline": {"title": "Original"},
    "candidates": [{"title": "INT8", "steps": [{"technique": "int8_static"}], "only_if_failed": ["A"], "id": ""}],
    "dropped": [["On the graphics card", "There is none."]],
}
HERE = DeviceFacts(processor="p", cores=2, memory_bytes=1, features=("avx2",))


def described_on(device: DeviceFacts) -> DescribeResult:
    technique = Described(id="int8_static", title="INT8", available=True, traits=("int8", "speed"))
    instructions = (Instructions(name="avx2", title="AVX2", arithmetic="fp32"),)
    return described(device=device, techniques=(technique,), instructions=instructions)


def test_plan_of_an_old_run_is_read() -> None:
    """Given the stored plan of an old run, Then its reasons are read, and recipes are identified by their titles."""
    plan = PlanResult.model_validate_json(json.dumps(PLAN_OF_0_1))
    (dropped,) = plan.dropped
    assert (dropped.title, dropped.reason.text, dropped.reason.code) == ("On the graphics card", "There is none.", "")
    assert plan.candidates[0].id == "INT8" and plan.candidates[0].only_if_failed == ("A",)
    assert PlanResult.model_validate_json(plan.model_dump_json()) == plan


def test_known_to_completes_an_old_plan_with_the_present_machine() -> None:
    """Given an old run, Then its techniques are those described now, and so is its processor if it is the present
    one."""
    plan = PlanResult.model_validate(PLAN_OF_0_1)
    known = known_to(plan, HERE, described_on(HERE))
    assert known.traits["int8_static"] == {"int8", "speed"} and known.titles("fp32") == ["AVX2"]
    other = HERE.model_copy(update={"features": ("avx512_vnni",)})
    assert known_to(plan, HERE, described_on(other)).instructions == ()
    assert known_to(plan, None, None).traits == {} == known_to(None, None, None).traits


def without_ids(one: Stage) -> None:
    """Store the run as version 0.1.0 did: without ids and traits."""
    repositories = one.space.repositories
    plan = json.loads(one.stored.goal.recipe_json or "")
    del plan["by_traits"]
    for recipe in plan["recipes"]:
        del recipe["id"], recipe["title_when"]
    goal = dataclasses.replace(one.stored.goal, recipe_json=json.dumps(plan))
    repositories.runs.update(dataclasses.replace(one.stored, goal=goal))


@pytest.mark.parametrize("title", ["A", "A, as it was called then"])
def test_resumed_old_run_repeats_nothing(stage: Make, title: str) -> None:
    """Given an interrupted run without ids, in which a version may have had another title, When it is resumed, Then
    finished work is not repeated, and recipes that depend on that version find it."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=1), "B": Like(p50_ms=2), "C": Like(p50_ms=3)})
    a, b, c = one.request.preset.recipes
    careful = c.model_copy(update={"only_if_failed": ("A",)})
    one.change(preset=one.request.preset.with_recipes((a, b, careful)))
    one.play.interrupt_at = "answer:B"
    one.go()
    without_ids(one)
    before = one.variants["A"]
    recipe = before.recipe.model_copy(update={"title": title, "id": title})
    one.space.repositories.variants.update(dataclasses.replace(before, title=title, recipe=recipe))
    plan = saved_plan(one.stored)
    assert [recipe.id for recipe in plan.recipes] == ["A", "B", "C"]
    one.play.interrupt_at, one.play.seen = "", []
    one.again()
    assert one.variants["A"].id == before.id and "apply:A" not in one.play.seen
    assert set(one.variants) == {"Original", "A", "B"} and one.states["C"] == "skipped"
