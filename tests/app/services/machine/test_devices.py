"""Test requested runtimes, devices and GPUs, the memory of GPUs, and the loudspeaker."""

import dataclasses
import io
import time
import wave
from pathlib import Path

import miniaudio
import numpy as np
import pytest
from flows import refusal

from app.services.flow.steps import JobStep
from app.services.flow.workspace import Workspace
from app.services.machine.devices import card_of, check_recipes, check_runtimes, runtimes_on
from app.services.machine.gpu_doctor import CONTEXT_BYTES, GpuRoom, room_for, room_words
from app.services.machine.loudspeaker import Loudspeaker, play_on
from workers.contracts.base import Nothing
from workers.contracts.gpu import GpuCard, GpuState, RungsResult
from workers.contracts.jobs import DescribeResult
from workers.contracts.process.messages import Card, Limits
from workers.contracts.specs import Described, DeviceFacts, Recipe, RecipeStep


def row(name: str, group: str, available: bool = True, hint: str = "") -> Described:
    return Described(id=name, title=name.title(), available=available, hint=hint, group=group)


FOUND = DescribeResult(
    device=DeviceFacts(processor="p", cores=2, memory_bytes=1),
    devices=(row("cpu", "cpu"), row("cuda:0", "cuda", False, "No NVIDIA GPU was found.")),
    runtimes=(
        row("onnxruntime-cpu", "cpu"),
        row("openvino", "cpu", False, "pip install openvino"),
        row("onnxruntime-cuda", "cuda", False, "No NVIDIA GPU was found."),
    ),
    techniques=(row("bf16", ""),),
    targets=(),
    versions={},
)
WITH_GPU = FOUND.model_copy(update={"devices": (row("cpu", "cpu"), row("cuda:0", "cuda"))})


def test_available_runtimes_are_accepted() -> None:
    """Given available names, Then they are returned unchanged."""
    assert check_runtimes(FOUND, ["onnxruntime-cpu"]) == ("onnxruntime-cpu",)
    assert runtimes_on(FOUND, "cpu") == ("onnxruntime-cpu",)


@pytest.mark.parametrize(
    ("name", "code"), [("openvino", 6), ("onnxruntime-cuda", 6), ("tensorflow", 2), ("onnx", 2), ("", 2)]
)
def test_check_runtimes_refuses_missing_and_unknown_runtimes(name: str, code: int) -> None:
    """Given a missing runtime, Then exit code 6 with its hint; for an unknown name exit code 2."""
    refused = refusal(check_runtimes, FOUND, [name])
    assert refused.exit_code == code
    assert refused.error.hint


@pytest.mark.parametrize(("device", "code"), [("cuda:0", 6), ("cuda", 6), ("cuda:7", 6), ("tpu", 2), ("CPU", 2)])
def test_runtimes_on_refuses_missing_and_unknown_devices(device: str, code: int) -> None:
    """Given no GPU, Then exit code 6; for an unknown device exit code 2."""
    assert refusal(runtimes_on, FOUND, device).exit_code == code


def test_runtimes_on_a_device_without_runtimes_lists_their_hints() -> None:
    """Given a GPU and no runtime for it, Then exit code 6 with the hint of each runtime."""
    refused = refusal(runtimes_on, WITH_GPU, "cuda:0")
    assert refused.exit_code == 6
    assert "Onnxruntime-Cuda: No NVIDIA GPU was found." in refused.error.detail


def test_check_recipes_refuses_unknown_names() -> None:
    """Given a recipe with an unknown technique or runtime, Then exit code 3, and the recipe's title is named."""
    check_recipes(FOUND, [Recipe(title="A", steps=(RecipeStep(technique="bf16"),), runtime="openvino")], "r.yaml")
    for recipe in (Recipe(title="Mine", steps=(RecipeStep(technique="magic"),)), Recipe(title="Mine", runtime="x")):
        refused = refusal(check_recipes, FOUND, [recipe], "r.yaml")
        assert refused.exit_code == 3
        assert "“Mine”" in refused.error.detail


A = GpuCard(index=0, uuid="GPU-a", name="Card A", memory_bytes=24_000_000_000)
B = GpuCard(index=1, uuid="GPU-b", name="Card B", memory_bytes=8_000_000_000)
LOOKED = RungsResult(state=GpuState(), cards=(A, B), rungs=(), free_bytes={"GPU-a": 20_000_000_000})


def room_on(index: int) -> GpuRoom | None:
    """Return the room on the GPU of this index."""

    class Done:
        result = LOOKED.model_copy(update={"index": index})

    flow = room_for(4_000_000_000)
    next(flow)
    with pytest.raises(StopIteration) as ended:
        flow.send(Done())
    room: GpuRoom | None = ended.value.value
    return room


def test_room_for_is_that_of_the_gpu_of_jobs() -> None:
    """Given two GPUs, Then the room is that of the one on which jobs run."""
    first, second = room_on(0), room_on(1)
    assert (first.card, first.free_bytes) == (A, 20_000_000_000)
    assert (second.card, second.free_bytes) == (B, None), "it is not reported"
    assert room_on(2) is None


@pytest.mark.parametrize(("free_bytes", "is_short"), [(None, False), (4_000_000_000, True), (5_000_000_000, False)])
def test_room_words_warn_if_the_model_cannot_fit(free_bytes: int | None, is_short: bool) -> None:
    """Given weights and free memory, Then only less memory than weights and context is called too little."""
    room = GpuRoom(A, CONTEXT_BYTES + 4_000_000_000, free_bytes)
    assert room.is_short == is_short
    assert ("use the processor" in room_words(room)) == is_short
    assert "4.3 GB" in room_words(room)


def tone(seconds: float, rate_hz: int = 16_000) -> bytes:
    """Return a quiet tone as a WAV file."""
    samples = 0.1 * np.sin(np.arange(round(seconds * rate_hz)) / rate_hz * 2 * np.pi * 440)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return out.getvalue()


def ended(speaker: Loudspeaker, limit_s: float = 120.0) -> str:
    until = time.monotonic() + limit_s
    while speaker.poll() == "playing":
        assert time.monotonic() < until
        time.sleep(0.02)
    return speaker.state


def test_a_sound_is_played_to_its_end_or_there_is_no_device() -> None:
    """Given a sound, When it is played, Then it ends or there is no device; a file that is no sound fails."""
    speaker = Loudspeaker()
    speaker.play(tone(0.1))
    assert speaker.state == "playing" and ended(speaker) in ("idle", "no_device")
    speaker.play(b"no sound")
    assert ended(speaker) == "failed"


def test_stop_ends_the_sound_at_once() -> None:
    """Given a long sound, When it is stopped, Then its process is gone at once; a second stop does nothing."""
    speaker = Loudspeaker()
    speaker.play(tone(120))
    assert speaker._process is not None
    speaker.stop()
    assert speaker.poll() == "idle" and speaker._process is None
    speaker.stop()


def test_play_on_takes_as_long_as_the_sound() -> None:
    """Given a device without a loudspeaker, Then playing takes as long as the sound."""
    began_s = time.monotonic()
    play_on(tone(0.5), [miniaudio.Backend.NULL])
    assert time.monotonic() - began_s >= 0.5


WITH_CARDS = FOUND.model_copy(update={"cards": (A, B, GpuCard(index=2, name="without a UUID"))})


@pytest.mark.parametrize(
    ("device", "uuid"), [("cuda:0", "GPU-a"), ("cuda:1", "GPU-b"), ("cuda", "GPU-a"), ("cuda:2", None), ("cpu", None)]
)
def test_card_of_returns_the_gpu_of_an_index(device: str, uuid: str | None) -> None:
    """Given the name of a device, Then the UUID is that of the GPU with this index, None for the processor."""
    card = card_of(WITH_CARDS, device)
    assert (card.uuid if card else None) == uuid


def step(**limits: object) -> JobStep[DescribeResult]:
    return JobStep("describe", Nothing(), DescribeResult, "", limits=Limits(**limits))


def test_jobs_with_a_gpu_get_the_chosen_card_and_its_lasting_folder(space: Workspace) -> None:
    """Given a chosen GPU, Then jobs with a GPU see it alone and may write the cache of compiled kernels, others
    neither."""
    chosen = dataclasses.replace(space, card=lambda: Card(uuid="GPU-b", index=1))
    job = chosen.new_job(step(gpu=True), {})
    assert job.limits.card == Card(uuid="GPU-b", index=1)
    assert job.gpu_cache in job.write_paths
    assert Path(job.gpu_cache).is_dir()
    plain = chosen.new_job(step(), {})
    assert (plain.limits.card, plain.gpu_cache, plain.write_paths) == (None, "", ())


def test_a_step_may_name_its_own_card(space: Workspace) -> None:
    """Given a step about one GPU, such as the doctor's, Then the person's choice does not replace it."""
    chosen = dataclasses.replace(space, card=lambda: Card(uuid="GPU-b", index=1))
    own = Card(uuid="GPU-a", index=0)
    assert chosen.new_job(step(gpu=True, card=own), {}).limits.card == own
