"""One graph a tick, in turn, and no faster than the moment allows."""

import time

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from stopwatch import busyness

from widgets.plots.frame_clock import FrameClock


class Graph:
    """Counts how often it was drawn."""

    def __init__(self, log: list["Graph"], due: bool = True) -> None:
        self.log, self.due, self.measuring_seen = log, due, False

    def is_due(self, now_s: float, measuring: bool) -> bool:
        self.measuring_seen |= measuring
        return self.due

    def draw(self, now_s: float) -> None:
        self.log.append(self)


@pytest.mark.parametrize(
    ("job", "measuring", "fps"), [(False, False, 60), (True, False, 30), (True, True, 5), (False, True, 5)]
)
def test_rates(clock: FrameClock, job: bool, measuring: bool, fps: int) -> None:
    """Given what goes on, then each graph has its rate: 60 idle, 30 in jobs, 5 inside timed regions."""
    clock.set_job(job)
    clock.set_measuring(measuring)
    assert clock.fps == fps
    log: list[Graph] = []
    for _ in range(4):
        clock.add(Graph(log))
    clock.wake()
    begin = time.monotonic()
    QTest.qWait(600)
    rate = len(log) / 4 / (time.monotonic() - begin)
    assert rate <= fps * 1.25
    assert rate >= min(fps * 0.4, 12) / busyness() or fps == 5


def test_one_graph_a_tick_in_turn(clock: FrameClock, qapp: QApplication) -> None:
    """Given three graphs, then ticks draw them one after the other."""
    log: list[Graph] = []
    graphs = [Graph(log) for _ in range(3)]
    for graph in graphs:
        clock.add(graph)
    for _ in range(6):
        clock._on_tick()
    order = [graphs.index(graph) for graph in log]
    assert len(log) == 6 and order[:3] == order[3:] and sorted(order[:3]) == [0, 1, 2]


def test_nothing_is_drawn_while_requests_are_timed(clock: FrameClock) -> None:
    """Given graphs with something new, When a block of requests is timed, Then none is drawn, and what woke the clock
    meanwhile is drawn after it."""
    log: list[Graph] = []
    clock.add(Graph(log))
    clock.wake()
    clock.set_timing(True)
    clock.wake()
    QTest.qWait(150)
    assert log == [] and not clock.is_awake
    clock.set_timing(False)
    QTest.qWait(150)
    assert log and clock.is_awake


def test_it_sleeps_when_nothing_is_due_and_wakes(clock: FrameClock) -> None:
    """Given graphs with nothing new, then the timer stops; `wake` starts it again; without graphs it never runs."""
    clock.wake()
    assert not clock.is_awake
    log: list[Graph] = []
    graph = Graph(log, due=False)
    clock.add(graph)
    clock.wake()
    for _ in range(200):
        clock._on_tick()
    assert not clock.is_awake and log == []
    graph.due = True
    clock.wake()
    assert clock.is_awake
    clock.remove(graph)
    clock._on_tick()
    assert not clock.is_awake
