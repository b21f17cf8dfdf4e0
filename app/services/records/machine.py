"""On what a run measured."""

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from workers.contracts.specs import DeviceFacts

MACHINE = RecordKind("machine", Owner.RUN, DeviceFacts)


def read_machine(repositories: Repositories, run_id: str) -> DeviceFacts | None:
    """None for a run of an older version of the program, or one that came not so far."""
    return repositories.records.get(MACHINE, run_id)


def write_machine(repositories: Repositories, run_id: str, device: DeviceFacts) -> None:
    """Keep it in place of what was there."""
    repositories.records.put(MACHINE, run_id, device)
