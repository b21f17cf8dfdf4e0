"""Describe this machine in a worker process, and remember the result by program version and machine."""

import platform

from app.persistence import Repositories
from app.services.flow.artifacts import library_versions
from app.services.flow.steps import Flow, JobStep, StepResult
from app.version import VERSION
from workers.contracts.base import Frozen, Nothing
from workers.contracts.jobs import DescribeResult
from workers.contracts.process.messages import Limits

KEY = "describe"


class _Remembered(Frozen):
    stamp: str
    result: DescribeResult


def describe() -> Flow[DescribeResult]:
    """Return devices, runtimes, techniques and targets with their availability and hints."""
    done: StepResult[DescribeResult] = yield JobStep(
        kind="describe",
        params=Nothing(),
        result=DescribeResult,
        title="Look at this computer",
        shares_card=True,
        limits=Limits(gpu=True),  # GPUs are invisible without their device files
    )
    return done.result


def remembered(repositories: Repositories) -> DescribeResult | None:
    """Return the last description if nothing was installed or moved since; shown until a new one is ready."""
    kept = repositories.settings.read(KEY, _Remembered)
    return kept.result if kept is not None and kept.stamp == _stamp() else None


def remember(repositories: Repositories, found: DescribeResult) -> None:
    """Store the description for the next start."""
    repositories.settings.put(KEY, _Remembered(stamp=_stamp(), result=found).model_dump(mode="json"))


def _stamp() -> str:
    versions = ",".join(f"{name}={number}" for name, number in sorted(library_versions().items()))
    return f"{VERSION};{platform.node()};{platform.python_version()};{versions}"
