"""A language model under a goal that was not made for one."""

import dataclasses
from typing import Any

import play
import pytest
from play import Like
from staging import Make

from app.services.flow.events import LogLine
from presets.loader import load_presets
from workers.contracts.chat import ChatFacts
from workers.contracts.jobs import AnswerParams


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
    asked: list[tuple[str, AnswerParams]] = []
    answer = one.play._answer_job
    monkeypatch.setattr(one.play, "_answer_job", lambda step: asked.append((step.title, step.params)) or answer(step))
    one.go()
    tested = [(title, params) for title, params in asked if params.split == "test"]
    assert [title for title, _ in tested] == ["Original", "Original", "A"]
    assert [params.most for _, params in tested] == [482] * 3
    assert [bool(params.earlier) for _, params in tested] == [False, True, False]
    assert tested[0][1].max_seconds and tested[1][1].max_seconds is None
    assert {params.most for _, params in asked if params.split == "calibration"} == {59}
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
        judgement = result.judgement.model_copy(update={"notes": ("Too few texts.",)})
        return result.model_copy(update={"judgement": judgement}), folder

    monkeypatch.setattr(one.play, "_judge_job", with_note)
    one.go()
    assert ("Too few texts." in told(one)) is (item_s < 0.01)
