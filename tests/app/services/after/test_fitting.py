"""Which version a target takes, and which target takes one click."""

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
    """The first is recommended; the original runs in ONNX Runtime."""
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


def test_the_recommended_one_where_it_fits(tmp_path: Path) -> None:
    """Given a recommended version in ONNX Runtime, then it is taken, and nothing is said of another."""
    known = facts(tmp_path, faster("best", 3.0), faster("other", 9.0))
    assert fitting(PLAIN, known, known.variants[1]).id == "best"
    assert instead_of(PLAIN, known, known.variants[1]) is None


def test_the_best_proven_one_else(tmp_path: Path) -> None:
    """Given one that OpenVINO runs, then of those in ONNX Runtime the fastest that is safe, and the other is named."""
    known = facts(
        tmp_path, faster("best", 5.0, "openvino"), faster("slow", 1.5), faster("fast", 2.5),
        faster("faster, not proven", 4.0, verdict="not_enough_data"), faster("worse", 6.0, verdict="regressed"),
    )  # fmt: skip
    found = fitting(PLAIN, known, known.variants[1])
    assert found.id == "fast"
    report = instead_of(PLAIN, known, found)
    assert report is not None and (report.id, report.runtime) == ("best", "openvino")
    assert instead_of(ANY, known, found) is None


def test_the_original_where_no_other_is_proven(tmp_path: Path) -> None:
    """Given nothing proven in ONNX Runtime, then the original."""
    known = facts(tmp_path, faster("best", 5.0, "openvino"), faster("slower", 0.8))
    assert fitting(PLAIN, known, known.variants[1]).id == "o"


def test_two_models_in_one_are_no_plain_one(tmp_path: Path) -> None:
    """Given a version in ONNX Runtime that is a cascade, then the target does not take it, and another one it does."""
    known = facts(tmp_path, faster("best", 5.0), faster("plain", 2.0), settings={"best": {"cascade": {}}})
    assert not takes(PLAIN, known, known.variants[1]) and takes(ANY, known, known.variants[1])
    assert fitting(PLAIN, known, known.variants[1]).id == "plain"


def test_asked_for_by_its_id(tmp_path: Path) -> None:
    """Given a version that was asked for and that the target cannot take, then words with what it takes instead."""
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
    """Given a recommended version in OpenVINO and a target that needs ONNX, which gets the original, Then of two faster
    versions without a verdict the better one can be proven; not one that calibration refuses, and none where the target
    takes the recommended one."""
    known = facts(
        tmp_path, faster("best", 3.0, "openvino"), not_tested("slow", 1.3), not_tested("fast", 1.6),
        not_tested("refused", 2.0, regressed=True),
    )  # fmt: skip
    best = known.variants[1]
    assert fitting(PLAIN, known, best).is_baseline
    found = provable(PLAIN, known, best)
    assert found is not None and found.id == "fast"
    assert provable(ANY, known, best) is None


def test_nothing_is_left_to_prove_where_a_proven_one_is_as_good(tmp_path: Path) -> None:
    """Given a safe version in ONNX Runtime that is as fast as the one without a verdict, Then nothing is offered; where
    it is slower, the other is."""
    for times, offered in ((1.6, None), (1.2, "fast")):
        safe = faster("safe", times)
        known = facts(tmp_path / str(times), faster("best", 3.0, "openvino"), safe, not_tested("fast", 1.61))
        found = provable(PLAIN, known, known.variants[1])
        assert (found.id if found is not None else None) == offered


def looked_at(name: str, times: float, runtime: str = "onnxruntime-cpu", *, regressed: bool = False) -> Variant:
    """A version of which there is a first measurement only."""
    measured = Measurement(latency_p50_ms=1.0, latency_mean_ms=1.0, n=100, speedup=times)
    known = dataclasses.replace(faster(name, times, runtime), judgement=None, state="measured", measurement=measured)
    return dataclasses.replace(known, screening=Screening(n=20, regressed=regressed))


def test_what_looked_faster_in_a_first_measurement_can_be_proven(tmp_path: Path) -> None:
    """Given a recommended version in OpenVINO and versions in ONNX Runtime that were measured only once, Then the one that
    looked fastest can be proven; not one that calibration refuses, nor one that looked no faster than the original."""
    known = facts(
        tmp_path, faster("best", 3.0, "openvino"), looked_at("slow", 1.3), looked_at("fast", 1.6),
        looked_at("refused", 2.0, regressed=True), looked_at("other engine", 4.0, "openvino"),
    )  # fmt: skip
    found = provable(PLAIN, known, known.variants[1])
    assert found is not None and found.id == "fast"
    without = dataclasses.replace(known, variants=(*known.variants[:2], looked_at("even", 1.01)))
    assert provable(PLAIN, without, without.variants[1]) is None


def test_a_first_measurement_counts_where_it_looked_better_than_a_gain(tmp_path: Path) -> None:
    """Given a gain without a verdict and a version that was measured only once, Then the second is offered where it
    looked faster by more than 3 %, and else the gain."""
    for times, offered in ((1.62, "gain"), (1.8, "look")):
        known = facts(
            tmp_path / str(times), faster("best", 3.0, "openvino"), not_tested("gain", 1.6), looked_at("look", times)
        )
        found = provable(PLAIN, known, known.variants[1])
        assert found is not None and found.id == offered


def test_a_target_takes_what_is_as_little_proven_as_the_recommended_one(tmp_path: Path) -> None:
    """Given a recommended version that is alike and not proven, as few examples allow, Then a target takes such a version
    as well; where the recommended one is safe, it does not."""
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
def test_the_target_that_was_chosen_last(last_id: str, wanted: str | None) -> None:
    """Given nothing that was chosen, or nothing that is known, then the first that works; one that asks, is not here or
    takes another version is for a person to see first."""
    known = offered()
    found = target_at_once(TARGETS, last_id, known, known.variants[1])
    assert (found.id if found else None) == wanted


@pytest.mark.parametrize("verdict", ["regressed", "not_enough_data", None])
def test_only_what_is_proven(verdict: Any) -> None:
    """Given a version whose answers are not proven, then it is not written before a person has said so."""
    known = offered()
    judged = variant("other", verdict=verdict or "safe", artifact_key="k")
    wanted = judged if verdict else dataclasses.replace(judged, judgement=None)
    assert target_at_once(TARGETS, "", known, wanted) is None


@pytest.mark.parametrize(
    ("verdict", "origin", "asks"),
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
def test_terms_that_stand_against_it(verdict: LicenseVerdict | None, origin: Any, asks: bool) -> None:
    """Given terms that forbid passing a copy on, a use, or that nobody can read, then they are shown first; an own file of
    which nothing is stated is the person's own."""
    known = offered(verdict=verdict, origin=origin)
    assert (target_at_once(TARGETS, "", known, known.variants[1]) is None) == asks
