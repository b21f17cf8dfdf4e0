"""What a run reports while it is at work; every job is played, the database is real."""

from play import Like
from staging import Make

from app.services.flow.events import LogLine, StepChanged


def test_what_was_found_is_told(stage: Make) -> None:
    """Given a run, then whoever watches hears of each step and of each job's error."""
    one = stage(Like(p50_ms=4), {"A": Like(fails_at="apply")})
    one.go()
    told = [
        event.step.title for event in one.events if isinstance(event, StepChanged) and event.step.state == "running"
    ]
    assert told[:4] == ["Check the model", "Read the examples", "Measure the original", "A"]
    assert not [event for event in one.events if isinstance(event, LogLine) and event.level == "error"]


def test_too_few_examples_for_the_limit_are_told_before_anything_is_measured(stage: Make) -> None:
    """Given 100 examples and a limit of 1 %, which takes 321, then that is told before the original is measured."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.play.n_test = 100
    one.go()
    told = next(i for i, event in enumerate(one.events) if isinstance(event, LogLine) and "at least 321" in event.text)
    begun = {event.step.title: i for i, event in enumerate(one.events) if isinstance(event, StepChanged)
             if event.step.state == "running"}  # fmt: skip
    assert begun["Read the examples"] < told < begun["Measure the original"]
