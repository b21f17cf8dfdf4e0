"""Tests of the sources of each figure on Compare, and that `fettle bench` measures a version again."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from flows import refusal
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.cli import looking
from app.cli.options.inputs import Globals
from app.cli.output import Output
from app.controllers.compare.sources import sources_of
from app.domain.variant import LatencyPoint
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from widgets.pages.compare.page import ComparePage
from widgets.parts.cards.source import OpenFigure, SourceCard


@pytest.fixture
def space(space: Workspace, finished_data: Path) -> Workspace:
    """Open a finished run with 400 timed requests of the recommended version, 40 of them from its first measurement."""
    points = [LatencyPoint("v1", 0.1 * n, 2.0 + 0.01 * (n % 40)) for n in range(400)]
    space.repositories.latencies.add_many("r1", points)
    return space


def card_of(page: ComparePage) -> SourceCard:
    cards = [card for card in page.findChildren(SourceCard) if card.isVisible()]
    assert len(cards) == 1
    return cards[0]


def test_each_figure_opens_by_click_and_key(page: ComparePage, qtbot: QtBot) -> None:
    """Given the three figures and the table, when they are clicked or Enter is pressed, then each shows n, interval,
    raw values; Esc closes it."""
    keys = []
    for figure in page.findChildren(OpenFigure):
        qtbot.mouseClick(figure, Qt.MouseButton.LeftButton)
        keys.append(card_of(page).chosen.key)
        qtbot.keyClick(card_of(page), Qt.Key.Key_Escape)
        assert not [card for card in page.findChildren(SourceCard) if card.isVisible()]
        figure.setFocus()
        qtbot.keyClick(figure, Qt.Key.Key_Return)
        assert card_of(page).chosen.key == keys[-1]
        card_of(page).close()
    assert keys == ["speed", "size", "same"]

    table: Any = page._table
    for column, key in ((1, "latency"), (2, "size"), (3, "accuracy"), (4, "same")):
        place = table.visualRect(table.model().index(1, column)).center()
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert card_of(page).chosen.key == key
        card_of(page).close()
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Return)
    card = card_of(page)
    card.choose("latency")
    value = card.chosen
    assert len(value.values) == 360, "only what the figure is made of"
    pairs = dict(value.pairs)
    assert pairs["Requests"] == "360" and "to" in pairs["95 % interval"]
    assert value.lines and value.lines[0].startswith("3 sets in fresh processes")
    card.close()


def test_sources_have_only_measured_figures(space: Workspace) -> None:
    """Given a version, then its sources show the judge's counts and bounds, and nothing that was not measured."""
    facts = read_facts(space, "r1")
    found = {source.key: source for source in sources_of(facts, facts.variants[2], ())}
    judgement = facts.variants[2].judgement
    assert judgement is not None and judgement.flips is not None and judgement.negative_flips is not None
    worse = round(judgement.negative_flips * 48)
    pairs = dict(found["accuracy"].pairs)
    assert pairs["Right before, wrong now"] == str(worse)
    assert pairs["Wrong before, right now"] == str(round(judgement.flips * 48) - worse)
    assert dict(found["same"].pairs)["Changed answers"] == str(judgement.changed_count)
    assert "memory" not in found and found["latency"].values == ()
    original = {source.key for source in sources_of(facts, facts.baseline, ())}
    assert original == {"latency", "size", "accuracy"}


def test_interval_and_sets_come_from_the_measurement(space: Workspace) -> None:
    """Given sets of different sizes, then interval and medians of sets are the stored ones, and are not computed again
    from the raw times."""
    facts = read_facts(space, "r1")
    measured = dataclasses.replace(
        facts.variants[1].measurement, latency_p50_low_ms=2.031, latency_p50_high_ms=2.072, set_p50_ms=(2.05, 3.5), n=50
    )
    variant = dataclasses.replace(facts.variants[1], measurement=measured)
    (latency,) = (source for source in sources_of(facts, variant, [2.0] * 40 + [9.0] * 10) if source.key == "latency")
    assert dict(latency.pairs)["95 % interval"] == "2.03 ms to 2.07 ms"
    assert "2 sets" in latency.lines[0] and "2.05 ms, 3.5 ms" in latency.lines[0]
    bare = dataclasses.replace(
        variant, measurement=dataclasses.replace(measured, latency_p50_low_ms=None, set_p50_ms=())
    )
    (latency,) = (source for source in sources_of(facts, bare, [2.0] * 50) if source.key == "latency")
    assert "95 % interval" not in dict(latency.pairs) and latency.lines == ()


def test_speedup_under_load_explains_its_comparison(space: Workspace) -> None:
    """Given a version measured under load, then its speedup explains its three comparisons; without load it does not."""
    facts = read_facts(space, "r1")
    variant = facts.variants[1]
    loaded = dataclasses.replace(variant.measurement, under_load=True, cpu_speedup=2.4, agreed_low=1.98)
    for one, is_loaded in ((variant, False), (dataclasses.replace(variant, measurement=loaded), True)):
        (speed,) = (source for source in sources_of(facts, one, ()) if source.key == "speed")
        assert ("By processor time alone" in dict(speed.pairs)) is is_loaded
        assert ("busy" in speed.how) is is_loaded
        assert (speed.figure == "≥ 1.9 ×") is is_loaded
    calm = dataclasses.replace(loaded, undisturbed=True, speedup=1.5, speedup_low=1.3, speedup_high=1.7, agreed_low=1.3)
    (speed,) = (
        source
        for source in sources_of(facts, dataclasses.replace(variant, measurement=calm), ())
        if source.key == "speed"
    )
    assert dict(speed.pairs)["Undisturbed requests"] == "1.50 times (1.30 to 1.70)" and speed.figure == "≥ 1.3 ×"


def test_command_of_a_latency_measures_the_version_again(
    finished_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given the command of a latency, when it runs, then the version is measured with its own runtime; an unknown
    version is refused."""
    shutil.copytree(finished_data / "data", tmp_path / "data")
    output = Output(Globals(data_dir=tmp_path / "data", json=True, quiet=True))
    assert looking.bench(output, Path("r1/v1"), seconds=0.3) == 0
    (point,) = json.loads(capsys.readouterr().out)["points"]
    assert point["p50_ms"] > 0 and point["n"] > 0
    assert "no version 'v9'" in refusal(looking.bench, output, Path("r1/v9")).error.detail
