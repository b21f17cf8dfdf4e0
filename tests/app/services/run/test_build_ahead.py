"""Engines built ahead for cards that are elsewhere: what is said of them, and that nothing is claimed."""

import dataclasses

import pytest
from judged import variant

from app.cli.building import architectures_of, check_can_build
from app.cli.output import CommandFailed
from app.domain.choose import is_regressed
from app.domain.outcome import Ending, SearchEnd, outcome_of
from app.domain.variant import Measurement, Variant
from app.domain.words.outcome import headline
from app.domain.words.results import verdict_words
from app.services.records.documents import variant_document
from app.services.run.build_ahead import of_tensorrt, unmeasured
from workers.contracts.jobs import DescribeResult
from workers.contracts.specs import DescribedTarget, DeviceFacts, Recipe

END = SearchEnd(planned=2, final="done", built_for=("sm89", "sm120"))


def built(name: str, verdict: str = "safe") -> Variant:
    """A version as the flow leaves it: judged elsewhere, not measured."""
    made = variant(name, verdict=verdict)
    return dataclasses.replace(
        made,
        state="answered",
        runtime="tensorrt",
        artifact_key="key",
        measurement=Measurement(),
        judgement=unmeasured(made.judgement),
    )


def test_answers_of_another_engine_prove_nothing_and_may_refuse() -> None:
    """Given answers of ONNX Runtime that are alike, then the engine is unmeasured and keeps their count; a regression
    is one here, too."""
    alike, worse = built("alike"), built("worse", "regressed")
    document = variant_document(alike)
    assert document["verdict"] == "unmeasured" and document["agreement"] is not None
    assert document["latency_p50_ms"] is None and document["speedup"] is None and document["measured"] is None
    assert is_regressed(worse) and not is_regressed(alike)
    assert verdict_words(alike) == "Not run on a card yet"


def test_nothing_built_ahead_is_ever_recommended() -> None:
    outcome = outcome_of([built("a"), built("b", "regressed")], "speed", END)
    assert (outcome.ending, outcome.best, len(outcome.built)) == (Ending.BUILT, None, 2)
    said = headline(outcome, "speed", 1.0)
    assert said.startswith("2 engines are built for SM89, SM120") and "none is recommended" in said


def test_no_engine_at_all_is_said_so() -> None:
    dropped = dataclasses.replace(built("a"), state="dropped", artifact_key=None)
    assert headline(outcome_of([dropped], "speed", END), "speed", 1.0).startswith("No engine could be built")


@pytest.mark.parametrize(
    ("text", "runtimes", "device"),
    [("sm90", (), None), ("", (), None), ("sm89", ("openvino",), None), ("sm89", (), "cpu")],
)
def test_options_that_do_not_fit(text: str, runtimes: tuple[str, ...], device: str | None) -> None:
    """Given an architecture that is none, or another engine or device beside it, then wrong usage, in words."""
    with pytest.raises(CommandFailed) as failed:
        architectures_of(text, runtimes, device)
    assert failed.value.exit_code == 2


def test_options_that_fit() -> None:
    assert architectures_of("sm89,SM120", ("tensorrt",), None) == ("sm89", "sm120")
    assert architectures_of(None, ("openvino",), "cpu") == ()


def test_without_the_library_nothing_is_begun() -> None:
    """Given no tensorrt-rtx, then exit code 6 and the line that installs it."""
    device = DeviceFacts(processor="p", cores=2, memory_bytes=1)
    rows = {"devices": (), "runtimes": (), "techniques": (), "versions": {}}

    def found(there: bool) -> DescribeResult:
        target = DescribedTarget(id="tensorrt", title="t", available=there)
        return DescribeResult(device=device, targets=(target,), **rows)

    with pytest.raises(CommandFailed) as failed:
        check_can_build(found(False))
    assert failed.value.exit_code == 6 and "installer/fettle --gpu rtx" in failed.value.error.hint
    check_can_build(found(True))


def test_only_recipes_for_tensorrt_are_built() -> None:
    mine = Recipe(title="mine", runtime="tensorrt")
    assert of_tensorrt((Recipe(title="other", runtime="openvino"), mine)) == (mine,)
