"""Test engines built for cards of other computers: how they are described, and that none is recommended."""

import dataclasses
import json
from pathlib import Path

import pytest
from judged import variant
from play import Like
from records import described
from staging import Make, recipes

from app.cli.optimize import architectures_of, check_can_build
from app.cli.output import CommandFailed
from app.domain.choose import is_regressed
from app.domain.outcome import Ending, SearchEnd, outcome_of
from app.domain.run import RunState
from app.domain.variant import Measurement, Variant
from app.domain.words.outcome import headline
from app.domain.words.results import verdict_words
from app.services.flow.events import LogLine
from app.services.records.documents import variant_document
from app.services.run.build_ahead import of_tensorrt, unmeasured
from workers.contracts.specs import DescribedTarget, ModelArtifact, Recipe

END = SearchEnd(planned=2, final="done", built_for=("sm89", "sm120"))


def built(name: str, verdict: str = "safe") -> Variant:
    """Return a version as the flow leaves it: judged with another runtime, not measured."""
    made = variant(name, verdict=verdict)
    return dataclasses.replace(
        made,
        state="answered",
        runtime="tensorrt",
        artifact_key="key",
        measurement=Measurement(),
        judgement=unmeasured(made.judgement),
    )


def test_version_judged_with_another_runtime_is_unmeasured_or_regressed() -> None:
    """Given predictions of ONNX Runtime without changes, Then the engine is unmeasured and keeps their count; a
    regression remains one."""
    alike, worse = built("alike"), built("worse", "regressed")
    document = variant_document(alike)
    assert document["verdict"] == "unmeasured" and document["agreement"] is not None
    assert document["latency_p50_ms"] is None and document["speedup"] is None and document["measured"] is None
    assert is_regressed(worse) and not is_regressed(alike)
    assert verdict_words(alike) == "Not run on a card yet"


def test_outcome_of_built_engines_recommends_none() -> None:
    outcome = outcome_of([built("a"), built("b", "regressed")], "speed", END)
    assert (outcome.ending, outcome.best, len(outcome.built)) == (Ending.BUILT, None, 2)
    words = headline(outcome, "speed", 1.0)
    assert words.startswith("2 engines are built for SM89, SM120") and "none is recommended" in words


def test_headline_without_any_engine_names_that() -> None:
    dropped = dataclasses.replace(built("a"), state="dropped", artifact_key=None)
    assert headline(outcome_of([dropped], "speed", END), "speed", 1.0).startswith("No engine could be built")


@pytest.mark.parametrize(
    ("text", "runtimes", "device"),
    [("sm90", (), None), ("", (), None), ("sm89", ("openvino",), None), ("sm89", (), "cpu")],
)
def test_architectures_that_do_not_fit_are_refused(text: str, runtimes: tuple[str, ...], device: str | None) -> None:
    """Given an unknown architecture, or another runtime or device, Then the usage is wrong."""
    with pytest.raises(CommandFailed) as failed:
        architectures_of(text, runtimes, device)
    assert failed.value.exit_code == 2


def test_architectures_are_normalized() -> None:
    assert architectures_of("sm89,SM120", ("tensorrt",), None) == ("sm89", "sm120")
    assert architectures_of(None, ("openvino",), "cpu") == ()


def test_check_can_build_without_the_library_names_its_installation() -> None:
    """Given no tensorrt-rtx, Then exit code 6 and the command that installs it."""
    missing, available = (
        described(targets=(DescribedTarget(id="tensorrt", title="t", available=there),)) for there in (False, True)
    )
    with pytest.raises(CommandFailed) as failed:
        check_can_build(missing)
    assert failed.value.exit_code == 6 and "installer/fettle --gpu rtx" in failed.value.error.hint
    check_can_build(available)


def test_only_recipes_for_tensorrt_are_built() -> None:
    mine = Recipe(title="mine", runtime="tensorrt")
    assert of_tensorrt((Recipe(title="other", runtime="openvino"), mine)) == (mine,)


def test_build_ahead_makes_judges_and_never_recommends(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given recipes for TensorRT and two architectures, one of which gets no engine, When a run builds ahead, Then each
    version is judged by its model file, a failed one is dropped, a regressed one is marked, and none is recommended."""
    likes = {"A": Like(), "B": Like(fails_at="apply"), "C": Like(verdict="regressed")}
    one = stage(Like(p50_ms=4), likes)
    one.play.candidates, usual = recipes(*likes, runtime="tensorrt"), one.play._model

    def with_engines(name: str, size_bytes: int) -> tuple[ModelArtifact, Path]:
        artifact, folder = usual(name, size_bytes)
        (folder / "model" / "tensorrt.json").write_text(json.dumps({"engines": [{"architectures": ["sm89"]}]}))
        return artifact, folder

    monkeypatch.setattr(one.play, "_model", with_engines)
    one.change(build_for=("sm86", "sm89"))
    run = one.go()
    assert (run.state, run.recommended_variant_id) == (RunState.KEPT_ORIGINAL, None)
    assert run.headline.startswith("2 engines are built for SM86, SM89") and one.outcome.ending is Ending.BUILT
    assert one.states == {
        "Check the model": "done", "Read the examples": "done", "Ask the original": "done", "A": "done", "B": "failed",
        "C": "warning",
    }  # fmt: skip
    assert one.variants["A"].judgement.verdict == "unmeasured" and one.variants["C"].judgement.verdict == "regressed"
    assert (one.variants["A"].state, one.variants["B"].state) == ("answered", "dropped")
    warned = [event.text for event in one.events if isinstance(event, LogLine) and event.level == "warning"]
    assert "A: no engine for SM86, whose cards cannot compute with such numbers." in warned
