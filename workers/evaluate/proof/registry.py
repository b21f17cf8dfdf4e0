"""All proof tasks."""

import functools

from workers.evaluate.kinds import kinds_in
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, ProofTask


@functools.cache
def all_tasks() -> tuple[ProofTask, ...]:
    """By their order."""
    from workers.evaluate.proof import tasks

    return tuple(kinds_in(tasks, "TASK"))


def task_for(case: Case) -> ProofTask:
    """The first that fits; numbers fit everything."""
    return next(task for task in all_tasks() if task.fits(case))


def compare_case(case: Case) -> Differences:
    """What a person would notice, by the task that fits."""
    return task_for(case).compare(case)
