"""Facts about this computer: processor, usable cores and memory, GPUs."""

import platform
from collections.abc import Sequence

from workers.contracts.gpu import GpuCard
from workers.contracts.planning import Instructions
from workers.contracts.process.allowance import usable_cores, usable_memory_bytes
from workers.contracts.specs import DeviceFacts
from workers.infer import processor
from workers.jobs.power import power_facts


def instructions_of(device: DeviceFacts) -> tuple[Instructions, ...]:
    """Return the processor's instruction sets, the strongest first, with titles for the user."""
    features = processor.known(device.features)
    return tuple(Instructions(name=one.name, title=one.title, arithmetic=one.arithmetic) for one in features)


def device_facts(cards: Sequence[GpuCard]) -> DeviceFacts:
    """Return the computer's facts for planner and manifest."""
    return DeviceFacts(
        processor=processor.name(),
        cores=usable_cores(),
        memory_bytes=usable_memory_bytes(),
        features=processor.names_of(processor.flags() or ()),
        gpus=tuple(card.name for card in cards),
        architectures=tuple(
            f"sm{card.compute_capability.replace('.', '')}" for card in cards if card.compute_capability
        ),
        lacks_avx2=processor.lacks_avx2(),
        os=f"{platform.system()} {platform.release()}",
        power=power_facts(),
    )
