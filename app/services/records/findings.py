"""Store the findings of a run about its model and examples that a person should know."""

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from workers.contracts.base import Frozen
from workers.contracts.specs import Finding


class RunFindings(Frozen):
    """Findings of one run in order, without duplicates."""

    findings: tuple[Finding, ...] = ()


FINDINGS = RecordKind("findings", Owner.RUN, RunFindings)


def read_findings(repositories: Repositories, run_id: str) -> tuple[Finding, ...]:
    """Return the findings of a run, () for a run of an older program version."""
    stored = repositories.records.get(FINDINGS, run_id)
    return stored.findings if stored is not None else ()


def add_finding(repositories: Repositories, run_id: str, finding: Finding) -> None:
    """Store a finding unless it is stored already."""
    known = read_findings(repositories, run_id)
    if finding not in known:
        repositories.records.put(FINDINGS, run_id, RunFindings(findings=(*known, finding)))
