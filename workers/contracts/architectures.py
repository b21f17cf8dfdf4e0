"""NVIDIA architectures that engines are built for, by compute capability, with their number formats.

Source: CUDA C++ Programming Guide, “Compute Capabilities”; TensorRT support matrix, “Hardware and Precision”.
"""

from collections.abc import Iterable
from typing import Literal

Number = Literal["fp16", "bf16", "int8", "int4 weights", "fp8", "2:4 zeros"]

CARDS = {
    "sm75": "GeForce RTX 20 and GTX 16, T4",
    "sm80": "A100, A30",
    "sm86": "GeForce RTX 30, A10, A40",
    "sm89": "GeForce RTX 40, L4, L40",
    "sm120": "GeForce RTX 50, RTX PRO Blackwell",
    "sm121": "DGX Spark",
}
"""Architectures that `tensorrt-rtx` builds for (`ComputeCapability`), with well-known cards."""

FROM: dict[Number, int] = {"fp16": 53, "int8": 61, "int4 weights": 75, "bf16": 80, "2:4 zeros": 80, "fp8": 89}
"""First compute capability (major and minor digits together) that computes with each number format."""


def capability(architecture: str) -> int:
    """Return the compute capability of an architecture: ``sm89`` → 89; raise ValueError for other text."""
    digits = architecture.lower().removeprefix("sm")
    if not digits.isdecimal():
        raise ValueError(f"{architecture!r} is no architecture such as sm89")
    return int(digits)


def with_number(architectures: Iterable[str], number: Number) -> tuple[str, ...]:
    """Return the architectures whose cards compute with this number format."""
    return tuple(name for name in architectures if capability(name) >= FROM[number])


def shown(architectures: Iterable[str]) -> str:
    """Return architectures as text: ``SM89, SM120``."""
    return ", ".join(name.upper() for name in architectures)


def parse(text: str) -> tuple[str, ...]:
    """Split ``sm89,sm120`` into (sm89, sm120), each once, in the given order; raise ValueError in plain words."""
    names = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    unknown = [name for name in names if name not in CARDS]
    if unknown or not names:
        known = ", ".join(f"{name} ({cards})" for name, cards in CARDS.items())
        raise ValueError(f"{', '.join(unknown) or text!r} is none that engines are built for: {known}")
    return names
