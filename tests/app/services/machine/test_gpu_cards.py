"""A GPU by its place and its UUID: one name means one card everywhere."""

import dataclasses
from pathlib import Path

import pytest

from app.services.flow.steps import JobStep
from app.services.flow.workspace import Workspace
from app.services.machine.devices import card_of
from workers.contracts.base import Nothing
from workers.contracts.gpu import GpuCard
from workers.contracts.jobs import DescribeResult
from workers.contracts.process.messages import Card, Limits
from workers.contracts.specs import DeviceFacts

FIRST = GpuCard(index=0, uuid="GPU-a", name="A")
SECOND = GpuCard(index=1, uuid="GPU-b", name="B")
FOUND = DescribeResult(
    device=DeviceFacts(processor="p", cores=2, memory_bytes=1),
    devices=(),
    runtimes=(),
    techniques=(),
    targets=(),
    versions={},
    cards=(FIRST, SECOND, GpuCard(index=2, name="tells no UUID")),
)


@pytest.mark.parametrize(
    ("device", "uuid"), [("cuda:0", "GPU-a"), ("cuda:1", "GPU-b"), ("cuda", "GPU-a"), ("cuda:2", None), ("cpu", None)]
)
def test_a_name_means_one_card(device: str, uuid: str | None) -> None:
    """Given what a person names, Then it is the UUID of the card in that place, and none for the processor."""
    card = card_of(FOUND, device)
    assert (card.uuid if card else None) == uuid


def step(**limits: object) -> JobStep[DescribeResult]:
    return JobStep("describe", Nothing(), DescribeResult, "", limits=Limits(**limits))


def test_jobs_with_a_gpu_get_the_chosen_card_and_its_lasting_folder(space: Workspace) -> None:
    """Given a chosen card, Then jobs with a GPU see it alone and may write where compiled kernels stay, others neither."""
    chosen = dataclasses.replace(space, card=lambda: Card(uuid="GPU-b", index=1))
    job = chosen.new_job(step(gpu=True), {})
    assert job.limits.card == Card(uuid="GPU-b", index=1)
    assert job.gpu_cache in job.write_paths
    assert Path(job.gpu_cache).is_dir()
    plain = chosen.new_job(step(), {})
    assert (plain.limits.card, plain.gpu_cache, plain.write_paths) == (None, "", ())


def test_a_step_may_name_its_own_card(space: Workspace) -> None:
    """Given a step about one card, such as the doctor's, Then the person's choice does not lead it elsewhere."""
    chosen = dataclasses.replace(space, card=lambda: Card(uuid="GPU-b", index=1))
    own = Card(uuid="GPU-a", index=0)
    assert chosen.new_job(step(gpu=True, card=own), {}).limits.card == own
