"""Every real model's exported version beside its original, which its own library runs: the same raw inputs to both.

What is worked out here again must be what Fettle told. The models lie in FETTLE_MODELS_DIR (P/ and DATA/) and are no part
of the project. FETTLE_TIME_BUDGET_S gives each optimization more time than 90 s, where the machine is shared.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import pytest
from all_ways import WAYS
from figures import figures, softmax
from numpy.typing import NDArray
from sides import Side, speed_in_turn
from ways import Way
from whole import Whole, go

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(3600)]

AS_TOLD = 1e-3
NEVER_SLOWER = 0.97
BUSY_PERCENT = 15.0
"""Other programs' share of the processor from which a ratio of times says nothing."""


@dataclass(frozen=True)
class Asked:
    """Both sides' answers to all examples, prepared by hand."""

    old: list[NDArray[Any]]
    new: list[NDArray[Any]]


@pytest.fixture(scope="module", params=WAYS, ids=[way.name for way in WAYS])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    way: Way = request.param
    return go(way, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def asked(whole: Whole) -> Asked:
    with whole.original("original") as original, whole.exported("exported") as exported:
        return Asked(answers(whole, original), answers(whole, exported))


def answers(whole: Whole, side: Side) -> list[NDArray[Any]]:
    """The answer to each example, of whole sampling runs where there is a second call."""
    way = whole.way
    feeds = [raw.feeds for raw in whole.raws]
    outputs = side.answers(feeds)
    if way.then is not None:
        feeds = [way.then(given, found) for given, found in zip(feeds, outputs, strict=True)]
        outputs = side.answers(feeds)
    return [np.asarray(way.answer(found, given)) for found, given in zip(outputs, feeds, strict=True)]


def test_what_was_told_is_what_is_found(whole: Whole, asked: Asked) -> None:
    """Given a judged version, then changed answers, likeness and accuracy are what the original and the bundle give."""
    version, n = whole.version, whole.judged(whole.version)
    assert n >= 10
    found = figures(asked.old[:n], asked.new[:n])
    print(f"\n{whole.way.name}: {version['title']}, {version['verdict']}, told {version['agreement']}; {found}")  # noqa: T201
    mine = {"class": 1 - found.flips, "cosine": found.cosine, "alike": found.alike}[whole.way.told]
    assert version["agreement"] == pytest.approx(mine, abs=AS_TOLD), str(found)
    if whole.way.told == "class":
        (changed,) = (row for row in whole.document["changed"] if row["variant"] == version["id"])
        assert changed["count"] == pytest.approx(found.flips * found.n, abs=AS_TOLD * found.n)
    if whole.way.accuracy is None:
        assert version["accuracy"] is None
        return
    assert whole.document["baseline"]["accuracy"] >= whole.way.accuracy
    for told, values in ((whole.document["baseline"], asked.old), (version, asked.new)):
        assert told["accuracy"] == pytest.approx(accuracy(whole, told, values), abs=AS_TOLD), told["title"]


def accuracy(whole: Whole, version: dict[str, Any], values: Sequence[NDArray[Any]]) -> float:
    """The share of right answers; of steps, by the side of .5 on which they lie, where a state is carried."""
    n = whole.judged(version)
    pairs = [(one, raw.labels) for one, raw in zip(values[:n], whole.raws[:n], strict=True)]
    if whole.way.links is None:
        return float(np.mean([int(one.argmax()) in accepted for one, accepted in pairs]))
    known = np.concatenate([np.asarray(labels) >= 0 for _, labels in pairs])
    right = np.concatenate([(one > 0.5) == (np.asarray(labels) > 0) for one, labels in pairs])
    return float(right[known].mean())


def test_it_prepares_what_people_have_as_it_should(whole: Whole, asked: Asked) -> None:
    """Given files and texts as they are, then run.py answers as the bundle does to inputs prepared by hand."""
    told = whole.bundle.answers(whole.raws)
    if "scores" not in told[0]:
        given = [
            np.asarray(row["answer"], np.float64).reshape(new.shape) for row, new in zip(told, asked.new, strict=True)
        ]
        assert figures(asked.new, given).alike > 1 - 1e-4
        return
    for row, new in zip(told, asked.new, strict=True):
        scores = row["scores"]
        if whole.way.links is not None:
            assert scores["score"] == pytest.approx(float(new.mean()), abs=AS_TOLD), row["input"]
            continue
        shares = new if new.min() >= 0 and new.sum() == pytest.approx(1, abs=1e-3) else softmax(new)
        mine = [float(shares[whole.bundle.class_number(name)]) for name in scores]
        assert list(scores.values()) == pytest.approx(mine, abs=AS_TOLD), row["input"]
        assert mine[0] == pytest.approx(float(shares.max()), abs=AS_TOLD), row["input"]


def test_it_is_never_slower_than_the_original(whole: Whole, asked: Asked) -> None:
    """Given both in turn on a quiet machine, then what was recommended is not slower; what reads so is timed again."""
    if not whole.is_recommended:
        pytest.skip("nothing was recommended, so that nothing was promised")
    busy = busy_percent()
    if busy > BUSY_PERCENT:
        pytest.skip(f"other programs use {busy:.0f} % of the processor: times would say nothing")
    feeds = [raw.feeds for raw in whole.raws[:16]]
    with whole.original("original in turn") as original, whole.exported("exported in turn") as exported:
        original.answers(feeds)
        exported.answers(feeds)
        ratios = [speed_in_turn(original, exported)]
        if ratios[0] < NEVER_SLOWER:
            ratios.append(speed_in_turn(original, exported))
    print(f"\n{whole.way.name}: {ratios} times as fast, told {whole.version['speedup']}")  # noqa: T201
    assert max(ratios) >= NEVER_SLOWER, ratios


def busy_percent(patience_s: float = 60.0) -> float:
    """How much of the processor is in use while this does nothing; waits a while for less."""
    end = time.monotonic() + patience_s
    while (busy := float(psutil.cpu_percent(interval=2.0))) > BUSY_PERCENT and time.monotonic() < end:
        time.sleep(3)
    return busy
