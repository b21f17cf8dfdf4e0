"""Order to a relay process: which job to run on which computer, and how to reach its agent."""

from pydantic import Field

from workers.contracts.base import Frozen
from workers.contracts.process.bootstrap import ChildConfig


class RelayOrder(Frozen):
    """Order to relay one job; crosses the process boundary as JSON.

    Attributes:
        session: Command whose standard input and output are the agent's, for the conversation about this job.
        end: Command that ends the job there.
        name: The computer's name for the person.
        job: Name of the job there.
        version: Version of the workers that run it.
        config: Start configuration with the paths here.
        group: Measurement that the job belongs to, which shares the computer with no other; "" if it measures nothing.
        who: The person and computer that others see while the job measures.
        lease_s: Seconds without a connection after which the job ends there.
        busy_wait_s: Most seconds to wait while another group measures there.
        hashes: File that remembers hashes of files; "" for none.
        most_bytes: Most bytes that the job may leave.
    """

    session: tuple[str, ...]
    end: tuple[str, ...]
    name: str
    job: str
    version: str
    config: ChildConfig
    group: str = ""
    who: str = ""
    lease_s: float = Field(default=45.0, gt=0)
    busy_wait_s: float = Field(default=0.0, ge=0)
    hashes: str = ""
    most_bytes: int
