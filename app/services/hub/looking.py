"""Send short requests to the hub, each in its own job with a time limit."""

from typing import TypeVar

from pydantic import BaseModel

from app.services.flow.steps import Flow, JobError, JobStep, StepResult, Unavailable
from app.services.hub.place import certificate_paths
from workers.contracts.errors import ErrorInfo
from workers.contracts.process.messages import Limits

R = TypeVar("R", bound=BaseModel)

LOOK_LIMITS = Limits(memory_bytes=1 << 30, cpu_s=120, wall_s=180, file_bytes=1 << 26, network=True)

TOO_SLOW = frozenset(("time_limit", "cpu_limit"))
SLOW = ErrorInfo(
    code="hub_slow",
    title="The hub took too long",
    detail="The hub did not give its whole answer within three minutes. Nothing was changed on this computer.",
    hint="Check the connection and try again, or search for something narrower.",
)


def look(kind: str, params: BaseModel, result: type[R], title: str) -> Flow[R]:
    """Run one job that only reads from the hub; raises `JobError`, with exit code 6 if the hub takes too long."""
    try:
        done: StepResult[R] = yield JobStep(
            kind=kind,
            params=params,
            result=result,
            title=title,
            read_paths=certificate_paths(),
            threads=1,
            limits=LOOK_LIMITS,
        )
    except JobError as error:
        if error.error.code not in TOO_SLOW:
            raise
        raise JobError(
            SLOW.model_copy(update={"traceback": error.error.traceback}), Unavailable.exit_code_of_kind
        ) from error
    return done.result
