"""Define the values of the page "Layers": frozen, in milliseconds and bytes that the page rounds."""

from dataclasses import dataclass

from workers.contracts.after.changes import Layer, LayersResult


@dataclass(frozen=True)
class LayersOf:
    """The layers of one version as the engine `engine` ran them; kinds of layers have common names."""

    title: str
    engine: str
    result: LayersResult

    def share(self, layer: Layer) -> float:
        """Return a layer's share of the total time, 0..1."""
        return layer.ms / (self.result.total_ms or 1.0)


@dataclass(frozen=True)
class LayersValue:
    """The layers of the original and the chosen version; `versions` are (id, title)."""

    versions: tuple[tuple[str, str], ...]
    chosen: str
    sides: tuple[LayersOf, ...]
