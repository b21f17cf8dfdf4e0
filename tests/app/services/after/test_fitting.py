"""Test which version a target takes, and which target needs one click only."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from documented import NOW, a_run, variant
from flows import refusal

from app.domain.project import Project
from app.domain.variant import Measurement, Screening, Variant
from app.services.after.fitting import check_takes, fitting, instead_of, provable, takes, target_at_once
from app.services.records.facts import RunFacts
from workers.contracts.folder import write_model
from workers.contracts.licenses import NOT_STATED, LicenseVerdict
from workers.contracts.specs import DescribedTarget, Question, Verdict

PROJECT = Project("p", "Model", "/m.onnx", "ab", NOW, NOW)
PLAIN = DescribedTarget(id="hub", title="Hub folder", available=True, runtimes=("onnxruntime-cpu",), settings=())
ANY = DescribedTarget(id="python", title="Python folder", available=True)


def faster(name: str, times: float, runtime: str = "onnxruntime-cpu", verdict: Verdict = "safe") -> Variant:
    measured = Measurement(latency_p50_ms=1.0, n=100, speedup=times, speedup_low=times * 0.95)
    made = variant(name, verdict=verdict, measurement=measured, artifact_key=f"{name}key")
    return dataclasses.replace(made, runtime=runtime)


def facts(store: Path, *variants: Variant, settings: dict[str, dict[str, object]] | None = None) -> RunFacts:
    """Return facts of which the first version is recommended; the original runs in ONNX Runtime."""
    original = dataclasses.replace(variant("o", 0, is_baseline=True, artifact_key="okey"), runtime="onnxruntime-cpu")
    found = RunFacts(
        PROJECT, a_run(recommended_variant_id=variants[0].id), (original, *variants), store / "ok" / "okey" / "model",
        store, store,
    )  # fmt: skip
    for one in found.variants:
        folder = found.model_dir(one)
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(b"m")
        write_model(folder, "model.onnx", ["model.onnx"], settings=(settings or {}).get(one.id))
    return found


def test_fitting_returns_the_recommended_version_if_taken(tmp_path: Path) -> None:
    """Given a recommended version in ONNX Runtime, Then it is taken, and no other one is named."""
    known = facts(tmp_path, faster("best", 3.0), faster("other", 9.0))
    assert fitting(PLAIN, known, known.variants[1]).id == "best"
    assert instead_of(PLAIN, known, known.variants[1]) is None


def test_fitting_returns_the_best_proven_version_of_the_runtime(tmp_path: Path) -> None:
    """Given a recommended version in OpenVINO, Then the fastest safe one in ONNX Runtime is taken, and the other one is
    named."""
    known = facts(
        tmp_path, faster("best", 5.0, "openvino"), faster("slow", 1.5), faster("fast", 2.5),
        faster("faster, not proven", 4.0, verdict="not_enough_data"), faster("worse", 6.0, verdict="regressed"),
    )  # fmt: skip
    found = fitting(PLAIN, known, known.variants[1])
    assert found.id == "fast"
    report = instead_of(PLAIN, known, found)
    assert (report.id, report.runtime) == ("best", "openvino")
    assert instead_of(ANY, known, found) is None


def test_fitting_without_a_proven_version_returns_the_original(tmp_path: Path) -> None:
    """Given nothing proven in ONNX Runtime, Then the original is taken."""
    known = facts(tmp_path, faster("best", 5.0, "openvino"), faster("slower", 0.8))
    assert fitting(PLAIN, known, known.variants[1]).id == "o"


def test_takes_refuses_a_cascade_for_a_plain_target(tmp_path: Path) -> None:
    """Given a cascade in ONNX Runtime, Then the plain target does not take it, and another one does."""
    known = facts(tmp_path, faster("best", 5.0), faster("plain", 2.0), settings={"best": {"cascade": {}}})
    assert not takes(PLAIN, known, known.variants[1]) and takes(ANY, known, known.variants[1])
    assert fitting(PLAIN, known, known.variants[1]).id == "plain"


def test_check_takes_refuses_with_the_alternative(tmp_path: Path) -> None:
    """Given a requested version that the target cannot take, Then the error names the one that it takes."""
    known = facts(tmp_path, faster("best", 5.0, "openvino"), faster("fast", 2.5))
    check_takes(PLAIN, known, known.variants[2])
    refused = refusal(check_takes, PLAIN, known, known.variants[1])
    assert (refused.error.code, refused.exit_code) == ("version_not_for_target", 3)
    assert "--variant fast" in refused.error.hint


def test_nothing_fits(tmp_path: Path) -> None:
    """Given not even an original that the target takes, then it is refused plainly."""
    known = facts(tmp_path, faster("best", 5.0, "openvino"), settings={"o": {"parts": {}}})
    assert "Neither does it run the original" in refusal(fitting, PLAIN, known, known.variants[1]).error.detail


def not_tested(name: str, times: float, *, regressed: bool = False) -> Variant:
    """A gain without a verdict, measured in turn."""
    known = dataclasses.replace(faster(name, times), judgement=None, state="confirmed", precision="int8")
    return dataclasses.replace(known, screening=Screening(n=20, regressed=regressed, untested="dominated"))


def test_what_a_target_could_take_is_the_best_that_was_not_tested(tmp_path: Path) -> None:
    """Given a recommended version in OpenVINO and a target that needs ONNX, Then the better one of two faster untested
    versions can be proven, but not one that calibration refuses, and none if the target takes the recommended
    version."""
    known = facts(
        tmp_path, faster("best", 3.0, "openvino"), not_tested("slow", 1.3), not_tested("fast", 1.6),
        not_tested("refused", 2.0, regressed=True),
    )  # fmt: skip
    best = known.variants[1]
    assert fitting(PLAIN, known, best).is_baseline
    assert provable(PLAIN, known, best).id == "fast"
    assert provable(ANY, known, best) is None


def test_provable_is_none_if_a_proven_version_is_as_good(tmp_path: Path) -> None:
    """Given a safe version in ONNX Runtime that is as fast as the untested one, Then nothing is offered; if it is
    slower, the other one is."""
    for times, offered in ((1.6, None), (1.2, "fast")):
        safe = faster("safe", times)
        known = facts(tmp_path / str(times), faster("best", 3.0, "openvino"), safe, not_tested("fast", 1.61))
        found = provable(PLAIN, known, known.variants[1])
        assert (found.id if found is not None else None) == offered


def looked_at(name: str, times: float, runtime: str = "onnxruntime-cpu", *, regressed: bool = False) -> Variant:
    """Return a version with a first measurement only."""
    measured = Measurement(latency_p50_ms=1.0, latency_mean_ms=1.0, n=100, speedup=times)
    known = dataclasses.replace(faster(name, times, runtime), judgement=None, state="measured", measurement=measured)
    return dataclasses.replace(known, screening=Screening(n=20, regressed=regressed))


def test_provable_includes_versions_with_a_first_measurement(tmp_path: Path) -> None:
    """Given a recommended version in OpenVINO and versions in ONNX Runtime with a first measurement only, Then the
    fastest one can be proven, but not one that calibration refuses or that looked no faster than the original."""
    known = facts(
        tmp_path, faster("best", 3.0, "openvino"), looked_at("slow", 1.3), looked_at("fast", 1.6),
        looked_at("refused", 2.0, regressed=True), looked_at("other engine", 4.0, "openvino"),
    )  # fmt: skip
    assert provable(PLAIN, known, known.variants[1]).id == "fast"
    without = dataclasses.replace(known, variants=(*known.variants[:2], looked_at("even", 1.01)))
    assert provable(PLAIN, without, without.variants[1]) is None


def test_provable_prefers_a_first_measurement_that_looked_better(tmp_path: Path) -> None:
    """Given an untested gain and a version with a first measurement only, Then the second is offered if it looked
    faster by more than 3 %, else the gain."""
    for times, offered in ((1.62, "gain"), (1.8, "look")):
        known = facts(
            tmp_path / str(times), faster("best", 3.0, "openvino"), not_tested("gain", 1.6), looked_at("look", times)
        )
        assert provable(PLAIN, known, known.variants[1]).id == offered


def test_fitting_takes_an_unproven_version_if_the_recommended_one_is_unproven(tmp_path: Path) -> None:
    """Given a recommended version that is alike and not proven, Then a target takes such a version as well; if the
    recommended one is safe, it does not."""
    wanted: tuple[tuple[Verdict, str], ...] = (("not_enough_data", "alike"), ("safe", "o"))
    for verdict, taken in wanted:
        best, alike = (
            dataclasses.replace(one, judgement=one.judgement and one.judgement.model_copy(update={"n": 144}))
            for one in (faster("best", 3.0, "openvino", verdict), faster("alike", 1.6, verdict="not_enough_data"))
        )
        known = facts(tmp_path / verdict, best, alike)
        assert fitting(PLAIN, known, known.variants[1]).id == taken


PYTHON = DescribedTarget(id="python", title="Python folder", available=True)
WEB = DescribedTarget(id="web", title="Web page", available=True)
ABSENT = DescribedTarget(id="absent", title="Absent", available=False)
ASKS = DescribedTarget(id="asks", title="Asks", available=True, questions=(Question(id="a", title="A?", needed=True),))
ONNX = DescribedTarget(id="onnx", title="Needs ONNX", available=True, runtimes=("onnxruntime-cpu",))
TARGETS = (ABSENT, PYTHON, WEB, ASKS, ONNX)
MIT = LicenseVerdict(word="ok", title="MIT", meaning="may be used, changed and sold")
HUB: Any = object()
"""Where a model came from; that it came from there is all that counts here."""


def offered(**changes: Any) -> RunFacts:
    original = variant("o", 0, is_baseline=True, artifact_key="okey")
    best = dataclasses.replace(variant("best", verdict="safe", artifact_key="key"), runtime="openvino")
    made = RunFacts(PROJECT, a_run(recommended_variant_id="best"), (original, best), Path("m"), Path("d"), Path("s"))
    return dataclasses.replace(made, **changes)


@pytest.mark.parametrize(
    ("last_id", "wanted"),
    [("", "python"), ("web", "web"), ("gone", "python"), ("absent", None), ("asks", None), ("onnx", None)],
)
def test_target_at_once_is_the_last_or_the_first_available_one(last_id: str, wanted: str | None) -> None:
    """Given no or an unknown last target, Then the first available one; a target with questions, an unavailable one, or
    one that takes another version needs a person."""
    known = offered()
    found = target_at_once(TARGETS, last_id, known, known.variants[1])
    assert (found.id if found else None) == wanted


@pytest.mark.parametrize("verdict", ["regressed", "not_enough_data", None])
def test_target_at_once_refuses_unproven_versions(verdict: Any) -> None:
    """Given a version that is not proven, Then a person must confirm it."""
    known = offered()
    judged = variant("other", verdict=verdict or "safe", artifact_key="k")
    wanted = judged if verdict else dataclasses.replace(judged, judgement=None)
    assert target_at_once(TARGETS, "", known, wanted) is None


@pytest.mark.parametrize(
    ("verdict", "origin", "needs_a_person"),
    [
        (None, None, False),
        (MIT, HUB, False),
        (NOT_STATED, None, False),
        (NOT_STATED, HUB, True),
        (MIT.model_copy(update={"word": "conditions"}), HUB, False),
        (MIT.model_copy(update={"word": "unknown", "title": "Own terms"}), None, True),
        (MIT.model_copy(update={"word": "noncommercial"}), None, True),
        (MIT.model_copy(update={"copies": False}), None, True),
    ],
)
def test_target_at_once_refuses_restrictive_terms(
    verdict: LicenseVerdict | None, origin: Any, needs_a_person: bool
) -> None:
    """Given terms that forbid copies or a use, or that are unknown, Then a person must read them; a person's own file
    without terms needs nothing."""
    known = offered(verdict=verdict, origin=origin)
    assert (target_at_once(TARGETS, "", known, known.variants[1]) is None) == needs_a_person
