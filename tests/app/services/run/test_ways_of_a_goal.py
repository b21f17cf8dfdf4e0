"""Test goals on this computer: with a GPU, for a language model, or without any fitting recipe."""

from typing import Any

import play
import pytest
from play import Like
from staging import Make, recipes

from app.domain.run import RunState
from app.domain.words.results import NO_AVX2
from app.services.flow.events import LogLine
from app.services.records.documents import run_document
from presets.loader import load_presets
from workers.contracts.gpu import GpuCard, GpuState, RungsResult
from workers.contracts.jobs import AnswerParams
from workers.contracts.planning import Dropped, PlanResult, Reason
from workers.contracts.specs import ChatFacts, Described

CARD = GpuCard(index=0, uuid="GPU-a", name="Card A", memory_bytes=8_000_000_000)


def on_card(make: Make, free_bytes: int, requested: tuple[str, ...] = (), **versions: Like) -> Any:
    """Return a run whose versions use a GPU with `free_bytes`; a person may have `requested` runtimes."""
    one = make(Like(p50_ms=4), versions, runtimes=requested)
    one.play.candidates = recipes(*versions, runtime="onnxruntime-cuda")
    looked = RungsResult(state=GpuState(), cards=(CARD,), rungs=(), free_bytes={"GPU-a": free_bytes})
    one.play._gpu_rungs_job = lambda step: (looked, one.play.root)
    described, root = one.play._describe_job(None)
    row = Described(id="onnxruntime-cuda", title="CUDA", available=True, group="cuda")
    found = described.model_copy(update={"runtimes": (*described.runtimes, row)})
    one.play._describe_job = lambda step: (found, root)
    return one


@pytest.mark.parametrize("code", ["gpu_lost", "gpu_out_of_memory"])
def test_lost_gpu_fails_one_version_and_the_next_is_tried(stage: Make, code: str) -> None:
    """Given a GPU that is lost or full during one version, Then that one is dropped with the reason, and the next is
    tried and recommended."""
    one = on_card(stage, 8_000_000_000, A=Like(p50_ms=1, fails_at="answer", code=code), B=Like(p50_ms=2))
    run = one.go()
    assert run.state is RunState.FINISHED
    assert run.recommended_variant_id == one.variants["B"].id
    assert one.states["A"] == "failed"
    assert one.variants["A"].judgement is None, "it is never called safe"


@pytest.mark.parametrize(("free_bytes", "level"), [(1_000_000, "warning"), (8_000_000_000, "info")])
def test_free_memory_of_the_gpu_is_logged(stage: Make, free_bytes: int, level: str) -> None:
    """Given the free memory of the GPU, Then it is logged with the model's need; as a warning only if it cannot fit."""
    one = on_card(stage, free_bytes, A=Like(p50_ms=2))
    one.go()
    logged = [event for event in one.events if isinstance(event, LogLine) and CARD.name in event.text]
    assert [event.level for event in logged] == [level]


@pytest.mark.parametrize("yes", [(), ("onnxruntime-cuda",)])
def test_recipes_that_do_not_fit_the_gpu_run_only_on_request(stage: Make, yes: tuple[str, ...]) -> None:
    """Given a GPU that is nearly full, Then recipes for it are listed as not tried with advice to request them; after a
    request they are tried."""
    one = on_card(stage, 1_000_000, yes, A=Like(p50_ms=2))
    run = one.go()
    logged = " ".join(event.text for event in one.events if isinstance(event, LogLine))
    assert ("A" in one.variants) == bool(yes)
    assert ("To use the card anyway, name it (--device cuda:0)" in logged) == (not yes)
    dropped = PlanResult.model_validate_json(run.plan_json).dropped
    assert [row.reason.code for row in dropped if row.title == "A"] == ([] if yes else ["no_room_on_card"])


def test_goal_without_fitting_recipes_names_the_reason(stage: Make) -> None:
    """Given a goal whose only recipe needs a missing library, Then the run reports that none was tried."""
    one = stage(Like(p50_ms=4), {})
    one.play.left_out = (Dropped(title="A", reason=Reason(code="no_library", text="It needs a library.")),)
    run = one.go()
    assert run.state is RunState.KEPT_ORIGINAL
    assert (
        run.headline == "No optimization of this goal works on this computer: keep the original, or choose another goal"
    )
    assert one.outcome.end.none_fits.text == "It needs a library."
    assert run_document(run, list(one.variants.values()), one.outcome)["outcome"]["ending"] == "none_fits"


def warnings_of(one: Any) -> str:
    return " ".join(event.text for event in one.events if isinstance(event, LogLine) and event.level == "warning")


@pytest.mark.parametrize(("preset", "is_hinted"), [("balanced", True), ("fastest-chat", False)])
def test_a_chat_model_gets_a_hint_at_its_own_goals(
    stage: Make, monkeypatch: pytest.MonkeyPatch, preset: str, is_hinted: bool
) -> None:
    """Given a language model, When the goal is not made for one, Then the run names those that are."""
    chat = ChatFacts(context=2048, cache_numbers_per_token=100)
    monkeypatch.setattr(play, "INFO", play.INFO.model_copy(update={"chat": chat}))
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2.0)})
    chosen = load_presets().get(preset).model_copy(update={"recipes": one.request.preset.recipes})
    one.change(preset=chosen)
    one.go()
    assert ("“Fastest chat”" in warnings_of(one)) is is_hinted


@pytest.mark.parametrize("lacks", [False, True])
def test_run_on_a_processor_without_avx2_warns(stage: Make, lacks: bool) -> None:
    """Given a processor with or without AVX2, When a run begins, Then the run warns only without it."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2.0)})
    described, root = one.play._describe_job(None)
    device = described.device.model_copy(update={"lacks_avx2": lacks})
    one.play._describe_job = lambda step: (described.model_copy(update={"device": device}), root)
    one.go()
    assert (NO_AVX2 in warnings_of(one)) is lacks


def test_other_models_get_no_hint_at_goals_for_chats(stage: Make) -> None:
    """Given a model of pictures under the usual goal, Then goals for language models are not named."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2.0)})
    one.go()
    assert "Fastest chat" not in warnings_of(one)


def test_chat_model_predicts_as_many_texts_as_its_limit_requires(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given 1,000 texts and a limit of 1 %, Then 482 are evaluated; the original continues after those that it
    evaluated first."""
    chat = ChatFacts(context=2048, cache_numbers_per_token=100)
    monkeypatch.setattr(play, "INFO", play.INFO.model_copy(update={"chat": chat}))
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2.0)}, time_budget_s=200)
    one.play.item_s = 0.05  # 14 of 24 seconds at first
    requested: list[tuple[str, AnswerParams]] = []
    answer = one.play._answer_job
    monkeypatch.setattr(
        one.play, "_answer_job", lambda step: requested.append((step.title, step.params)) or answer(step)
    )
    one.go()
    tested = [(title, params) for title, params in requested if params.split == "test"]
    assert [title for title, _ in tested] == ["Original", "Original", "A"]
    assert [params.most for _, params in tested] == [482] * 3
    assert [bool(params.earlier) for _, params in tested] == [False, True, False]
    assert tested[0][1].max_seconds and tested[1][1].max_seconds is None
    assert {params.most for _, params in requested if params.split == "calibration"} == {59}
    assert one.variants["A"].judgement.n_unasked == 518


@pytest.mark.parametrize("item_s", [0.05, 0.001])
def test_chat_model_with_a_partial_first_pass_reports_no_notes(
    stage: Make, monkeypatch: pytest.MonkeyPatch, item_s: float
) -> None:
    """Given too little time at first for all texts, Then notes about these are not reported yet."""
    chat = ChatFacts(context=2048, cache_numbers_per_token=100)
    monkeypatch.setattr(play, "INFO", play.INFO.model_copy(update={"chat": chat}))
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2.0)}, time_budget_s=200)
    one.play.item_s, judge = item_s, one.play._judge_job

    def with_note(step: Any) -> Any:
        result, folder = judge(step)
        return result.model_copy(update={"notes": ("Too few texts.",)}), folder

    monkeypatch.setattr(one.play, "_judge_job", with_note)
    one.go()
    assert ("Too few texts." in warnings_of(one)) is (item_s < 0.01)
