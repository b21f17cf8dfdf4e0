"""Store the machine on which a run measured."""

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from workers.contracts.specs import DeviceFacts

MACHINE = RecordKind("machine", Owner.RUN, DeviceFacts)


def read_machine(repositories: Repositories, run_id: str) -> DeviceFacts | None:
    """Return the machine, None for a run of an older program version or one without measurements."""
    return repositories.records.get(MACHINE, run_id)


def write_machine(repositories: Repositories, run_id: str, device: DeviceFacts) -> None:
    """Store the machine in place of an earlier record."""
    repositories.records.put(MACHINE, run_id, device)
