"""The ways a goal has here: on a GPU, for a language model, or none."""

import dataclasses
from typing import Any

import play
import pytest
from play import Like
from staging import Make, recipes

from app.domain.run import RunState
from app.services.flow.events import LogLine
from app.services.records.documents import run_document
from presets.loader import load_presets
from workers.contracts.gpu import GpuCard, GpuState, RungsResult
from workers.contracts.jobs import AnswerParams
from workers.contracts.planning import Dropped, PlanResult, Reason
from workers.contracts.specs import ChatFacts, Described

CARD = GpuCard(index=0, uuid="GPU-a", name="Card A", memory_bytes=8_000_000_000)


def on_card(make: Make, free_bytes: int, asked: tuple[str, ...] = (), **versions: Like) -> Any:
    """A run whose versions run on a card with so much free; a person may have `asked` for runtimes."""
    one = make(Like(p50_ms=4), versions, runtimes=asked)
    one.play.candidates = recipes(*versions, runtime="onnxruntime-cuda")
    looked = RungsResult(state=GpuState(), cards=(CARD,), rungs=(), free_bytes={"GPU-a": free_bytes})
    one.play._gpu_rungs_job = lambda step: (looked, one.play.root)
    described, root = one.play._describe_job(None)
    row = Described(id="onnxruntime-cuda", title="CUDA", available=True, group="cuda")
    found = described.model_copy(update={"runtimes": (*described.runtimes, row)})
    one.play._describe_job = lambda step: (found, root)
    return one


@pytest.mark.parametrize("code", ["gpu_lost", "gpu_out_of_memory"])
def test_the_next_version_goes_on(stage: Make, code: str) -> None:
    """Given a card that is lost, or full, in the middle of one version, Then that one is marked with the reason, and the
    next is tried and recommended."""
    one = on_card(stage, 8_000_000_000, A=Like(p50_ms=1, fails_at="answer", code=code), B=Like(p50_ms=2))
    run = one.go()
    assert run.state is RunState.FINISHED
    assert run.recommended_variant_id == one.variants["B"].id
    assert one.states["A"] == "failed"
    assert one.variants["A"].judgement is None, "it is never called safe"


@pytest.mark.parametrize(("free_bytes", "level"), [(1_000_000, "warning"), (8_000_000_000, "info")])
def test_room_is_told_before(stage: Make, free_bytes: int, level: str) -> None:
    """Given what is free on the card, Then it stands beside what the model needs; a warning only where it cannot fit."""
    one = on_card(stage, free_bytes, A=Like(p50_ms=2))
    one.go()
    said = [event for event in one.events if isinstance(event, LogLine) and CARD.name in event.text]
    assert [event.level for event in said] == [level]


@pytest.mark.parametrize("yes", [(), ("onnxruntime-cuda",)])
def test_what_cannot_fit_is_not_begun_without_a_yes(stage: Make, yes: tuple[str, ...]) -> None:
    """Given a card that is nearly full, Then versions for it are not tried and are listed with the reason, and it is said
    how to ask for them; who asked for the card has said yes, and they are tried."""
    one = on_card(stage, 1_000_000, yes, A=Like(p50_ms=2))
    run = one.go()
    said = " ".join(event.text for event in one.events if isinstance(event, LogLine))
    assert ("A" in one.variants) == bool(yes)
    assert ("To use the card anyway, name it (--device cuda:0)" in said) == (not yes)
    dropped = PlanResult.model_validate_json(run.plan_json).dropped
    assert [row.reason.code for row in dropped if row.title == "A"] == ([] if yes else ["no_room_on_card"])


def test_a_goal_of_which_nothing_fits_says_why(stage: Make) -> None:
    """Given a goal whose only recipe needs a missing library, Then the run says so, and none was tried."""
    one = stage(Like(p50_ms=4), {})
    one.play.left_out = (Dropped(title="A", reason=Reason(code="no_library", text="It needs a library.")),)
    run = one.go()
    assert run.state is RunState.KEPT_ORIGINAL
    assert (
        run.headline == "No optimization of this goal works on this computer: keep the original, or choose another goal"
    )
    assert one.outcome.end.none_fits.text == "It needs a library."
    assert run_document(run, list(one.variants.values()), one.outcome)["outcome"]["ending"] == "none_fits"


def told(one: Any) -> str:
    return " ".join(event.text for event in one.events if isinstance(event, LogLine) and event.level == "warning")


@pytest.mark.parametrize(("preset", "is_hinted"), [("balanced", True), ("fastest-chat", False)])
def test_a_chat_model_gets_a_hint_at_its_own_goals(
    stage: Make, monkeypatch: pytest.MonkeyPatch, preset: str, is_hinted: bool
) -> None:
    """Given a language model, When the goal is none of those that are made for it, Then the run names these."""
    chat = ChatFacts(context=2048, cache_numbers_per_token=100)
    monkeypatch.setattr(play, "INFO", play.INFO.model_copy(update={"chat": chat}))
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2.0)})
    chosen = load_presets().get(preset).model_copy(update={"recipes": one.ask.preset.recipes})
    one.ask = dataclasses.replace(one.ask, preset=chosen)
    one.go()
    assert ("“Fastest chat”" in told(one)) is is_hinted


def test_other_models_get_no_such_hint(stage: Make) -> None:
    """Given a model of pictures under the usual goal, Then goals for language models are not named."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2.0)})
    one.go()
    assert "Fastest chat" not in told(one)


def test_a_chat_model_reads_no_more_texts_than_its_limit_takes(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given 1,000 texts and a limit of 1 %, then 482 are read; the original goes on with those that it read first."""
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
def test_a_chat_model_s_first_texts_are_not_called_too_few(
    stage: Make, monkeypatch: pytest.MonkeyPatch, item_s: float
) -> None:
    """Given so little time at first that not all texts are read, then what these cannot prove is not told yet."""
    chat = ChatFacts(context=2048, cache_numbers_per_token=100)
    monkeypatch.setattr(play, "INFO", play.INFO.model_copy(update={"chat": chat}))
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2.0)}, time_budget_s=200)
    one.play.item_s, judge = item_s, one.play._judge_job

    def with_note(step: Any) -> Any:
        result, folder = judge(step)
        return result.model_copy(update={"notes": ("Too few texts.",)}), folder

    monkeypatch.setattr(one.play, "_judge_job", with_note)
    one.go()
    assert ("Too few texts." in told(one)) is (item_s < 0.01)
