"""List all proof tasks and choose the one for a case."""

import functools

from workers.evaluate.kinds import kinds_in
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, ProofTask


@functools.cache
def all_tasks() -> tuple[ProofTask, ...]:
    """Return all proof tasks, sorted by priority."""
    from workers.evaluate.proof import tasks

    return tuple(kinds_in(tasks, "TASK"))


def task_for(case: Case) -> ProofTask:
    """Return the first task that fits; the task for plain numbers fits everything."""
    return next(task for task in all_tasks() if task.fits(case))


def compare_case(case: Case) -> Differences:
    """Return the noticeable differences of a case, found by the task that fits."""
    return task_for(case).compare(case)
