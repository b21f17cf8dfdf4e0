"""Runs that other programs leave without a verdict, in a row."""

import dataclasses

from play import Like
from staging import Make

from app.services.flow.events import WaitingForQuiet
from app.services.projects.running import start_run
from app.services.records.search_end import read_end


def test_disturbed_runs_in_a_row_are_counted(stage: Make) -> None:
    """Given two runs that other programs leave without a verdict and a quiet one after them, Then the first two count 1
    and 2, with the names of the programs, and the third none."""
    one = stage(Like(p50_ms=4), {"A": Like(p50_ms=2)})
    one.ask = dataclasses.replace(one.ask, fresh=True)
    told = []
    for share in (0.4, 0.4, 0.0):
        one.play.waited_share, one.play.agreed_low = share, 0.98
        recorder, flow = start_run(one.space, one.ask, one.events.append)
        recorder.watch(WaitingForQuiet(share, 0.0, is_over=True, disturbed_by=("browser",) if share else ()))
        one.play.run(flow)
        end = read_end(one.space.repositories, recorder.run.id)
        told.append((end.busy_tries, end.disturbed_by))
    assert told == [(1, ("browser",)), (2, ("browser",)), (0, ())]
