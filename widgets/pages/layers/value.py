"""What the page "Layers" shows: frozen, milliseconds and bytes; the page rounds them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerValue:
    """One layer. `share` is its part of the time, 0..1; `size_bytes`, `sensitivity` None where they are not known."""

    order: int
    name: str
    kind: str
    ms: float
    share: float
    size_bytes: int | None = None
    precision: str = ""
    sensitivity: float | None = None


@dataclass(frozen=True)
class LayersOf:
    """One version's layers in the order of execution. `part` says what of a combined version was looked at."""

    title: str
    engine: str
    total_ms: float
    layers: tuple[LayerValue, ...]
    part: str = ""


@dataclass(frozen=True)
class LayersValue:
    """The original and the chosen version; `versions` are (id, title)."""

    versions: tuple[tuple[str, str], ...]
    chosen: str
    sides: tuple[LayersOf, ...]
