"""NVML's results as states for people, each with its code."""

import pytest

from workers.contracts.gpu import GpuCard
from workers.measure.gpu import Gpus
from workers.measure.gpu_state import pci_cards, state_of

CARD = GpuCard(index=0, name="A", driver="550.54")


def silent(code: int) -> Gpus:
    return Gpus([], ["The NVIDIA driver does not respond."], code=code)


@pytest.mark.parametrize(
    ("opened", "cards", "plugged", "container", "trouble"),
    [
        (silent(12), [], 0, False, "no_card"),
        (silent(12), [], 1, False, "no_driver"),
        (silent(12), [], 1, True, "container"),
        (silent(12), [], 0, True, "no_card"),
        (silent(9), [], 1, False, "not_loaded"),
        (silent(18), [], 1, False, "restart"),
        (silent(4), [], 1, False, "no_permission"),
        (silent(999), [], 1, False, "silent"),
        (Gpus([], [], cuda=(13, 0)), [], 1, False, "no_device"),
        (Gpus([], [], cuda=(12, 4)), [CARD], 1, False, "old_driver"),
        (Gpus([], [], cuda=(13, 0)), [CARD], 1, False, ""),
    ],
)
def test_state_has_its_code_reason_and_hint(
    opened: Gpus, cards: list[GpuCard], plugged: int, container: bool, trouble: str
) -> None:
    """Given NVML's result and the plugged cards, then the state has its code, a reason and one step to take."""
    state = state_of(opened, cards, plugged=plugged, container=container)
    assert state.trouble == trouble
    assert state.found
    assert bool(state.reason) == bool(state.hint) == bool(trouble)
    assert state.command.startswith("docker") if trouble == "container" else True


def test_pci_cards_counts_display_adapters_of_nvidia(tmp_path) -> None:
    """Given the system's list of devices, then NVIDIA's display adapters count, its sound devices and others do not."""
    for name, vendor, kind in (("a", "0x10de", "0x030000"), ("b", "0x10de", "0x040300"), ("c", "0x1002", "0x030000")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vendor").write_text(vendor + "\n")
        (tmp_path / name / "class").write_text(kind + "\n")
    assert pci_cards(tmp_path) == 1
    assert pci_cards(tmp_path / "nothing") == 0
