"""What is there on this machine: asked of a worker once, then kept by versions and machine."""

from app.services.steps import Done, Flow, JobStep
from workers.contracts.jobs import DescribeParams, DescribeResult


def describe() -> Flow[DescribeResult]:
    """Devices, runtimes, techniques, targets with availability and hints."""
    done: Done[DescribeResult] = yield JobStep(
        kind="describe", params=DescribeParams(), result=DescribeResult, title="Look at this computer"
    )
    return done.result
