"""What is written with one click, and what a person has to see or say first."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from documented import NOW, a_run, variant

from app.domain.project import Project
from app.services.after.at_once import target_at_once
from app.services.records.facts import RunFacts
from workers.contracts.licenses import NOT_STATED, LicenseVerdict
from workers.contracts.specs import DescribedTarget, Question

PROJECT = Project("p", "Model", "/m.onnx", "ab", NOW, NOW)
PYTHON = DescribedTarget(id="python", title="Python folder", available=True)
WEB = DescribedTarget(id="web", title="Web page", available=True)
ABSENT = DescribedTarget(id="absent", title="Absent", available=False)
ASKS = DescribedTarget(id="asks", title="Asks", available=True, questions=(Question(id="a", title="A?", needed=True),))
ONNX = DescribedTarget(id="onnx", title="Needs ONNX", available=True, runtimes=("onnxruntime-cpu",))
TARGETS = (ABSENT, PYTHON, WEB, ASKS, ONNX)
MIT = LicenseVerdict(word="ok", title="MIT", meaning="may be used, changed and sold")
HUB: Any = object()
"""Where a model came from; that it came from there is all that counts here."""


def facts(**changes: Any) -> RunFacts:
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
    known = facts()
    found = target_at_once(TARGETS, last_id, known, known.variants[1])
    assert (found.id if found else None) == wanted


@pytest.mark.parametrize("verdict", ["regressed", "not_enough_data", None])
def test_only_what_is_proven(verdict: Any) -> None:
    """Given a version whose answers are not proven, then it is not written before a person has said so."""
    known = facts()
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
    known = facts(verdict=verdict, origin=origin)
    assert (target_at_once(TARGETS, "", known, known.variants[1]) is None) == asks
