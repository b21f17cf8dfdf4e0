"""Progress is throttled, but the ends of a stage always arrive."""

from workers.runtime.progress import ProgressThrottle


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_ten_a_second_with_first_and_last() -> None:
    """Given 1,000 steps in one second, Then about ten messages come, the first and the last among them."""
    clock = Clock()
    throttle = ProgressThrottle(clock)
    sent = []
    for done in range(1001):
        sent += throttle.push("a", done, 1000, "items")
        clock.now_s += 0.001

    assert 10 <= len(sent) <= 13
    assert (sent[0].done, sent[-1].done) == (0, 1000)
    assert sent[-1].unit == "items"


def test_the_last_of_a_stage_comes_before_the_next_stage() -> None:
    """Given a stage whose end is not known, When another begins, Then what was held back is sent before."""
    throttle = ProgressThrottle(Clock())
    sent = [*throttle.push("a", 1, None, ""), *throttle.push("a", 2, None, ""), *throttle.push("b", 0, 5, "")]
    assert [(m.stage, m.done) for m in sent] == [("a", 1), ("a", 2), ("b", 0)]
    assert list(throttle.flush()) == []


def test_flush_sends_withheld_progress() -> None:
    throttle = ProgressThrottle(Clock())
    list(throttle.push("a", 1, 10, ""))
    assert list(throttle.push("a", 2, 10, "")) == []
    assert [m.done for m in throttle.flush()] == [2]


def test_time_left() -> None:
    """Given 25 of 100 steps in 5 seconds, Then 15 seconds are left; none is sent without a total or at the start."""
    clock = Clock()
    throttle = ProgressThrottle(clock)
    assert [m.eta_s for m in throttle.push("a", 0, 100, "")] == [None]
    clock.now_s += 5
    assert [m.eta_s for m in throttle.push("a", 25, 100, "")] == [15.0]
    clock.now_s += 5
    assert [m.eta_s for m in throttle.push("a", 30, None, "")] == [None]
