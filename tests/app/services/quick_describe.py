"""Describe a computer without a job, for releases: they need the computer's kinds of bundles alone."""

from app.services.flow.steps import DiskStep, Flow
from workers.contracts.jobs import DescribeResult
from workers.contracts.specs import DescribedTarget, DeviceFacts


def describe_quickly() -> Flow[DescribeResult]:
    """Return the description at once that a job would take seconds to make."""
    yield DiskStep(lambda _stopped: None)
    targets = (DescribedTarget(id="python", title="Python folder", available=True),)
    device = DeviceFacts(processor="p", cores=1, memory_bytes=1)
    return DescribeResult(device=device, devices=(), runtimes=(), techniques=(), targets=targets, versions={})
